-- One row per linkage scenario, person and bounce: a contact whose next contact for the same group of needs was with
-- another agency within the bounce window (72 hours between starts, or three days where a time of day is not known).
-- Contacts without a recorded need are left out. A person whom the first service passed on, as an ambulance does whom it
-- takes to A&E, did not go round alone: passed_on tells them apart.
-- Key: scenario, person_key, contact_id
with steps as (
    select
        sequence.scenario,
        sequence.person_key,
        sequence.contact_id,
        contacts.agency,
        contacts.started_at,
        contacts.time_known,
        lead(sequence.contact_id) over in_order as next_contact_id,
        lead(contacts.agency) over in_order as next_agency,
        lead(contacts.started_at) over in_order as next_started_at,
        lead(contacts.time_known) over in_order as next_time_known
    from journeys.sequence as sequence
    inner join staging.contacts as contacts using (contact_id)
    where contacts.need <> 'unknown'
    window in_order as (
        partition by sequence.scenario, sequence.person_key, contacts.need_group order by sequence.position
    )
),

pairs as (
    select
        *,
        time_known and next_time_known as times_known,
        next_started_at - started_at as between_starts
    from steps
    where agency <> next_agency
)

select
    pairs.scenario, -- central (everybody) or alternative (who is another set of records under some variant)
    pairs.person_key, -- Person in that scenario; in the central one the person_id
    pairs.contact_id, -- Contact that was followed by one elsewhere for the same need
    pairs.next_contact_id, -- The contact elsewhere
    here.agency as from_agency, -- Agency of the first contact
    here.feed as from_feed, -- Feed of the first contact
    there.agency as to_agency, -- Agency of the next contact
    there.feed as to_feed, -- Feed of the next contact
    here.need_group as need_group, -- Group of needs of both contacts
    pairs.started_at as bounced_at, -- Start of the first contact
    if(
        pairs.times_known, round(epoch(pairs.between_starts) / 3600, 2), null
    ) as hours_between, -- Hours between the starts; empty where a time of day is not known
    date_diff('day', pairs.started_at, pairs.next_started_at) as days_between, -- Days between the starts
    here.outcome_group as outcome_group, -- How the first contact ended
    here.outcome_group = 'passed_on' as passed_on, -- Whether the first service asked another to help
    there.crisis as to_crisis -- Whether the next contact was a crisis contact
from pairs
inner join staging.contacts as here on pairs.contact_id = here.contact_id
inner join staging.contacts as there on pairs.next_contact_id = there.contact_id
where if(
    pairs.times_known,
    pairs.between_starts <= to_hours(getvariable('bounce_hours')::bigint),
    date_diff('day', pairs.started_at, pairs.next_started_at) <= getvariable('bounce_hours') / 24
)
