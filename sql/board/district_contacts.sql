-- One row per month of the period covered and district: contacts that started in the month, by where they took place or
-- where the person lives. A month for which the records of any service are missing or came in part is a row without figures.
-- Counts: contacts
-- Adds up: month, in part
-- Adds up: district_label to 'Whole partnership'
-- Within: people in contacts
-- Key: month, district_label
with months as (
    select
        period as month,
        bool_and(measure not in ('missing_delivery', 'partial_delivery')) as arrived
    from marts.data_quality
    where measure in ('accepted', 'missing_delivery', 'partial_delivery')
    group by period
),

contacts as (
    select
        strftime(contacts.started_at, '%Y-%m') as month,
        coalesce(areas.district_name, 'Elsewhere or not known') as district_label,
        contacts.person_id,
        contacts.agency
    from staging.contacts as contacts
    left join reference.areas as areas using (lsoa)
),

counted as (
    select
        month,
        coalesce(district_label, 'Whole partnership') as district_label,
        count(*) as contacts,
        count(distinct person_id) as people,
        count(distinct agency) as agencies
    from contacts
    group by grouping sets ((month, district_label), (month))
),

districts as (
    select distinct district_label from counted
)

select
    months.month, -- [label] Month as YYYY-MM
    districts.district_label, -- [label] District, or the whole partnership
    months.arrived, -- [label] Whether every service's records for the month arrived
    if(months.arrived, coalesce(counted.contacts, 0), null) as contacts, -- [count] Contacts that started in the month
    if(months.arrived, coalesce(counted.people, 0), null) as people, -- [people] People with at least one of them
    if(months.arrived, coalesce(counted.agencies, 0), null) as agencies -- [agencies] Agencies that had them
from months
cross join districts
left join counted on months.month = counted.month and districts.district_label = counted.district_label
