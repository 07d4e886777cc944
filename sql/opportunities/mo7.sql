-- Rule MO7, version 2: A carer under strain who was not given support. One row per request or assessment of adult social
-- care that did not lead to support, and person whose it is, under each linkage scenario.
-- Signal: a request or an assessment with support to the carer as the main reason, in the record of the person cared for.
-- Crisis: an A&E crisis contact (by ambulance or police, or admitted) or a police concern for safety of that person, for
-- later life, mental health, learning disability, illness or a need that is not recorded.
-- Window: from the day after the event to day 60.
-- Exclusions: events that led to support; records of carers themselves, because whom they care for is not told, and a
-- crisis of their own is another matter; people who died or moved away within the window without a crisis.
-- Comparison: requests and assessments without a sign of a carer, which did not lead to support either.
-- Evidence: breakdown of unpaid care is one of the conditions for which urgent community response is meant (NHS England).
-- Offer: respite and emergency support for carers.
-- Confidence: low, because client level data do not say whom a carer cares for: most carers are clients of their own, and
-- what became of those they care for is not seen.
-- Key: scenario, person_key, contact_id
with candidates as (
    select
        sequence.person,
        contacts.contact_id,
        if(contacts.need = 'carer_strain', 'signal', 'comparison') as role,
        contacts.need,
        contacts.need_group,
        contacts.lsoa,
        contacts.started_at,
        contacts.started_at::date + interval 1 day - interval 1 microsecond as last_moment,
        people.death_month,
        people.moved_away_month,
        60 as crisis_days
    from staging.social_care_events as events
    inner join staging.contacts as contacts using (contact_id)
    inner join staging.people as people using (person_id)
    inner join journeys.sequence as sequence on hash(contacts.contact_id) = sequence.contact
    where events.left_out is null
        and events.kind in ('request', 'assessment')
        and not coalesce(events.of_a_carer, false)
        and events.outcome_group in ('no_further_action', 'passed_on', 'unknown')
),

crises as (
    select
        sequence.person, contacts.started_at, min(contacts.contact_id) as contact_id
    from staging.contacts as contacts
    inner join journeys.sequence as sequence on hash(contacts.contact_id) = sequence.contact
    where (
        contacts.feed = 'ae_attendances' and contacts.crisis
        or contacts.feed = 'police_incidents' and contacts.kind = 'concern_for_safety'
    )
    and (
        contacts.need_group in ('later_life', 'mental_health', 'learning_disability', 'carer_strain')
        or contacts.need in ('physical_illness', 'welfare', 'unknown')
    )
    group by all
),

first_crises as (
    select
        candidates.person,
        candidates.contact_id,
        crises.contact_id as crisis_contact_id,
        crises.started_at as crisis_at
    from candidates
    asof join crises
        on candidates.person = crises.person
        and candidates.last_moment < crises.started_at
    where date_diff('day', candidates.started_at, crises.started_at) <= candidates.crisis_days
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
    'MO7' as rule_id, -- Rule
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
left join first_crises using (person, contact_id)
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
