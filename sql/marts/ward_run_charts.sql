-- One row per feed, ward and month: contacts a day, because months differ in length, with the limits of the ward's own
-- history and what is special cause by the rules of NHS England's Making Data Count. Months for which not all of the feed
-- arrived have no row. What is common cause has not changed, however it looks. Of fewer than 5 contacts a month the chart
-- says nothing: chance is not even around a mean that low.
-- Key: feed, ward, month
with arrived as (
    select feed, period from staging.slots group by feed, period having bool_and(arrived)
),

counted as (
    select contacts.feed, contacts.period, areas.ward, count(*) as contacts
    from staging.contacts as contacts
    inner join reference.areas as areas on contacts.lsoa = areas.lsoa
    group by contacts.feed, contacts.period, areas.ward
),

wards as (
    select feed, ward from counted group by feed, ward
),

months as (
    select
        arrived.feed,
        wards.ward,
        arrived.period as month,
        coalesce(counted.contacts, 0) as contacts,
        coalesce(counted.contacts, 0) / day(last_day((arrived.period || '-01')::date)) as value
    from arrived
    inner join wards using (feed)
    left join counted using (feed, period, ward)
),

charts as (
    select
        feed, ward,
        unnest(list(month order by month)) as month,
        unnest(list(contacts order by month)) as contacts,
        avg(contacts) >= 5 as often_enough,
        unnest(run_chart(list(value::double order by month))) as point
    from months
    group by feed, ward
)

select
    feed, -- Kind of extract
    ward, -- Ward
    month, -- Delivery month as YYYY-MM
    contacts, -- Contacts
    round(point.value, 4) as contacts_a_day, -- Contacts a day
    if(often_enough, round(point.mean, 4), null) as mean, -- Mean of all months; empty for fewer than 12 or for rare contacts
    if(
        often_enough, round(greatest(point.lower, 0), 4), null
    ) as lower, -- Lower process limit, 2.66 mean moving ranges below the mean
    if(often_enough, round(point.upper, 4), null) as upper, -- Upper process limit
    if(often_enough, point.cause, null) as special_cause -- trend, shift, two of three, or outside; empty where chance alone would explain it
from charts
