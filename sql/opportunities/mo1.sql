-- Rule MO1, version 1: A request to social care that ended with advice or nothing. One row per request to adult social
-- care whose outcome is known, and person whose it is, under each linkage scenario.
-- Signal: a request whose outcome was information and advice, signposting or no services offered.
-- Crisis: an A&E crisis contact (by ambulance or police, or admitted) or a police concern for safety, for the same group
-- of needs or where either need is not recorded.
-- Window: from the day after the request to day 28.
-- Exclusions: support that the person declined or pays for alone; people who died or moved away within the window
-- without a crisis.
-- Comparison: requests that led to support or to an assessment.
-- Evidence: the national method for client level data looks 28 days ahead for what followed a request (NHS England,
-- transformation of adult social care client level data).
-- Offer: reablement or early help for adults.
-- Confidence: medium, because councils use the outcomes of requests differently and need is recorded coarsely.
-- Key: scenario, person_key, contact_id
with candidates as (
    select
        sequence.person,
        sequence.contact,
        contacts.contact_id,
        if(events.nothing_offered, 'signal', 'comparison') as role,
        contacts.need,
        contacts.need_group,
        contacts.lsoa,
        contacts.started_at,
        people.death_month,
        people.moved_away_month,
        28 as crisis_days
    from staging.social_care_events as events
    inner join staging.contacts as contacts using (contact_id)
    inner join staging.people as people using (person_id)
    inner join journeys.sequence as sequence on hash(contacts.contact_id) = sequence.contact
    where events.left_out is null
        and events.kind = 'request'
        and (events.nothing_offered or events.outcome_group in ('met', 'passed_on'))
),

-- As a table of its own, because else all contacts of every candidate are joined before the crises are picked.
crises as materialized (
    select
        sequence.person, contacts.contact_id, contacts.started_at, contacts.need, contacts.need_group
    from staging.contacts as contacts
    inner join journeys.sequence as sequence on hash(contacts.contact_id) = sequence.contact
    where contacts.feed = 'ae_attendances' and contacts.crisis
        or contacts.feed = 'police_incidents' and contacts.kind = 'concern_for_safety'
),

first_crises as (
    select
        candidates.person,
        candidates.contact,
        arg_min(crises.contact_id, (crises.started_at, crises.contact_id)) as crisis_contact_id,
        min(crises.started_at) as crisis_at
    from candidates
    inner join crises
        on candidates.person = crises.person
        and date_diff('day', candidates.started_at, crises.started_at) >= 1
        and date_diff('day', candidates.started_at, crises.started_at) <= candidates.crisis_days
        and (
            candidates.need_group = crises.need_group
            or candidates.need = 'unknown'
            or crises.need in ('unknown', 'welfare')
        )
    group by candidates.person, candidates.contact
),

records as (
    select period, min(through) as through
    from staging.unbroken_months
    where agency is null and feed in ('ae_attendances', 'police_incidents')
    group by period
    having count(*) = 2
)

select
    people.scenario, -- central (everybody) or alternative (who is another set of records under some variant)
    people.person_key, -- Person in that scenario
    'MO1' as rule_id, -- Rule
    candidates.contact_id, -- Contact at which something could have been done, or one to compare it with
    candidates.role, -- signal or comparison
    candidates.started_at as at, -- Start of that contact
    first_crises.crisis_contact_id, -- First crisis contact within the window; empty where there was none
    first_crises.crisis_at, -- Start of the crisis contact
    date_diff('day', candidates.started_at, first_crises.crisis_at) as lead_days, -- Days to the crisis
    candidates.need, -- Need of the contact
    candidates.lsoa, -- Area of the contact
    first_crises.crisis_contact_id is not null as followed_by_crisis, -- Whether a crisis came within the window
    coalesce(
        strftime(candidates.started_at + to_days(candidates.crisis_days), '%Y-%m') <= records.through, false
    ) as window_complete -- Whether the records of every agency that could have seen a crisis cover the window
from candidates
inner join journeys.person_numbers as people using (person)
left join first_crises using (person, contact)
left join records on strftime(candidates.started_at, '%Y-%m') = records.period
where (
    first_crises.crisis_contact_id is not null
    or not coalesce(
        candidates.death_month between strftime(candidates.started_at, '%Y-%m')
        and strftime(candidates.started_at + to_days(candidates.crisis_days), '%Y-%m'), false
    )
    and not coalesce(
        candidates.moved_away_month between strftime(candidates.started_at, '%Y-%m')
        and strftime(candidates.started_at + to_days(candidates.crisis_days), '%Y-%m'), false
    )
)
