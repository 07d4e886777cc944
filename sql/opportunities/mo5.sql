-- Rule MO5, version 1: Alcohol or drugs at A&E, sent home. One row per A&E attendance for alcohol or drugs or for
-- mental health, and person whose it is, under each linkage scenario.
-- Signal: an attendance for alcohol or drugs after which the person went home, or left, with nothing passed on.
-- Crisis: the third contact for alcohol or drugs with A&E or the police after it, a call about anti-social behaviour
-- counted as one, because officers often note no more.
-- Window: 90 days from arrival.
-- Exclusions: acuity 1; people who died or moved away within the window without a crisis.
-- Comparison: attendances for mental health, behind which alcohol and drugs often are, after which people went home,
-- or left, in the same way.
-- Evidence: assertive outreach to people who come to A&E again and again for alcohol (NICE public health guideline
-- PH24 and clinical guideline CG115 on alcohol-use disorders).
-- Offer: assertive drug and alcohol outreach.
-- Confidence: medium, because attendances for an injury under the influence are seen where a diagnosis says so.
-- Key: scenario, person_key, contact_id
with contacts as (
    select
        contact_id,
        person_id,
        feed,
        need,
        lsoa,
        outcome_group,
        started_at,
        need = 'alcohol_drugs' or kind = 'anti_social_behaviour' as counts
    from staging.contacts
    where (feed = 'ae_attendances' and need in ('alcohol_drugs', 'mental_health'))
        or (feed = 'police_incidents' and (need = 'alcohol_drugs' or kind = 'anti_social_behaviour'))
),

in_order as (
    select
        scenarios.scenario,
        scenarios.person_key,
        contacts.*,
        lead(if(counts, contact_id, null), 3 ignore nulls) over later as third_contact_id,
        lead(if(counts, started_at, null), 3 ignore nulls) over later as third_at
    from contacts
    inner join staging.person_scenarios as scenarios using (contact_id)
    window later as (partition by scenarios.scenario, scenarios.person_key order by started_at, contact_id)
),

attendances as (
    select
        *,
        started_at as at,
        90 as crisis_days,
        coalesce(date_diff('day', started_at, third_at) <= crisis_days, false) as came_back
    from in_order
    where feed = 'ae_attendances' and outcome_group in ('met', 'no_further_action', 'left')
),

candidates as (
    select
        attendances.*,
        if(attendances.need = 'alcohol_drugs', 'signal', 'comparison') as role,
        if(attendances.came_back, attendances.third_contact_id, null) as crisis_contact_id,
        if(attendances.came_back, attendances.third_at, null) as crisis_at,
        strftime(attendances.at, '%Y-%m') as first_month,
        strftime(attendances.at + to_days(attendances.crisis_days), '%Y-%m') as last_month,
        people.death_month,
        people.moved_away_month
    from attendances
    inner join staging.ae_attendances as details using (contact_id)
    inner join staging.people as people using (person_id)
    where details.left_out is null and coalesce(details.acuity, 5) > 1
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
    'MO5' as rule_id, -- Rule
    candidates.contact_id, -- Contact at which something could have been done, or one to compare it with
    candidates.role, -- signal or comparison
    candidates.at, -- Start of that contact
    candidates.crisis_contact_id, -- Third such contact within the window; empty where there was none
    candidates.crisis_at, -- Start of the crisis contact
    date_diff('day', candidates.at, candidates.crisis_at) as lead_days, -- Days to the crisis
    candidates.need, -- Need of the contact
    candidates.lsoa, -- Area of the home at the contact
    candidates.crisis_contact_id is not null as followed_by_crisis, -- Whether a crisis came within the window
    coalesce(
        candidates.last_month <= covered.through, false
    ) as window_complete -- Whether every agency's records cover the window
from candidates
left join covered using (first_month)
where candidates.crisis_contact_id is not null
    or not (
        coalesce(candidates.death_month between candidates.first_month and candidates.last_month, false)
        or coalesce(candidates.moved_away_month between candidates.first_month and candidates.last_month, false)
    )
