-- One row per area, need and month with at least one contact. Months are months of the start and lie within the period
-- covered by deliveries; compare them only with the same number of feeds arrived.
-- Key: month, lsoa, need
with feeds_by_month as (
    select
        months.period as month,
        count(distinct deliveries.feed) as feeds_arrived,
        (select count(*) from reference.feeds) as feeds_expected
    from (select distinct period from accepted.deliveries) as months
    left join accepted.deliveries as deliveries
        on months.period = deliveries.period and deliveries.status = 'accepted'
    group by months.period
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
    feeds_by_month.feeds_arrived, -- Feeds that arrived for the month
    feeds_by_month.feeds_expected, -- Feeds that were expected
    areas.residents -- Residents of the area
from demand
inner join feeds_by_month using (month)
left join reference.areas as areas using (lsoa)
