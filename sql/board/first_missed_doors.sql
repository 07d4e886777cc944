-- One row per need and service: spells that came to a crisis after a first door that ended without help, counted at
-- that door.
-- Key: need_label, door_label
with missed_doors as (
    select
        need,
        first_missed_door_feed as feed,
        count(*) as spells,
        count(distinct person_id) as people
    from marts.spells
    where first_missed_door_contact_id is not null
    group by need, feed
)

select
    needs.label as need_label, -- [label] Need of the spell
    feeds.label as door_label, -- [label] Service that was the first missed door
    missed_doors.spells, -- [count] Spells with their first missed door at this service and a crisis after it
    missed_doors.people -- [people] People with such a spell
from missed_doors
inner join reference.needs using (need)
inner join reference.feeds using (feed)
