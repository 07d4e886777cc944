-- One row per linkage scenario, person and bounce: a contact whose next contact for the same group of needs was with
-- another agency within the bounce window (72 hours between starts, or three days where a time of day is not known).
-- Contacts without a recorded need are left out. A person whom the first service passed on, as an ambulance does whom it
-- takes to A&E, did not go round alone: passed_on tells them apart.
-- Key: scenario, person_key, contact_id
with steps as (
    select
        sequence.person,
        sequence.contact,
        sequence.agency_bit,
        sequence.started_at,
        sequence.time_known,
        lead(sequence.contact) over in_order as next_contact,
        lead(sequence.agency_bit) over in_order as next_agency_bit,
        lead(sequence.started_at) over in_order as next_started_at,
        lead(sequence.time_known) over in_order as next_time_known
    from journeys.sequence as sequence
    inner join reference.needs as needs using (priority)
    where needs.need <> 'unknown'
        -- Between the two contacts of a bounce nobody's next contact is further away than the window.
        and least(sequence.days_since_previous, sequence.days_to_next) <= ceil(getvariable('bounce_hours') / 24)
    window in_order as (partition by sequence.person, needs.need_group order by sequence.position)
),

pairs as (
    select
        *,
        time_known and next_time_known as times_known,
        next_started_at - started_at as between_starts,
        date_diff('day', started_at, next_started_at) as days_between
    from steps
    where agency_bit <> next_agency_bit
),

contacts as (
    select hash(contact_id) as contact, contact_id, agency, feed, need_group, outcome_group, crisis
    from staging.contacts
)

select
    people.scenario, -- central (everybody) or alternative (who is another set of records under some variant)
    people.person_key, -- Person in that scenario; in the central one the person_id
    here.contact_id, -- Contact that was followed by one elsewhere for the same need
    there.contact_id as next_contact_id, -- The contact elsewhere
    here.agency as from_agency, -- Agency of the first contact
    here.feed as from_feed, -- Feed of the first contact
    there.agency as to_agency, -- Agency of the next contact
    there.feed as to_feed, -- Feed of the next contact
    here.need_group, -- Group of needs of both contacts
    pairs.started_at as bounced_at, -- Start of the first contact
    if(
        pairs.times_known, round(epoch(pairs.between_starts) / 3600, 2), null
    ) as hours_between, -- Hours between the starts; empty where a time of day is not known
    pairs.days_between, -- Days between the starts
    here.outcome_group, -- How the first contact ended
    here.outcome_group = 'passed_on' as passed_on, -- Whether the first service asked another to help
    there.crisis as to_crisis -- Whether the next contact was a crisis contact
from pairs
inner join journeys.person_numbers as people using (person)
inner join contacts as here on pairs.contact = here.contact
inner join contacts as there on pairs.next_contact = there.contact
where if(
    pairs.times_known,
    pairs.between_starts <= to_hours(getvariable('bounce_hours')::bigint),
    pairs.days_between <= getvariable('bounce_hours') / 24
)
