-- One row per contact with its place among the person's contacts. Days are calendar days between starts; within a day a
-- contact without a time of day comes last, because such an event usually follows from what happened that day.
-- Key: contact_id
with ordered as (
    select
        contact_id,
        person_id,
        started_at,
        row_number() over in_order as position,
        lag(started_at) over in_order as previous_started_at,
        lead(contact_id) over in_order as next_contact_id,
        lead(started_at) over in_order as next_started_at
    from staging.contacts
    window in_order as (
        partition by person_id order by started_at::date, not time_known, started_at, contact_id
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
        max(if(starts_spell, position, 0)) over (
            partition by person_id order by position
        ) as spell_position
    from marked
)

select
    contact_id, -- Contact
    person_id, -- Linked person
    position, -- Place among the person's contacts from 1
    'S' || substr(first_value(contact_id) over (
        partition by person_id, spell_position order by position
    ), 2) as spell_id, -- Spell that the contact belongs to
    position - spell_position + 1 as position_in_spell, -- Place within the spell from 1
    next_contact_id, -- The person's next contact of any kind
    date_diff('day', started_at, next_started_at) as days_to_next -- Days from this contact to the next one
from numbered
