-- Rule MO4, version 1: Left A&E again before treatment was completed. One row per A&E attendance for mental health, or
-- without a recorded need, and person whose it is, under each linkage scenario.
-- Signal: an attendance that the person left before treatment was completed, after having left another such attendance
-- in the 90 days before; that number of days is ours, because no source gives one.
-- Crisis: an A&E attendance or a police contact for mental health.
-- Window: 14 days from arrival.
-- Exclusions: acuity 1; people who died or moved away within the window without a crisis.
-- Comparison: attendances of the same kind that ended otherwise, or were the first to be left.
-- Evidence: the high intensity use programme of NHS England gives people who come to A&E often a link worker; who
-- leaves again and again has not found there what he or she came for.
-- Offer: a link worker for people who come to A&E often.
-- Confidence: medium, because who leaves early often has no diagnosis recorded.
-- Key: scenario, person_key, contact_id
with contacts as (
    select contact_id, person_id, feed, need, lsoa, outcome_group, started_at
    from staging.contacts
    where (feed = 'ae_attendances' and need in ('mental_health', 'unknown'))
        or (feed = 'police_incidents' and need = 'mental_health')
),

of_people as (
    select scenarios.scenario, scenarios.person_key, contacts.*
    from contacts
    inner join staging.person_scenarios as scenarios using (contact_id)
),

attendances as (
    select
        *,
        lag(if(outcome_group = 'left', started_at, null) ignore nulls) over (
            partition by scenario, person_key order by started_at, contact_id
        ) as left_before
    from of_people
    where feed = 'ae_attendances'
),

candidates as (
    select
        attendances.*,
        attendances.started_at as at,
        if(
            attendances.outcome_group = 'left'
            and coalesce(date_diff('day', attendances.left_before, attendances.started_at) <= 90, false),
            'signal',
            'comparison'
        ) as role,
        14 as crisis_days,
        strftime(attendances.started_at, '%Y-%m') as first_month,
        strftime(attendances.started_at + to_days(crisis_days), '%Y-%m') as last_month,
        people.death_month,
        people.moved_away_month
    from attendances
    inner join staging.ae_attendances as details using (contact_id)
    inner join staging.people as people using (person_id)
    where details.left_out is null and coalesce(details.acuity, 5) > 1
),

crises as (
    select * from of_people where need = 'mental_health'
),

first_crises as (
    select
        candidates.scenario,
        candidates.person_key,
        candidates.contact_id,
        arg_min(crises.contact_id, (crises.started_at, crises.contact_id)) as crisis_contact_id,
        min(crises.started_at) as crisis_at
    from candidates
    inner join crises
        on candidates.scenario = crises.scenario
        and candidates.person_key = crises.person_key
        and crises.started_at > candidates.at
        and date_diff('day', candidates.at, crises.started_at) <= candidates.crisis_days
    group by candidates.scenario, candidates.person_key, candidates.contact_id
),

covered as (
    select period as first_month, min(through) as through
    from staging.unbroken_months
    where feed in ('ae_attendances', 'police_incidents') and agency is null
    group by period
    having count(*) = 2
)

select
    candidates.scenario, -- central (everybody) or alternative (who is another set of records under some variant)
    candidates.person_key, -- Person in that scenario
    'MO4' as rule_id, -- Rule
    candidates.contact_id, -- Contact at which something could have been done, or one to compare it with
    candidates.role, -- signal or comparison
    candidates.at, -- Start of that contact
    first_crises.crisis_contact_id, -- First crisis contact within the window; empty where there was none
    first_crises.crisis_at, -- Start of the crisis contact
    date_diff('day', candidates.at, first_crises.crisis_at) as lead_days, -- Days to the crisis
    candidates.need, -- Need of the contact
    candidates.lsoa, -- Area of the home at the contact
    first_crises.crisis_contact_id is not null as followed_by_crisis, -- Whether a crisis came within the window
    coalesce(
        candidates.last_month <= covered.through, false
    ) as window_complete -- Whether every agency's records cover the window
from candidates
left join first_crises using (scenario, person_key, contact_id)
left join covered using (first_month)
where first_crises.crisis_contact_id is not null
    or not (
        coalesce(candidates.death_month between candidates.first_month and candidates.last_month, false)
        or coalesce(candidates.moved_away_month between candidates.first_month and candidates.last_month, false)
    )
