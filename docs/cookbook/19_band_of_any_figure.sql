-- How sure is a figure of your own, given that linkage is not certain?
-- Here the people with five A&E attendances or more. Each draw is one way in which records may belong together: the figure without the people whom it replaces, with those in their place. Put your own rule into of_people and of_keys.
with of_people as (
    select person_id from marts.contacts where feed = 'ae_attendances' group by person_id having count(*) >= 5
),
of_keys as (
    select drawn.person_key
    from marts.person_draw_contacts as drawn
    inner join marts.contacts as contacts using (contact_id)
    where contacts.feed = 'ae_attendances'
    group by drawn.person_key
    having count(*) >= 5
),
changes as (
    select draw, -count(distinct person_id) as people from marts.person_draws semi join of_people using (person_id) group by draw
    union all
    select draw, count(distinct person_key) from marts.person_draws semi join of_keys using (person_key) group by draw
),
draws as (
    select draw, (select count(*) from of_people) + coalesce(sum(changes.people), 0) as people
    from (select distinct draw from marts.headline_draws)
    left join changes using (draw)
    group by draw
)
select
    (select count(*) from of_people) as people,
    floor(quantile_cont(people, 0.025)) as people_low,
    ceil(quantile_cont(people, 0.975)) as people_high
from draws
