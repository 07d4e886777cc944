-- Rule MO3, version 1: one row per signal and person whose it is, under each linkage scenario. Signal: an A&E
-- attendance of a person aged 65 or over with a sign of later life (fall, frailty, dehydration, confusion, dementia)
-- who went home with nothing passed on, and no social care contact up to 7 days after leaving. Crisis: an A&E crisis
-- contact with such a sign, within 30 days of the signal. Exclusions: acuity 1; signals in months for which not every
-- council sent its social care records; people who died or moved away within the window without a crisis. Evidence:
-- urgent community response and frailty services take people who are likely to be admitted without them, falls and
-- frailty among the reasons. Offer: two-hour urgent community response. Confidence: medium, because a sign of frailty
-- is only as good as the coding of diagnoses.
-- Key: scenario, person_key, signal_contact_id
with social_care_arrived as (
    select period from staging.slots where feed = 'social_care_events' group by period having bool_and(arrived)
),

attendances as (
    select
        scenarios.scenario,
        scenarios.person_key,
        attendances.contact_id,
        contacts.person_id,
        contacts.agency,
        contacts.need,
        contacts.lsoa,
        contacts.crisis,
        contacts.outcome_group,
        contacts.started_at,
        coalesce(contacts.ended_at, contacts.started_at) as ended_at,
        attendances.acuity,
        attendances.went_home,
        coalesce(attendances.age_band, people.age_band) as age_band,
        people.death_month,
        people.moved_away_month,
        7 as follow_up_days,
        30 as crisis_days
    from staging.ae_attendances as attendances
    inner join staging.contacts as contacts using (contact_id)
    inner join staging.person_scenarios as scenarios using (contact_id)
    inner join staging.people as people using (person_id)
    where attendances.left_out is null and attendances.later_life_need is not null
),

discharges as (
    select *
    from attendances
    where age_band in ('65-74', '75-84', '85+')
        and went_home
        and outcome_group in ('met', 'no_further_action')
        and coalesce(acuity, 5) > 1
        and strftime(started_at, '%Y-%m') in (select period from social_care_arrived)
        and strftime(ended_at + to_days(follow_up_days), '%Y-%m') in (select period from social_care_arrived)
),

social_care as (
    select scenarios.scenario, scenarios.person_key, contacts.started_at
    from staging.contacts as contacts
    inner join staging.person_scenarios as scenarios using (contact_id)
    where contacts.feed = 'social_care_events'
),

signals as (
    select
        discharges.*,
        strftime(discharges.started_at, '%Y-%m') as first_month,
        strftime(discharges.started_at + to_days(discharges.crisis_days), '%Y-%m') as last_month
    from discharges
    anti join social_care
        on discharges.scenario = social_care.scenario
        and discharges.person_key = social_care.person_key
        and social_care.started_at::date >= discharges.started_at::date
        and date_diff('day', discharges.ended_at, social_care.started_at) <= discharges.follow_up_days
),

first_crises as (
    select
        signals.scenario,
        signals.person_key,
        signals.contact_id,
        arg_min(crises.contact_id, (crises.started_at, crises.contact_id)) as crisis_contact_id,
        min(crises.started_at) as crisis_at
    from signals
    inner join attendances as crises
        on signals.scenario = crises.scenario
        and signals.person_key = crises.person_key
        and crises.crisis
        and crises.started_at > signals.started_at
        and date_diff('day', signals.started_at, crises.started_at) <= signals.crisis_days
    group by signals.scenario, signals.person_key, signals.contact_id
),

complete_windows as (
    select signals.scenario, signals.person_key, signals.contact_id
    from signals
    inner join staging.slots as slots
        on signals.agency = slots.agency
        and slots.feed = 'ae_attendances'
        and slots.arrived
        and slots.period between signals.first_month and signals.last_month
    group by all
    having count(*) = any_value(
        date_diff('month', (signals.first_month || '-01')::date, (signals.last_month || '-01')::date) + 1
    )
)

select
    signals.scenario, -- low, central or high threshold for joining records, or draws of who may be who
    signals.person_key, -- Person in that scenario
    'MO3' as rule_id, -- Rule
    signals.person_id, -- Linked person in the central scenario
    signals.contact_id as signal_contact_id, -- Contact at which something could have been done
    signals.started_at as signal_at, -- Start of that contact
    first_crises.crisis_contact_id, -- First crisis contact within the window; empty where there was none
    first_crises.crisis_at, -- Start of the crisis contact
    date_diff('day', signals.started_at, first_crises.crisis_at) as lead_days, -- Days from signal to crisis
    signals.need, -- Need of the signal
    signals.lsoa, -- Area of the home at the signal
    'urgent_community_response' as offer_id, -- Community offer that answers the signal
    first_crises.crisis_contact_id is not null as followed_by_crisis, -- Whether a crisis came within the window
    complete_windows.contact_id is not null as window_complete -- Whether the trust's records cover the window
from signals
left join first_crises using (scenario, person_key, contact_id)
left join complete_windows using (scenario, person_key, contact_id)
where first_crises.crisis_contact_id is not null
    or not (
        coalesce(signals.death_month between signals.first_month and signals.last_month, false)
        or coalesce(signals.moved_away_month between signals.first_month and signals.last_month, false)
    )
