-- One row per linkage scenario, person and contact, with its place among the person's contacts. Days are calendar days
-- between starts; within a day a contact without a time of day comes last, because such an event usually follows from
-- what happened that day.
-- Key: scenario, person_key, contact_id
with ordered as (
    select
        people.scenario,
        people.person_key,
        contacts.contact_id,
        contacts.started_at,
        row_number() over in_order as position,
        lag(contacts.started_at) over in_order as previous_started_at,
        lead(contacts.contact_id) over in_order as next_contact_id,
        lead(contacts.started_at) over in_order as next_started_at
    from staging.person_scenarios as people
    inner join staging.contacts as contacts using (contact_id)
    window in_order as (
        partition by people.scenario, people.person_key
        order by contacts.started_at::date, not contacts.time_known, contacts.started_at, contacts.contact_id
    )
),

marked as (
    select
        *,
        coalesce(
            date_diff('day', previous_started_at, started_at) >= getvariable('spell_gap_days'), true
        ) as starts_spell
    from ordered
),

numbered as (
    select
        *,
        last_value(if(starts_spell, position, null) ignore nulls) over so_far as spell_position,
        last_value(if(starts_spell, contact_id, null) ignore nulls) over so_far as spell_contact_id
    from marked
    window so_far as (
        partition by scenario, person_key order by position rows between unbounded preceding and current row
    )
)

select
    scenario, -- central (everybody) or alternative (who is another set of records under some variant)
    person_key, -- Person in that scenario; in the central one the person_id
    contact_id, -- Contact
    position, -- Place among the person's contacts from 1
    'S' || substr(spell_contact_id, 2) as spell_id, -- Spell of the contact; an alternative person's may be called as another's
    position - spell_position + 1 as position_in_spell, -- Place within the spell from 1
    next_contact_id, -- The person's next contact of any kind
    date_diff('day', started_at, next_started_at) as days_to_next -- Days from this contact to the next one
from numbered
