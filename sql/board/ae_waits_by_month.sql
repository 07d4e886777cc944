-- One row per month and length of stay, with the total: A&E stays that began in the month. A month for which A&E's records are
-- missing or came in part is a row without figures.
-- Counts: ae_stays
-- Adds up: month, in part
-- Adds up: wait_label to 'All stays'
-- Within: people in stays
-- Key: month, wait_label
with months as (
    select
        period as month,
        bool_and(measure not in ('missing_delivery', 'partial_delivery')) as arrived
    from marts.data_quality
    where feed = 'ae_attendances' and measure in ('accepted', 'missing_delivery', 'partial_delivery')
    group by period
),

stays as (
    select
        strftime(started_at, '%Y-%m') as month,
        case
            when minutes is null then 'Not known'
            when over_24_hours then '24 hours or more'
            when over_12_hours then '12 to 24 hours'
            when over_4_hours then '4 to 12 hours'
            else 'Up to 4 hours'
        end as wait_label,
        person_id,
        agency
    from marts.waits
    where wait_kind = 'ae_stay'
),

counted as (
    select
        month,
        coalesce(wait_label, 'All stays') as wait_label,
        count(*) as stays,
        count(distinct person_id) as people,
        count(distinct agency) as agencies
    from stays
    group by grouping sets ((month, wait_label), (month))
),

lengths as (
    select distinct wait_label from counted
)

select
    months.month, -- [label] Month as YYYY-MM
    lengths.wait_label, -- [label] Length of the stay, or all stays
    if(months.arrived, coalesce(counted.stays, 0), null) as stays, -- [count] A&E stays
    if(months.arrived, coalesce(counted.people, 0), null) as people, -- [people] People who stayed
    if(months.arrived, coalesce(counted.agencies, 0), null) as agencies -- [agencies] Agencies that run the departments
from months
cross join lengths
left join counted using (month, wait_label)
