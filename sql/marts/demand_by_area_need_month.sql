-- One row per area, need and month with at least one contact. Months are months of the start and lie within the period
-- covered by deliveries; compare them only where as much arrived. Each agency's delivery of a feed counts on its own.
-- Key: month, lsoa, need
with feeds_by_month as (
    select
        period as month,
        count(*) filter (arrived) as feeds_arrived,
        count(*) as feeds_expected
    from staging.slots
    group by period
),

demand as (
    select
        strftime(started_at, '%Y-%m') as month,
        lsoa,
        need,
        count(*) as contacts,
        count(distinct person_id) as people,
        count(*) filter (crisis) as crisis_contacts
    from staging.contacts
    group by 1, 2, 3
)

select
    demand.month, -- Month of the start as YYYY-MM
    demand.lsoa, -- Area (LSOA); empty where the record gives none
    areas.ward, -- Ward of the area
    areas.district, -- District of the area
    demand.need, -- Need of the contacts
    demand.contacts, -- Contacts
    demand.people, -- People with at least one of them
    demand.crisis_contacts, -- Crisis contacts
    feeds_by_month.feeds_arrived, -- Deliveries that arrived for the month, each agency's of each feed counted
    feeds_by_month.feeds_expected, -- Deliveries that were expected, each agency's of each feed counted
    areas.residents -- Residents of the area
from demand
inner join feeds_by_month using (month)
left join reference.areas as areas using (lsoa)
