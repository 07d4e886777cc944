-- One row per need, district and outcome, with their totals: people whose first crisis in the records has the 365 days after
-- it all in the records, and what came in them. Each person counts once, with the need and the place of that crisis. Left
-- out are people known to have died or moved away within the time. What lies before the first crisis is not known. The 95 %
-- bands are what linkage leaves open; their ends never add up.
-- Counts: people followed for a year after a crisis
-- Adds up: need_label to 'All needs', people once
-- Adds up: district_label to 'Whole partnership', people once
-- Adds up: outcome_label to 'Everybody followed', people once
-- Key: need_label, district_label, outcome_label
with crises as (
    select
        scenarios.scenario, scenarios.person_key, contacts.contact_id, contacts.started_at, contacts.need, contacts.lsoa,
        contacts.agency
    from staging.contacts as contacts
    inner join staging.person_scenarios as scenarios using (contact_id)
    where contacts.crisis
),

first_crises as (
    select
        scenario,
        person_key,
        min(started_at::date) as day,
        arg_min(need, (started_at, contact_id)) as need,
        arg_min(lsoa, (started_at, contact_id)) as lsoa,
        arg_min(agency, (started_at, contact_id)) as agency
    from crises
    group by scenario, person_key
),

-- A year is observed where no record of any service is missing from its first to its last month.
broken as (
    select period from staging.slots where not arrived
),

covered as (
    select max(last_day((period || '-01')::date)) as until_day from staging.months
),

followed as (
    select first_crises.*
    from first_crises
    cross join covered
    left join staging.person_attributes as people using (scenario, person_key)
    where date_diff('day', first_crises.day, covered.until_day) >= 365
        and not exists (
            select broken.period from broken
            where broken.period between strftime(first_crises.day, '%Y-%m')
            and strftime(first_crises.day + interval 365 day, '%Y-%m')
        )
        and coalesce(people.death_month > strftime(first_crises.day + interval 365 day, '%Y-%m'), true)
        and coalesce(people.moved_away_month > strftime(first_crises.day + interval 365 day, '%Y-%m'), true)
),

returns as (
    select
        followed.scenario,
        followed.person_key,
        min(date_diff('day', followed.day, crises.started_at::date)) as days_to_next,
        365 - count(distinct crises.started_at::date) as crisis_free_days
    from followed
    inner join crises using (scenario, person_key)
    where date_diff('day', followed.day, crises.started_at::date) between 1 and 365
    group by followed.scenario, followed.person_key
),

outcomes as (
    select
        followed.scenario,
        followed.person_key,
        needs.label as need_label,
        coalesce(areas.district_name, 'Elsewhere or not known') as district_label,
        case
            when returns.days_to_next is null then 'No crisis for a year'
            when returns.days_to_next < getvariable('spell_gap_days') then 'Again within 28 days'
            else 'Again after 28 days or more'
        end as outcome_label,
        coalesce(returns.crisis_free_days, 365) as crisis_free_days,
        followed.agency
    from followed
    inner join reference.needs as needs using (need)
    left join reference.areas as areas using (lsoa)
    left join returns using (scenario, person_key)
),

central as (
    select
        coalesce(need_label, 'All needs') as need_label,
        coalesce(district_label, 'Whole partnership') as district_label,
        coalesce(outcome_label, 'Everybody followed') as outcome_label,
        count(*) as people,
        sum(crisis_free_days) as crisis_free_days,
        count(distinct agency) as agencies
    from outcomes
    where scenario = 'central'
    group by cube (need_label, district_label, outcome_label)
    having count(*) > 0
),

-- Only people who are another set of records under a draw are counted anew: out with the ones, in with the others.
changed as (
    select
        changes.variant,
        coalesce(need_label, 'All needs') as need_label,
        coalesce(district_label, 'Whole partnership') as district_label,
        coalesce(outcome_label, 'Everybody followed') as outcome_label,
        sum(changes.sign) as people,
        sum(changes.sign * crisis_free_days) as crisis_free_days
    from outcomes
    inner join staging.person_changes as changes using (scenario, person_key)
    where changes.variant not in ('low', 'high')
    group by variant, cube (need_label, district_label, outcome_label)
),

draws as (
    select unnest(range(1, getvariable('linkage_draws')::bigint + 1))::varchar as variant
),

drawn as (
    select
        need_label, district_label, outcome_label,
        central.people + coalesce(changed.people, 0) as people,
        central.crisis_free_days + coalesce(changed.crisis_free_days, 0) as crisis_free_days
    from central
    cross join draws
    left join changed using (need_label, district_label, outcome_label, variant)
),

bands as (
    select
        need_label, district_label, outcome_label,
        floor(quantile_cont(people, 0.025)) as people_low,
        ceil(quantile_cont(people, 0.975)) as people_high,
        quantile_cont(crisis_free_days / nullif(people, 0), 0.025) as crisis_free_days_low,
        quantile_cont(crisis_free_days / nullif(people, 0), 0.975) as crisis_free_days_high
    from drawn
    group by need_label, district_label, outcome_label
)

select
    need_label, -- [label] Need of the first crisis, or all needs
    district_label, -- [label] District of it, or the whole partnership
    outcome_label, -- [label] When the next crisis came, or everybody
    central.people, -- [people] People
    bands.people_low::bigint as people_low, -- [people] Lower end of the band of people
    bands.people_high::bigint as people_high, -- [people] Upper end of the band of people
    central.crisis_free_days / central.people as crisis_free_days, -- [rate] Mean days of the 365 without a crisis contact
    bands.crisis_free_days_low, -- [rate] Lower end of the band of these days
    bands.crisis_free_days_high, -- [rate] Upper end of the band of these days
    central.agencies -- [agencies] Agencies that had the first crises
from central
inner join bands using (need_label, district_label, outcome_label)
