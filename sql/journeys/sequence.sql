-- One row per linkage scenario, person and contact, with its place among the person's contacts and what journeys ask of
-- every contact. Days are calendar days between starts; within a day a contact without a time of day comes last, because
-- such an event usually follows from what happened that day. People are known by their number in journeys.person_numbers,
-- contacts by hash(contact_id), agencies by one bit each.
-- Key: person, contact
with agencies as (
    select agency, 1::bigint << (row_number() over (order by agency) - 1)::integer as agency_bit
    from (select distinct agency from staging.contacts)
),

feeds as (
    select feed, row_number() over (order by feed)::tinyint as feed_number
    from (select distinct feed from staging.contacts)
),

contacts as (
    select
        contacts.contact_id,
        contacts.started_at,
        contacts.time_known,
        contacts.crisis,
        agencies.agency_bit,
        feeds.feed_number,
        needs.priority::smallint as priority,
        coalesce(outcome_groups.ended_without_help, false) as missed
    from staging.contacts as contacts
    inner join agencies using (agency)
    inner join feeds using (feed)
    left join reference.needs as needs using (need)
    left join reference.outcome_groups as outcome_groups using (outcome_group)
),

steps as (
    select
        hash(people.scenario, people.person_key) as person,
        people.scenario = 'central' as central,
        contacts.*
    from staging.person_scenarios as people
    inner join contacts using (contact_id)
),

ordered as (
    select
        * exclude (contact_id),
        hash(contact_id) as contact,
        row_number() over in_order as position,
        lag(started_at) over in_order as previous_started_at,
        lead(hash(contact_id)) over in_order as next_contact,
        lead(started_at) over in_order as next_started_at,
        lead(agency_bit) over in_order as next_agency_bit,
        lead(feed_number) over in_order as next_feed_number
    from steps
    window in_order as (
        partition by person order by started_at::date, not time_known, started_at, contact_id
    )
),

marked as (
    select
        *,
        date_diff('day', previous_started_at, started_at) as days_since_previous,
        date_diff('day', started_at, next_started_at) as days_to_next,
        coalesce(days_since_previous >= getvariable('spell_gap_days'), true) as starts_spell
    from ordered
),

numbered as (
    select
        *,
        last_value(if(starts_spell, contact, null) ignore nulls) over (
            partition by person order by position rows between unbounded preceding and current row
        ) as spell
    from marked
)

select
    numbered.person, -- Number of the scenario and person
    numbered.central, -- Whether the scenario is the central one
    numbered.contact, -- Number of the contact
    numbered.position, -- Place among the person's contacts from 1
    numbered.spell, -- Number of the first contact of the spell, which the spell is called by
    numbered.started_at, -- Start
    numbered.time_known, -- Whether the time of day of the start is known
    here.feed, -- Kind of extract
    numbered.agency_bit, -- Bit of the agency
    numbered.priority, -- Priority of the need, which tells the need
    numbered.crisis, -- Whether it is a crisis contact
    numbered.missed, -- Whether it ended without help
    numbered.days_since_previous::integer as days_since_previous, -- Days from the person's contact before to this one
    numbered.days_to_next::integer as days_to_next, -- Days from this contact to the next one
    numbered.next_contact, -- Number of the person's next contact of any kind
    numbered.next_agency_bit, -- Bit of that contact's agency
    there.feed as next_feed -- Kind of extract of that contact
from numbered
inner join feeds as here using (feed_number)
left join feeds as there on numbered.next_feed_number = there.feed_number
