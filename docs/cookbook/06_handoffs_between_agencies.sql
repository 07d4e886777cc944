-- Who hands people on to whom?
-- A hand-off is a contact whose next one, within 28 days, was with another agency. Most are as they should be: look at the share for the same need.
select
    from_agency, to_agency,
    count(*) as handoffs,
    count(distinct person_id) as people,
    median(days_between) as median_days,
    round(avg(same_need::integer), 2) as share_for_same_need
from marts.handoffs
where between_agencies
group by all
order by handoffs desc, from_agency, to_agency
