-- Rule MO9, version 1: A referral of a child that ended without help. One row per referral of a child to
-- children's services, and child whose it is, under each linkage scenario.
-- Signal: a referral that led to no further action, or whose episode was closed after assessment without further
-- action; it counts from the referral or from the closure.
-- Crisis: a contact of the child with the police, or an A&E attendance that is a crisis contact or shows a need other
-- than bodily illness or injury: a sprained ankle has nothing to do with it.
-- Window: six months, by the calendar.
-- Exclusions: people who died or moved away within the window without a crisis.
-- Comparison: referrals that led to a plan, an enquiry or early help, or were still open; they count from the end of
-- the assessment, or from the referral where none is known.
-- Evidence: children in need census and its closure reason RC8; help before statutory thresholds (Working together to
-- safeguard children, HM Government).
-- Offer: a family hub or early help.
-- Confidence: low, because what children's services did short of a plan is not recorded.
-- Key: scenario, person_key, contact_id
with episodes as (
    select
        episode_id,
        arg_min(contact_id, (started_at, contact_id)) filter (kind = 'referral') as contact_id,
        bool_or(referral_nfa) as turned_away,
        bool_or(outcome_group = 'no_further_action') as closed_without_action,
        coalesce(
            min(ended_at) filter (kind = 'referral' and outcome_group = 'no_further_action'),
            min(ended_at) filter (kind = 'assessment')
        ) as ended_at
    from staging.children_in_need
    where left_out is null
    group by episode_id
),

referrals as (
    select
        episodes.contact_id,
        contacts.person_id,
        contacts.need,
        contacts.lsoa,
        if(episodes.turned_away, contacts.started_at, coalesce(episodes.ended_at, contacts.started_at)) as at,
        if(episodes.closed_without_action, 'signal', 'comparison') as role
    from episodes
    inner join staging.contacts as contacts using (contact_id)
),

candidates as (
    select
        scenarios.scenario,
        scenarios.person_key,
        referrals.*,
        referrals.at + interval 6 month as window_end,
        strftime(referrals.at, '%Y-%m') as first_month,
        strftime(window_end, '%Y-%m') as last_month,
        people.death_month,
        people.moved_away_month
    from referrals
    inner join staging.person_scenarios as scenarios using (contact_id)
    inner join staging.people as people using (person_id)
),

children as (
    select distinct scenario, person_key from candidates
),

crises as (
    select scenarios.scenario, scenarios.person_key, contacts.contact_id, contacts.started_at
    from staging.contacts as contacts
    inner join staging.person_scenarios as scenarios using (contact_id)
    semi join children using (scenario, person_key)
    where contacts.feed = 'police_incidents'
        or (
            contacts.feed = 'ae_attendances'
            and (contacts.crisis or contacts.need not in ('physical_illness', 'injury', 'other', 'unknown'))
        )
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
        and crises.started_at::date > candidates.at::date
        and crises.started_at::date <= candidates.window_end::date
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
    'MO9' as rule_id, -- Rule
    candidates.contact_id, -- Contact at which something could have been done, or one to compare it with
    candidates.role, -- signal or comparison
    candidates.at, -- Day of the referral, or of the closure where that came after an assessment
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
