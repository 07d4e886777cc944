-- One row per feed, measure and ward: how many there were in months for which the feed arrived, how many there would be if
-- the wards' residents all had the region's rate, and the limits of a funnel plot, widened by the spread that wards have
-- beyond chance (see spread). A ward within its limits is like the others as far as these figures can tell: there is no
-- order of best and worst in them. Rates are crude: wards with older people have more falls. Places of police and
-- ambulance contacts are those of incidents, which a town centre has more of than residents.
-- Key: feed, measure, ward
with arrived as (
    select feed, period from staging.slots group by feed, period having bool_and(arrived)
),

wards as (
    select ward, any_value(district) as district, sum(residents) as residents from reference.areas group by ward
),

counted as (
    select
        contacts.feed,
        areas.ward,
        count(*) as contacts,
        count(*) filter (contacts.crisis) as crisis_contacts,
        count(distinct contacts.person_id) as people
    from staging.contacts as contacts
    semi join arrived on contacts.feed = arrived.feed and contacts.period = arrived.period
    inner join reference.areas as areas on contacts.lsoa = areas.lsoa
    group by contacts.feed, areas.ward
),

measures as (
    select *
    from counted unpivot (observed for measure in (contacts, crisis_contacts, people))
),

-- A ward without any is a row as well.
observed as (
    select of_feed.feed, of_feed.measure, wards.*, coalesce(measures.observed, 0) as observed
    from (select feed, measure from measures group by feed, measure having sum(observed) > 0) as of_feed
    cross join wards
    left join measures using (feed, measure, ward)
),

expected as (
    select
        *,
        sum(observed) over of_feed * residents / sum(residents) over of_feed as expected
    from observed
    window of_feed as (partition by feed, measure)
),

areas as (
    select
        feed, measure,
        unnest(list(ward order by ward)) as ward,
        unnest(funnel(list(observed::double order by ward), list(expected::double order by ward))) as area
    from expected
    group by feed, measure
)

select
    feed, -- Kind of extract
    measure, -- contacts, crisis_contacts or people
    ward, -- Ward
    expected.district, -- District of the ward
    expected.residents::bigint as residents, -- Residents of the ward
    expected.observed::bigint as observed, -- How many there were
    round(expected.expected, 1) as expected, -- How many there would be at the region's rate
    round(areas.area.ratio, 4) as ratio, -- Observed over expected; empty for fewer than 10 wards
    round(areas.area.lower_95, 4) as lower_95, -- Lower limit that holds 95 % of wards
    round(areas.area.upper_95, 4) as upper_95, -- Upper limit that holds 95 % of wards
    round(areas.area.lower, 4) as lower, -- Lower limit that holds 99.8 % of wards
    round(areas.area.upper, 4) as upper, -- Upper limit that holds 99.8 % of wards
    round(areas.area.spread, 4) as spread, -- Spread of wards beyond chance, a standard deviation on the root of the ratio
    case
        when areas.area.ratio > areas.area.upper then 'above'
        when areas.area.ratio < areas.area.lower then 'below' end as outside -- above or below the limits of 99.8 %
from areas
inner join expected using (feed, measure, ward)
