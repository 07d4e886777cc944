-- One row per ordered pair of services: how often a contact with the first was followed by one with the second, and in
-- how many spells the first was met before the second; police then A&E stands beside A&E then police. Bands are where the
-- true number lies, as far as linkage can tell.
-- Key: from_feed, to_feed
with central as (
    select
        from_feed,
        to_feed,
        sum(steps) as steps,
        count(*) filter (steps > 0) as people,
        sum(spells_in_order) as spells_in_order
    from journeys.ordered_pairs
    where scenario = 'central'
    group by from_feed, to_feed
),

changes as (
    select
        changes.variant::bigint as draw, pairs.from_feed, pairs.to_feed,
        sum(changes.sign * pairs.steps) as steps,
        sum(changes.sign) filter (pairs.steps > 0) as people
    from journeys.ordered_pairs as pairs
    inner join staging.person_changes as changes using (scenario, person_key)
    where changes.variant not in ('low', 'high')
    group by all
),

bands as (
    select
        from_feed,
        to_feed,
        floor(quantile_cont(central.steps + coalesce(changes.steps, 0), 0.025)) as steps_low,
        ceil(quantile_cont(central.steps + coalesce(changes.steps, 0), 0.975)) as steps_high,
        floor(quantile_cont(central.people + coalesce(changes.people, 0), 0.025)) as people_low,
        ceil(quantile_cont(central.people + coalesce(changes.people, 0), 0.975)) as people_high
    from central
    cross join (select unnest(range(1, getvariable('linkage_draws')::bigint + 1)) as draw) as draws
    left join changes using (from_feed, to_feed, draw)
    group by from_feed, to_feed
),

days as (
    select feed as from_feed, next_feed as to_feed, median(days_to_next) as median_days
    from journeys.sequence
    where central and days_to_next <= getvariable('handoff_days')
    group by 1, 2
)

select
    central.from_feed, -- Service of the first contact
    central.to_feed, -- Service of the contact after it; may be the same
    central.steps::bigint as steps, -- Contacts with the one whose next contact, within 28 days, was with the other
    bands.steps_low::bigint as steps_low, -- Lower end of the 95 % band of the true number of steps
    bands.steps_high::bigint as steps_high, -- Upper end of the 95 % band of the true number of steps
    central.people, -- People with such a step
    bands.people_low::bigint as people_low, -- Lower end of the 95 % band of the true number of people
    bands.people_high::bigint as people_high, -- Upper end of the 95 % band of the true number of people
    days.median_days, -- Median days of the steps; empty where there is none
    coalesce(back.steps, 0)::bigint as steps_back, -- Steps from the second service to the first
    central.spells_in_order::bigint as spells_in_order, -- Spells that met the first service before the second
    coalesce(back.spells_in_order, 0)::bigint as spells_in_reverse, -- Spells that met the second before the first
    round(
        central.spells_in_order / nullif(central.spells_in_order + coalesce(back.spells_in_order, 0), 0), 4
    ) as share_in_order -- Share of the spells with both that met the first one first; empty for one service
from central
inner join bands using (from_feed, to_feed)
left join days using (from_feed, to_feed)
left join central as back on central.from_feed = back.to_feed and central.to_feed = back.from_feed
