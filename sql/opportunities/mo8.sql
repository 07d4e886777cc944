-- Rule MO8, version 1: Missing from care or hospital again. One row per police incident of somebody missing from a care
-- home, a placement or a hospital, and person whose it is, under each linkage scenario.
-- Signal: the second such incident or a later one in 365 days.
-- Crisis: an A&E attendance or detention under section 136.
-- Window: 90 days from the incident; no window is published.
-- Exclusions: people who died or moved away within the window without a crisis.
-- Comparison: the first such incident in 365 days.
-- Evidence: the Herbert Protocol gathers beforehand where a person with dementia is likely to go; repeat incidents are
-- counted apart from people in the national figures of missing persons (National Crime Agency).
-- Offer: a Herbert Protocol form and a review of the placement.
-- Confidence: low, because where somebody went missing from is often not recorded; children's own returns of times
-- missing are left out, because police record the same times.
-- Key: scenario, person_key, contact_id
with candidates as (
    select
        scenarios.scenario,
        scenarios.person_key,
        contacts.contact_id,
        contacts.need,
        contacts.lsoa,
        contacts.started_at,
        people.death_month,
        people.moved_away_month,
        count(*) over (
            partition by scenarios.scenario, scenarios.person_key
            order by contacts.started_at
            range between interval 365 days preceding and current row
        ) as times,
        90 as crisis_days,
        if(times > 1, 'signal', 'comparison') as role
    from staging.police_incidents as incidents
    inner join staging.contacts as contacts using (contact_id)
    inner join staging.people as people using (person_id)
    inner join staging.person_scenarios as scenarios using (contact_id)
    where incidents.left_out is null
        and incidents.kind = 'missing_person'
        and incidents.missing_from in ('care', 'hospital')
),

crises as (
    select
        scenarios.scenario, scenarios.person_key, contacts.started_at, min(contacts.contact_id) as contact_id
    from staging.contacts as contacts
    inner join staging.person_scenarios as scenarios using (contact_id)
    where contacts.feed = 'ae_attendances' or contacts.kind = 'section_136'
    group by all
),

first_crises as (
    select
        candidates.scenario,
        candidates.person_key,
        candidates.contact_id,
        crises.contact_id as crisis_contact_id,
        crises.started_at as crisis_at
    from candidates
    asof join crises
        on candidates.scenario = crises.scenario
        and candidates.person_key = crises.person_key
        and candidates.started_at < crises.started_at
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
    candidates.scenario, -- central (everybody) or alternative (who is another set of records under some variant)
    candidates.person_key, -- Person in that scenario
    'MO8' as rule_id, -- Rule
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
left join first_crises using (scenario, person_key, contact_id)
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
