-- One row per measure and part of the people seen: the share of the contacts that those with the most of them have, and
-- what it would be if everybody came equally often and only chance made the difference (Poisson), or if people differed as
-- a gamma distribution does (negative binomial), both given the days that people were observed. The top 1 % have more than
-- 1 % by chance alone: only what is above share_by_chance says that some people come more often. The band holds both what
-- linkage leaves open and other people who might have come (people drawn anew under each draw of who may be who).
-- Key: measure, top_percent
with together as (
    select
        person_key,
        sum(contacts_together)::integer as contacts,
        sum(crises_together)::integer as crises
    from journeys.contact_counts
    where scenario = 'central'
    group by person_key
),

counts as (
    select person_key, feed as measure, contacts from journeys.contact_counts where scenario = 'central'
    union all
    select person_key, 'all', contacts from together where contacts > 0
    union all
    select person_key, 'crisis', crises from together where crises > 0
),

cells as (
    select
        counts.measure,
        counts.contacts,
        greatest(round(exposure.days), 1)::integer as days,
        count(*) as people
    from counts
    inner join journeys.exposure as exposure
        on counts.person_key = exposure.person_key
        and exposure.feed = if(counts.measure in ('all', 'crisis'), 'all feeds', counts.measure)
    where exposure.scenario = 'central'
    group by 1, 2, 3
),

shares_of_draws as (
    select
        measure,
        top_shares(
            list(contacts order by contacts), list(people order by contacts), variant::bigint
        ) as shares
    from journeys.contact_histogram
    where variant not in ('central', 'low', 'high')
    group by measure, variant
),

bands as (
    select
        measure, place,
        quantile_cont(shares[place], 0.025) as share_low,
        quantile_cont(shares[place], 0.975) as share_high
    from shares_of_draws
    cross join (select unnest(range(1, 5)) as place)
    group by measure, place
),

totals as (
    select
        measure,
        sum(people)::bigint as people,
        sum(people * contacts)::bigint as contacts,
        top_shares(list(contacts order by contacts), list(people order by contacts), null) as shares
    from journeys.contact_histogram
    where variant = 'central'
    group by measure
),

chances as (
    select
        measure,
        chance_shares(
            list(contacts order by contacts, days), list(days order by contacts, days),
            list(people order by contacts, days)
        ) as shares
    from cells
    group by measure
)

select
    totals.measure, -- all contacts, crisis contacts (crisis), or the contacts of one feed
    [1, 5, 10, 20][bands.place] as top_percent, -- Part of the people seen, those with the most contacts
    totals.people, -- People with at least one such contact
    totals.contacts, -- Their contacts
    round(totals.shares[bands.place], 4) as share, -- Share of the contacts that the part has; empty for under 100 people
    round(bands.share_low, 4) as share_low, -- Lower end of the 95 % band
    round(bands.share_high, 4) as share_high, -- Upper end of the 95 % band
    round(chances.shares[1][bands.place], 4) as share_by_chance, -- Share if everybody came equally often (Poisson)
    round(
        chances.shares[2][bands.place], 4
    ) as share_if_people_differ -- Share if people differ as a gamma distribution does (negative binomial)
from totals
inner join chances using (measure)
inner join bands using (measure)
