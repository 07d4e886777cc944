-- One row per linkage scenario, person and spell: the first service reached, and the first missed door, which is the
-- first contact that ended without help and after which the spell came to a crisis contact.
-- Key: scenario, person_key, spell_id
with contacts as (
    select hash(contact_id) as contact, contact_id, agency, feed, team from staging.contacts
),

-- Nothing but a contact that ended without help can be a missed door, and nothing but a crisis can follow it.
steps as (
    select person, spell, position, contact, started_at, missed, crisis
    from journeys.sequence
    where missed or crisis
),

spells_with_missed_door as (
    select
        person,
        spell,
        min(position) filter (missed) as missed_position
    from steps
    group by person, spell
    having min(position) filter (missed) < max(position) filter (crisis)
),

missed_doors as (
    select
        steps.person,
        steps.spell,
        arg_min(steps.contact, steps.position) as missed_door,
        arg_min(steps.started_at, steps.position) as missed_at,
        arg_min(steps.contact, steps.position) filter (
            steps.crisis and steps.position > missed_position
        ) as crisis,
        arg_min(steps.started_at, steps.position) filter (
            steps.crisis and steps.position > missed_position
        ) as crisis_at
    from steps
    inner join spells_with_missed_door as spells using (person, spell)
    where steps.position >= spells.missed_position
    group by steps.person, steps.spell
),

missed as (
    select
        missed_doors.person, missed_doors.spell, door.contact_id, door.agency, door.feed, door.team,
        crises.contact_id as crisis_contact_id,
        date_diff('day', missed_doors.missed_at, missed_doors.crisis_at) as days_to_crisis
    from missed_doors
    inner join contacts as door on missed_doors.missed_door = door.contact
    inner join contacts as crises on missed_doors.crisis = crises.contact
)

select
    people.scenario, -- central (everybody) or alternative (who is another set of records under some variant)
    people.person_key, -- Person in that scenario; in the central one the person_id
    'S' || substr(door.contact_id, 2) as spell_id, -- Spell
    door.contact_id as first_door_contact_id, -- First contact of the spell
    door.agency as first_door_agency, -- Agency of the first contact
    door.feed as first_door_feed, -- Feed of the first contact
    door.team as first_door_team, -- Team of the first contact
    missed.contact_id as first_missed_door_contact_id, -- First missed door, if any
    missed.agency as first_missed_door_agency, -- Agency of the first missed door
    missed.feed as first_missed_door_feed, -- Feed of the first missed door
    missed.team as first_missed_door_team, -- Team of the first missed door
    missed.crisis_contact_id, -- First crisis contact after the first missed door
    missed.days_to_crisis -- Days from that door to it
from journeys.sequence as sequence
inner join journeys.person_numbers as people using (person)
inner join contacts as door on sequence.contact = door.contact
left join missed on sequence.person = missed.person and sequence.spell = missed.spell
where sequence.contact = sequence.spell
