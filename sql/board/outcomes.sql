-- One row per need, district and outcome, with their totals: people whose first crisis in the records has the 365 days after
-- it all in the records, and what came in them. Each person counts once, with the need and the place of that crisis. Left
-- out are people known to have died or moved away within the time. What lies before the first crisis is not known.
-- Counts: people followed for a year after a crisis
-- Adds up: need_label to 'All needs', people once
-- Adds up: district_label to 'Whole partnership', people once
-- Adds up: outcome_label to 'Everybody followed', people once
-- Key: need_label, district_label, outcome_label
with crises as (
    select person_id, contact_id, started_at, need, lsoa, agency
    from staging.contacts
    where crisis
),

first_crises as (
    select
        person_id,
        min(started_at::date) as day,
        arg_min(need, (started_at, contact_id)) as need,
        arg_min(lsoa, (started_at, contact_id)) as lsoa,
        arg_min(agency, (started_at, contact_id)) as agency
    from crises
    group by person_id
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
    left join staging.people as people using (person_id)
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
        followed.person_id,
        min(date_diff('day', followed.day, crises.started_at::date)) as days_to_next,
        365 - count(distinct crises.started_at::date) as crisis_free_days
    from followed
    inner join crises using (person_id)
    where date_diff('day', followed.day, crises.started_at::date) between 1 and 365
    group by followed.person_id
),

outcomes as (
    select
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
    left join returns using (person_id)
)

select
    coalesce(need_label, 'All needs') as need_label, -- [label] Need of the first crisis, or all needs
    coalesce(district_label, 'Whole partnership') as district_label, -- [label] District of it, or the whole partnership
    coalesce(outcome_label, 'Everybody followed') as outcome_label, -- [label] When the next crisis came, or everybody
    count(*) as people, -- [people] People
    avg(crisis_free_days) as crisis_free_days, -- [rate] Mean days of the 365 without a crisis contact
    count(distinct agency) as agencies -- [agencies] Agencies that had the first crises
from outcomes
group by cube (need_label, district_label, outcome_label)
having count(*) > 0
