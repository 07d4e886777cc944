-- Rule MO2, version 1: Police concerned about somebody again, and no social care contact after it. One row per
-- police concern for safety or incident with a public protection notice, after which no social care event came, and
-- person whose it is, under each linkage scenario.
-- Signal: the second such incident or a later one in 90 days.
-- Crisis: detention under section 136, being reported missing, or an A&E attendance for mental health, self-harm among it.
-- Window: 90 days from the incident; no window is published.
-- Exclusions: incidents that a social care event followed within 28 days and before any crisis; incidents in months for
-- which not every council sent its adult social care records until 28 days later; people who died or moved away within
-- the window without a crisis.
-- Comparison: the first such incident in 90 days, likewise without a social care event afterwards.
-- Evidence: of notifications by police in South Wales more than half were passed to social services and 5 in 100 led to
-- any input, while a third of the people had another within the year (Ford and others 2020, The Police Journal).
-- Offer: a joint mental health response, a crisis café or step-down from the safeguarding hub.
-- Confidence: medium, because self-harm is coded with too little care to be told from other mental health attendances.
-- Key: scenario, person_key, contact_id
with candidates as (
    select
        sequence.person,
        contacts.contact_id,
        contacts.need,
        contacts.lsoa,
        contacts.started_at,
        people.death_month,
        people.moved_away_month,
        count(*) over (
            partition by sequence.person
            order by contacts.started_at
            range between interval 90 days preceding and current row
        ) as times,
        90 as crisis_days,
        28 as follow_up_days,
        if(times > 1, 'signal', 'comparison') as role
    from staging.police_incidents as incidents
    inner join staging.contacts as contacts using (contact_id)
    inner join staging.people as people using (person_id)
    inner join journeys.sequence as sequence on hash(contacts.contact_id) = sequence.contact
    where incidents.left_out is null
        and (incidents.kind = 'concern_for_safety' or incidents.ppn)
        and incidents.kind not in ('section_136', 'missing_person')
),

crises as (
    select
        sequence.person, contacts.started_at, min(contacts.contact_id) as contact_id
    from staging.contacts as contacts
    inner join journeys.sequence as sequence on hash(contacts.contact_id) = sequence.contact
    where contacts.kind in ('section_136', 'missing_person')
        or contacts.feed = 'ae_attendances' and contacts.need = 'mental_health'
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
        and candidates.started_at < crises.started_at
    where date_diff('day', candidates.started_at, crises.started_at) <= candidates.crisis_days
),

records as (
    select period, min(through) as through
    from staging.unbroken_months
    where agency is null and feed in ('ae_attendances', 'police_incidents')
    group by period
    having count(*) = 2
),

social_care as (
    select distinct person, started_at::date as day
    from journeys.sequence
    where feed in ('social_care_events', 'children_in_need')
),

-- Social care that came after the crisis did not come in time.
followed_up as (
    select days.person, days.contact_id
    from (select *, started_at::date as day from candidates) as days
    asof join social_care
        on days.person = social_care.person
        and days.day <= social_care.day
    left join first_crises
        on days.person = first_crises.person
        and days.contact_id = first_crises.contact_id
    where date_diff('day', days.day, social_care.day) <= days.follow_up_days
        and (first_crises.crisis_at is null or social_care.day <= first_crises.crisis_at::date)
),

social_care_records as (
    select period, through from staging.unbroken_months where feed = 'social_care_events' and agency is null
)

select
    people.scenario, -- central (everybody) or alternative (who is another set of records under some variant)
    people.person_key, -- Person in that scenario
    'MO2' as rule_id, -- Rule
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
left join followed_up using (person, contact_id)
left join social_care_records
    on strftime(candidates.started_at, '%Y-%m') = social_care_records.period
left join records on strftime(candidates.started_at, '%Y-%m') = records.period
where followed_up.contact_id is null
    and strftime(
        candidates.started_at + to_days(candidates.follow_up_days), '%Y-%m'
    ) <= social_care_records.through
    and (
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
