-- Rule MO10, version 1: Helped up at home again within a week. One row per fall that an ambulance crew saw and treated
-- at home, and person whose it is, under each linkage scenario.
-- Signal: such a fall after another in the 7 days before.
-- Crisis: an ambulance that conveys the person after a fall, with a need of later life or an injury.
-- Window: 28 days from the call; that number is ours, because no source gives one.
-- Exclusions: category 1; people who died or moved away within the window without a crisis.
-- Comparison: falls seen and treated at home without another in the 7 days before.
-- Evidence: falls are among the reasons for two-hour urgent community response (NHS England), and falls services
-- prevent further falls of older people (NICE guideline on falls).
-- Offer: a falls response at home, a falls service or telecare.
-- Confidence: medium, because lifting without a call to the ambulance service is not recorded.
-- Key: scenario, person_key, contact_id
with incidents as (
    select
        contact_id, contacts.person_id, contacts.kind, contacts.need, contacts.need_group, contacts.lsoa,
        contacts.started_at, details.fall, details.category
    from staging.contacts as contacts
    inner join staging.ambulance_incidents as details using (contact_id)
    where details.left_out is null and contacts.kind in ('see_and_treat', 'see_and_convey')
),

of_people as (
    select scenarios.scenario, scenarios.person_key, incidents.*
    from incidents
    inner join staging.person_scenarios as scenarios using (contact_id)
),

falls as (
    select
        *,
        lag(started_at) over (
            partition by scenario, person_key order by started_at, contact_id
        ) as fell_before
    from of_people
    where kind = 'see_and_treat' and fall
),

candidates as (
    select
        falls.*,
        falls.started_at as at,
        if(
            coalesce(date_diff('day', falls.fell_before, falls.started_at) <= 7, false), 'signal', 'comparison'
        ) as role,
        28 as crisis_days,
        strftime(falls.started_at, '%Y-%m') as first_month,
        strftime(falls.started_at + to_days(crisis_days), '%Y-%m') as last_month,
        people.death_month,
        people.moved_away_month
    from falls
    inner join staging.people as people using (person_id)
    where coalesce(falls.category, 5) > 1
),

crises as (
    select *
    from of_people
    where kind = 'see_and_convey' and (fall or need_group = 'later_life' or need = 'injury')
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
    where feed = 'ambulance_incidents' and agency is null
    group by period
)

select
    candidates.scenario, -- central (everybody) or alternative (who is another set of records under some variant)
    candidates.person_key, -- Person in that scenario
    'MO10' as rule_id, -- Rule
    candidates.contact_id, -- Contact at which something could have been done, or one to compare it with
    candidates.role, -- signal or comparison
    candidates.at, -- Start of that contact
    first_crises.crisis_contact_id, -- First crisis contact within the window; empty where there was none
    first_crises.crisis_at, -- Start of the crisis contact
    date_diff('day', candidates.at, first_crises.crisis_at) as lead_days, -- Days to the crisis
    candidates.need, -- Need of the contact
    candidates.lsoa, -- Area of the incident
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
