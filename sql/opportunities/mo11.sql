-- Rule MO11, version 1: From a care home to A&E and back. One row per A&E attendance of low acuity, or of somebody
-- near the end of life, after which the person went home, and person whose it is, under each linkage scenario.
-- Signal: such an attendance of somebody who lives in a residential or nursing home, by the attendance itself or by
-- the person's last social care record before it.
-- Crisis: another A&E attendance.
-- Window: 30 days from arrival; that number is ours, because no source gives one.
-- Exclusions: acuity 1; people who died or moved away within the window without a crisis.
-- Comparison: such attendances of people aged 65 or over who do not live in a care home.
-- Evidence: enhanced health in care homes is a service of primary care networks with community health services (NHS
-- England framework), with the aim that residents are treated where they live.
-- Offer: enhanced health in care homes.
-- Confidence: medium, because a care home is known only where a record names it; end of life only where social care
-- says so in the year before.
-- Key: scenario, person_key, contact_id
with care_records as (
    select
        sequence.person, contacts.started_at, details.care_home, details.end_of_life
    from staging.contacts as contacts
    inner join staging.social_care_events as details using (contact_id)
    inner join journeys.sequence as sequence on hash(contacts.contact_id) = sequence.contact
    where details.left_out is null
),

near_the_end as (
    select person, started_at from care_records where end_of_life
),

residents as (
    select distinct person from care_records where care_home
),

attendances as (
    select
        sequence.person, contact_id, contacts.person_id, contacts.need, contacts.lsoa,
        contacts.started_at, details.acuity, details.went_home, details.care_home, details.age_band
    from staging.contacts as contacts
    inner join staging.ae_attendances as details using (contact_id)
    inner join journeys.sequence as sequence on hash(contacts.contact_id) = sequence.contact
    where details.left_out is null
),

dying as (
    select attendances.person, attendances.contact_id
    from attendances
    semi join near_the_end
        on attendances.person = near_the_end.person
        and near_the_end.started_at <= attendances.started_at
        and date_diff('day', near_the_end.started_at, attendances.started_at) <= 365
),

of_people as (
    select attendances.*
    from attendances
    left join dying using (person, contact_id)
    where attendances.went_home
        and coalesce(attendances.acuity, 5) > 1
        and (attendances.acuity in (4, 5) or dying.contact_id is not null)
),

-- Who never lived in a care home by any record needs no look at the last one.
in_a_care_home as (
    select attendances.person, attendances.contact_id
    from (from of_people semi join residents using (person)) as attendances
    asof join care_records as records
        on attendances.person = records.person
        and attendances.started_at >= records.started_at
    where records.care_home
),

candidates as (
    select
        of_people.*,
        of_people.started_at as at,
        of_people.care_home or in_a_care_home.contact_id is not null as lives_in_care_home,
        if(lives_in_care_home, 'signal', 'comparison') as role,
        30 as crisis_days,
        strftime(of_people.started_at, '%Y-%m') as first_month,
        strftime(of_people.started_at + to_days(crisis_days), '%Y-%m') as last_month,
        people.death_month,
        people.moved_away_month
    from of_people
    inner join staging.people as people using (person_id)
    left join in_a_care_home using (person, contact_id)
    where lives_in_care_home or coalesce(of_people.age_band, people.age_band) in ('65-74', '75-84', '85+')
),

crises as (
    select person, started_at, min(contact_id) as contact_id
    from attendances
    semi join candidates using (person)
    group by person, started_at
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
        and candidates.at < crises.started_at
    where date_diff('day', candidates.at, crises.started_at) <= candidates.crisis_days
),

covered as (
    select period as first_month, min(through) as through
    from staging.unbroken_months
    where feed = 'ae_attendances' and agency is null
    group by period
)

select
    people.scenario, -- central (everybody) or alternative (who is another set of records under some variant)
    people.person_key, -- Person in that scenario
    'MO11' as rule_id, -- Rule
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
inner join journeys.person_numbers as people using (person)
left join first_crises using (person, contact_id)
left join covered using (first_month)
where first_crises.crisis_contact_id is not null
    or not (
        coalesce(candidates.death_month between candidates.first_month and candidates.last_month, false)
        or coalesce(candidates.moved_away_month between candidates.first_month and candidates.last_month, false)
    )
