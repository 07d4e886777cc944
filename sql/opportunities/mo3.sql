-- Rule MO3, version 2: A sign of later life at A&E, home without follow-up. One row per A&E attendance of a person
-- aged 65 or over who went home, and person whose it is, under each linkage scenario.
-- Signal: an attendance with a sign of later life (fall, frailty, dehydration, confusion, dementia) that ended at home
-- with nothing passed on, and no social care contact from the day of arrival until 7 days after leaving.
-- Crisis: an A&E crisis contact with such a sign.
-- Window: 30 days from arrival.
-- Exclusions: acuity 1; attendances in months for which not every council sent its social care records; people who died
-- or moved away within the window without a crisis.
-- Comparison: attendances of people aged 65 or over who went home in the same way, without a sign of later life; those
-- with a sign whom social care followed up are neither.
-- Evidence: urgent community response and frailty services take people who are likely to be admitted without them, falls
-- and frailty among the reasons (NHS England, community health services two-hour urgent community response standard).
-- Offer: two-hour urgent community response, hospital at home or a falls service.
-- Confidence: medium, because a sign of frailty is only as good as the coding of diagnoses.
-- Key: scenario, person_key, contact_id
with social_care_arrived as (
    select period from staging.unbroken_months where feed = 'social_care_events' and agency is null
),

attendances as (
    select
        contacts.contact_id,
        contacts.agency,
        contacts.need,
        contacts.lsoa,
        contacts.crisis,
        contacts.outcome_group,
        contacts.started_at,
        coalesce(contacts.ended_at, contacts.started_at) as ended_at,
        attendances.acuity,
        attendances.went_home,
        attendances.later_life_need is not null as sign_of_later_life,
        coalesce(attendances.age_band, people.age_band) as age_band,
        people.death_month,
        people.moved_away_month,
        7 as follow_up_days,
        30 as crisis_days
    from staging.ae_attendances as attendances
    inner join staging.contacts as contacts using (contact_id)
    inner join staging.people as people using (person_id)
    where attendances.left_out is null
),

discharges as (
    select
        sequence.person,
        attendances.*,
        strftime(attendances.started_at, '%Y-%m') as first_month,
        strftime(attendances.started_at + to_days(crisis_days), '%Y-%m') as last_month
    from attendances
    inner join journeys.sequence as sequence on hash(attendances.contact_id) = sequence.contact
    where age_band in ('65-74', '75-84', '85+')
        and went_home
        and outcome_group in ('met', 'no_further_action')
        and coalesce(acuity, 5) > 1
        and strftime(attendances.started_at, '%Y-%m') in (select period from social_care_arrived)
        and strftime(attendances.ended_at + to_days(follow_up_days), '%Y-%m') in (
            select period from social_care_arrived
        )
),

social_care as (
    select person, started_at from journeys.sequence where feed = 'social_care_events'
),

followed_up as (
    select discharges.person, discharges.contact_id
    from discharges
    semi join social_care
        on discharges.person = social_care.person
        and social_care.started_at::date >= discharges.started_at::date
        and date_diff('day', discharges.ended_at, social_care.started_at) <= discharges.follow_up_days
    where discharges.sign_of_later_life
),

candidates as (
    select
        *,
        if(sign_of_later_life, 'signal', 'comparison') as role
    from discharges
    anti join followed_up using (person, contact_id)
),

-- As a table of its own, because else all contacts of every candidate are joined before the crises are picked.
crises as materialized (
    select sequence.person, attendances.contact_id, attendances.started_at
    from attendances
    inner join journeys.sequence as sequence on hash(attendances.contact_id) = sequence.contact
    where attendances.sign_of_later_life and attendances.crisis
),

first_crises as (
    select
        candidates.person,
        candidates.contact_id,
        arg_min(crises.contact_id, (crises.started_at, crises.contact_id)) as crisis_contact_id,
        min(crises.started_at) as crisis_at
    from candidates
    inner join crises
        on candidates.person = crises.person
        and crises.started_at > candidates.started_at
        and date_diff('day', candidates.started_at, crises.started_at) <= candidates.crisis_days
    group by candidates.person, candidates.contact_id
)

select
    people.scenario, -- central (everybody) or alternative (who is another set of records under some variant)
    people.person_key, -- Person in that scenario
    'MO3' as rule_id, -- Rule
    candidates.contact_id, -- Contact at which something could have been done, or one to compare it with
    candidates.role, -- signal or comparison
    candidates.started_at as at, -- Start of that contact
    first_crises.crisis_contact_id, -- First crisis contact within the window; empty where there was none
    first_crises.crisis_at, -- Start of the crisis contact
    date_diff('day', candidates.started_at, first_crises.crisis_at) as lead_days, -- Days to the crisis
    candidates.need, -- Need of the contact
    candidates.lsoa, -- Area of the home at the contact
    first_crises.crisis_contact_id is not null as followed_by_crisis, -- Whether a crisis came within the window
    coalesce(
        candidates.last_month <= unbroken_months.through, false
    ) as window_complete -- Whether the trust's records cover the window
from candidates
inner join journeys.person_numbers as people using (person)
left join first_crises using (person, contact_id)
left join staging.unbroken_months as unbroken_months
    on unbroken_months.feed = 'ae_attendances'
    and candidates.agency = unbroken_months.agency
    and candidates.first_month = unbroken_months.period
where first_crises.crisis_contact_id is not null
    or not (
        coalesce(candidates.death_month between candidates.first_month and candidates.last_month, false)
        or coalesce(candidates.moved_away_month between candidates.first_month and candidates.last_month, false)
    )
