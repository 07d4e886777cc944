-- One row per linkage scenario, person and spell: the first service reached, and the first missed door, which is the
-- first contact that ended without help and after which the spell came to a crisis contact.
-- Key: scenario, person_key, spell_id
with steps as (
    select
        sequence.scenario,
        sequence.person_key,
        sequence.spell_id,
        sequence.position,
        contacts.contact_id,
        contacts.agency,
        contacts.feed,
        contacts.team,
        contacts.crisis,
        contacts.started_at,
        outcome_groups.ended_without_help
    from journeys.sequence as sequence
    inner join staging.contacts as contacts using (contact_id)
    left join reference.outcome_groups as outcome_groups using (outcome_group)
),

first_steps as (
    select
        scenario,
        person_key,
        spell_id,
        arg_min(steps, position) as door,
        arg_min(steps, position) filter (ended_without_help) as missed_door
    from steps
    group by scenario, person_key, spell_id
),

crises as (
    select
        steps.scenario,
        steps.person_key,
        steps.spell_id,
        arg_min(steps, steps.position) as crisis
    from steps
    inner join first_steps using (scenario, person_key, spell_id)
    where steps.crisis and steps.position > first_steps.missed_door.position
    group by steps.scenario, steps.person_key, steps.spell_id
)

select
    scenario, -- central (everybody) or alternative (who is another set of records under some variant)
    person_key, -- Person in that scenario; in the central one the person_id
    spell_id, -- Spell
    door.contact_id as first_door_contact_id, -- First contact of the spell
    door.agency as first_door_agency, -- Agency of the first contact
    door.feed as first_door_feed, -- Feed of the first contact
    door.team as first_door_team, -- Team of the first contact
    if(crisis is null, null, missed_door.contact_id) as first_missed_door_contact_id, -- First missed door, if any
    if(crisis is null, null, missed_door.agency) as first_missed_door_agency, -- Agency of the first missed door
    if(crisis is null, null, missed_door.feed) as first_missed_door_feed, -- Feed of the first missed door
    if(crisis is null, null, missed_door.team) as first_missed_door_team, -- Team of the first missed door
    crisis.contact_id as crisis_contact_id, -- First crisis contact after the first missed door
    date_diff('day', missed_door.started_at, crisis.started_at) as days_to_crisis -- Days from that door to it
from first_steps
left join crises using (scenario, person_key, spell_id)
