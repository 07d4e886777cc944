-- One row per ward, need and month with at least one contact. Months are months of the start and lie within the period
-- covered by deliveries; compare them only where as much arrived. Each agency's delivery of a feed counts on its own.
-- Key: month, ward, need
with feeds_by_month as (
    select
        period as month,
        count(*) filter (arrived) as feeds_arrived,
        count(*) as feeds_expected
    from staging.slots
    group by period
),

wards as (
    select ward, any_value(district) as district, sum(residents) as residents
    from reference.areas
    group by ward
),

demand as (
    select
        strftime(contacts.started_at, '%Y-%m') as month,
        areas.ward,
        contacts.need,
        count(*) as contacts,
        count(distinct contacts.person_id) as people,
        count(*) filter (contacts.crisis) as crisis_contacts
    from staging.contacts as contacts
    left join reference.areas as areas on contacts.lsoa = areas.lsoa
    group by 1, 2, 3
)

select
    demand.month, -- Month of the start as YYYY-MM
    demand.ward, -- Ward; empty where the record gives no area or one outside the region
    wards.district, -- District of the ward
    demand.need, -- Need of the contacts
    demand.contacts, -- Contacts
    demand.people, -- People with at least one of them
    demand.crisis_contacts, -- Crisis contacts
    feeds_by_month.feeds_arrived, -- Deliveries that arrived for the month, each agency's of each feed counted
    feeds_by_month.feeds_expected, -- Deliveries that were expected, each agency's of each feed counted
    wards.residents::bigint as residents -- Residents of the ward
from demand
inner join feeds_by_month using (month)
left join wards using (ward)
