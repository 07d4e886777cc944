-- One row per linkage scenario, person and spell: the first service reached, and the first missed door, which is the
-- first contact that ended without help and after which the spell came to a crisis contact.
-- Key: scenario, person_key, spell_id
with contacts as (
    select contacts.contact_id, contacts.crisis, coalesce(outcome_groups.ended_without_help, false) as missed
    from staging.contacts as contacts
    left join reference.outcome_groups as outcome_groups using (outcome_group)
),

steps as (
    select sequence.scenario, sequence.person_key, sequence.spell_id, sequence.position, contacts.*
    from journeys.sequence as sequence
    inner join contacts using (contact_id)
),

first_steps as (
    select
        scenario,
        person_key,
        spell_id,
        arg_min(contact_id, position) as door_id,
        min(position) filter (missed) as missed_position,
        max(position) filter (crisis) as last_crisis_position
    from steps
    group by scenario, person_key, spell_id
),

missed_doors as (
    select
        steps.scenario,
        steps.person_key,
        steps.spell_id,
        arg_min(steps.contact_id, steps.position) as missed_id,
        arg_min(steps.contact_id, steps.position) filter (
            steps.crisis and steps.position > first_steps.missed_position
        ) as crisis_id
    from steps
    inner join first_steps using (scenario, person_key, spell_id)
    where first_steps.missed_position < first_steps.last_crisis_position
        and steps.position >= first_steps.missed_position
    group by steps.scenario, steps.person_key, steps.spell_id
),

missed as (
    select
        missed_doors.*, door.agency, door.feed, door.team,
        date_diff('day', door.started_at, crises.started_at) as days_to_crisis
    from missed_doors
    inner join staging.contacts as door on missed_doors.missed_id = door.contact_id
    inner join staging.contacts as crises on missed_doors.crisis_id = crises.contact_id
)

select
    first_steps.scenario, -- central (everybody) or alternative (who is another set of records under some variant)
    first_steps.person_key, -- Person in that scenario; in the central one the person_id
    first_steps.spell_id, -- Spell
    first_steps.door_id as first_door_contact_id, -- First contact of the spell
    door.agency as first_door_agency, -- Agency of the first contact
    door.feed as first_door_feed, -- Feed of the first contact
    door.team as first_door_team, -- Team of the first contact
    missed.missed_id as first_missed_door_contact_id, -- First missed door, if any
    missed.agency as first_missed_door_agency, -- Agency of the first missed door
    missed.feed as first_missed_door_feed, -- Feed of the first missed door
    missed.team as first_missed_door_team, -- Team of the first missed door
    missed.crisis_id as crisis_contact_id, -- First crisis contact after the first missed door
    missed.days_to_crisis -- Days from that door to it
from first_steps
inner join staging.contacts as door on first_steps.door_id = door.contact_id
left join missed using (scenario, person_key, spell_id)
