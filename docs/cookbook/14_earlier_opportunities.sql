-- Where could something have been done earlier, and how often did a crisis follow?
-- Only signals whose window is complete: the share is of all of them, and most are followed by no crisis. Lead days are the time there was.
select
    rule_id,
    count(*) as signals,
    count(distinct person_id) as people,
    count(*) filter (followed_by_crisis) as crises,
    round(avg(followed_by_crisis::integer), 3) as share_followed,
    median(lead_days) as median_lead_days
from marts.earlier_opportunities
where window_complete
group by rule_id
order by rule_id
