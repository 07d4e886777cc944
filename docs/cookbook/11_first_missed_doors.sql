-- Where was the first missed door, and how long was there until the crisis?
-- Days from the first missed door to the crisis: the time there was to do something.
select
    first_missed_door_agency as agency,
    first_missed_door_team as team,
    count(*) as spells,
    median(days_to_crisis) as median_days
from marts.spells
where first_missed_door_contact_id is not null
group by all
order by spells desc, agency, team
limit 15
