-- One row per grouping, group, feed and group of needs: contacts in the months for which the feed arrived, the exposure
-- behind them, and their rate with its 95 % interval. Of areas the exposure is their residents' years, and the contacts are
-- those that took place there; of groups of people it is the years of the people seen by any agency, as nothing is known of
-- others: the two kinds of rate are not to be compared. One person's contacts are not independent of each other: the
-- interval is that of as many fewer as people's contacts repeat (design_effect), by Byar's method.
-- Key: grouped_by, group_name, feed, need_group
with months as (
    select feed, period, min(coalesce(day(partial_until), day(last_day((period || '-01')::date)))) as days
    from staging.slots
    where agency is not null
    group by feed, period
    having bool_and(arrived or partial_until is not null)
),

days_of_feeds as (
    select feed, sum(days) as days from months group by feed
),

by_ward as (
    select
        contacts.person_id,
        areas.ward,
        areas.district,
        contacts.feed,
        contacts.need_group,
        count(*) as contacts,
        count(*) filter (contacts.crisis) as crises
    from staging.contacts as contacts
    inner join months using (feed, period)
    left join reference.areas as areas on contacts.lsoa = areas.lsoa
    group by all
),

by_need as (
    select person_id, feed, need_group, sum(contacts) as contacts, sum(crises) as crises from by_ward group by all
),

persons as (
    select * from by_need
    union all
    select person_id, feed, 'all', sum(contacts), sum(crises) from by_need group by person_id, feed
),

people as (
    select
        person_id,
        coalesce(age_band, 'not known') as age_band,
        coalesce(sex, 'not known') as sex,
        coalesce(ethnic_group, 'not known') as ethnic_group,
        coalesce(imd_quintile::varchar, 'not known') as imd_quintile
    from staging.people
),

of_areas as (
    select 'ward' as grouped_by, ward as group_name, person_id, feed, need_group, contacts, crises
    from by_ward
    where ward is not null
    union all
    select 'ward', ward, person_id, feed, 'all', sum(contacts), sum(crises)
    from by_ward
    where ward is not null
    group by ward, person_id, feed
    union all
    select 'district', district, person_id, feed, need_group, sum(contacts), sum(crises)
    from by_ward
    where district is not null
    group by district, person_id, feed, need_group
    union all
    select 'district', district, person_id, feed, 'all', sum(contacts), sum(crises)
    from by_ward
    where district is not null
    group by district, person_id, feed
),

counted as (
    select
        grouped_by, group_name, feed, need_group, count(*) as people,
        sum(contacts) as contacts, sum(contacts * contacts) as squares,
        sum(crises) as crises, sum(crises * crises) as squares_of_crises
    from of_areas
    group by grouped_by, group_name, feed, need_group
    union all
    select
        case
            when grouping(age_band) = 0 then 'age_band'
            when grouping(sex) = 0 then 'sex'
            when grouping(ethnic_group) = 0 then 'ethnic_group'
            else 'imd_quintile'
        end,
        coalesce(age_band, sex, ethnic_group, imd_quintile), feed, need_group, count(*),
        sum(contacts), sum(contacts * contacts), sum(crises), sum(crises * crises)
    from persons
    inner join people using (person_id)
    group by grouping sets (
        (age_band, feed, need_group), (sex, feed, need_group), (ethnic_group, feed, need_group),
        (imd_quintile, feed, need_group)
    )
),

years as (
    select 'ward' as grouped_by, ward as group_name, feed, sum(residents) * any_value(days) / 365.25 as years
    from reference.areas
    cross join days_of_feeds
    group by ward, feed
    union all
    select 'district', district, feed, sum(residents) * any_value(days) / 365.25
    from reference.areas
    cross join days_of_feeds
    group by district, feed
    union all
    select
        case
            when grouping(age_band) = 0 then 'age_band'
            when grouping(sex) = 0 then 'sex'
            when grouping(ethnic_group) = 0 then 'ethnic_group'
            else 'imd_quintile'
        end,
        coalesce(age_band, sex, ethnic_group, imd_quintile), feed, sum(exposure.days) / 365.25
    from journeys.exposure as exposure
    inner join people on exposure.person_key = people.person_id
    where exposure.scenario = 'central'
    group by grouping sets ((age_band, feed), (sex, feed), (ethnic_group, feed), (imd_quintile, feed))
)

select
    grouped_by, -- ward, district, age_band, sex, ethnic_group or imd_quintile (1 is the most deprived)
    group_name, -- The ward, district or group; not known where nobody recorded it
    feed, -- Kind of extract
    need_group, -- Group of needs, or all
    if(grouped_by in ('ward', 'district'), 'residents', 'people seen') as exposure_of, -- Whose years the exposure is
    round(years, 2) as exposure_years, -- Years of those people in which the feed would have shown a contact
    people, -- People with such a contact
    contacts::bigint as contacts, -- Contacts
    round(squares / contacts, 3) as design_effect, -- How many times wider than independent contacts' the variance is
    round(1000 * contacts / years, 3) as contact_rate, -- Contacts per 1,000 person-years
    round(
        1000 * byar_low(contacts, squares / contacts) / years, 3
    ) as contact_rate_low, -- Lower end of the 95 % interval
    round(
        1000 * byar_high(contacts, squares / contacts) / years, 3
    ) as contact_rate_high, -- Upper end of the 95 % interval
    crises::bigint as crisis_contacts, -- Crisis contacts
    round(1000 * crises / years, 3) as crisis_rate, -- Crisis contacts per 1,000 person-years
    round(
        1000 * byar_low(crises, coalesce(squares_of_crises / nullif(crises, 0), 1)) / years, 3
    ) as crisis_rate_low, -- Lower end of the 95 % interval
    round(
        1000 * byar_high(crises, coalesce(squares_of_crises / nullif(crises, 0), 1)) / years, 3
    ) as crisis_rate_high -- Upper end of the 95 % interval
from counted
inner join years using (grouped_by, group_name, feed)
