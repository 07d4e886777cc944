-- One row per measure of linkage and group of people: by sex, age band, ethnic group and deprivation as the agency of a
-- record wrote them down, and by pair of feeds. A pair of records counts once for the group of each of its two records.
-- Key: measure, detail, grouping, group_name
with pairs as (
    select
        pairs.match_probability as p,
        l.client_number as client_number_l,
        r.client_number as client_number_r,
        l.person_number,
        l.person_number = r.person_number as linked,
        if(
            pairs.feed_l = pairs.feed_r,
            'within ' || pairs.feed_l,
            least(pairs.feed_l, pairs.feed_r) || ' and ' || greatest(pairs.feed_l, pairs.feed_r)
        ) as feed_pair
    from linkage.client_pairs as pairs
    inner join staging.linkage_clients as l
        on pairs.agency_l = l.agency and pairs.feed_l = l.feed and pairs.person_ref_l = l.person_ref
    inner join staging.linkage_clients as r
        on pairs.agency_r = r.agency and pairs.feed_r = r.feed and pairs.person_ref_r = r.person_ref
),

sides as (
    select client_number_l as client_number, p, linked from pairs
    union all
    select client_number_r, p, linked from pairs
),

weighed as (
    select groups.grouping, groups.group_name, groups.person_number, sides.p, sides.linked
    from sides
    inner join staging.linkage_groups as groups using (client_number)
    union all
    select 'feed pair', feed_pair, person_number, p, linked from pairs
),

expected as (
    select
        grouping,
        group_name,
        count(distinct person_number) filter (linked) as people,
        count(distinct person_number) as people_compared,
        count(*) filter (linked) as joined,
        count(*) as compared,
        coalesce(sum(p) filter (linked), 0) as right_links,
        coalesce(sum(p) filter (not linked), 0) as missed_links,
        coalesce(sum(p * (1 - p)) filter (linked), 0) as right_variance,
        coalesce(sum(p * (1 - p)) filter (not linked), 0) as missed_variance
    from weighed
    group by grouping, group_name
),

-- How far chance alone moves the figure if the probabilities are right: the variance of a sum of coins of their own.
by_model as (
    select
        'pair precision' as measure, 'expected by the model' as detail, grouping, group_name, people, joined as trials,
        right_links / joined as value, sqrt(right_variance) / joined as deviation
    from expected
    where joined > 0
    union all
    select
        'pair recall', 'of compared pairs, expected by the model', grouping, group_name, people_compared, compared,
        right_links / (right_links + missed_links),
        sqrt(missed_links ^ 2 * right_variance + right_links ^ 2 * missed_variance) / (right_links + missed_links) ^ 2
    from expected
    where right_links + missed_links > 0
),

anchors as (
    select
        clients.client_number, clients.person_number, anchors.found, anchors.found_by_chance, anchors.moved_windows,
        least(feed, anchors.other_feed) || ' and ' || greatest(feed, anchors.other_feed) as feed_pair
    from staging.linkage_anchors as anchors
    inner join staging.linkage_clients as clients using (agency, feed, person_ref)
),

anchored as (
    select groups.grouping, groups.group_name, anchors.*
    from anchors
    inner join staging.linkage_groups as groups using (client_number)
    union all
    select 'feed pair', feed_pair, anchors.* from anchors
),

anchor_counts as (
    select
        grouping,
        group_name,
        count(distinct person_number) as people,
        count(*) as trials,
        count(*) filter (found) / count(*) as share,
        coalesce(sum(found_by_chance) / nullif(sum(moved_windows), 0), 0) as chance
    from anchored
    group by grouping, group_name
),

linked_shares as (
    select
        grouping, group_name, count(distinct person_number) as people, count(*) as trials,
        count(*) filter (linked) / count(*) as share
    from staging.linkage_groups
    group by grouping, group_name
),

measures as (
    select
        measure, detail, grouping, group_name, people, trials, value,
        greatest(value - 1.96 * deviation, 0) as low, least(value + 1.96 * deviation, 1) as high,
        'model' as how
    from by_model
    union all
    select
        'pair recall', 'events with a counterpart in another feed', grouping, group_name, people, trials,
        greatest((share - chance) / (1 - chance), 0),
        greatest((wilson_low(share, people) - chance) / (1 - chance), 0),
        greatest((wilson_high(share, people) - chance) / (1 - chance), 0),
        'cross-feed anchor'
    from anchor_counts
    where chance < 1
    union all
    select
        'linked records', 'share with a record in another feed', grouping, group_name, people, trials, share,
        wilson_low(share, people), wilson_high(share, people), 'counted'
    from linked_shares
)

select
    measure, -- What is measured
    detail, -- How it is measured
    grouping, -- everybody, sex, age band, ethnic group, deprivation quintile or feed pair
    group_name, -- Group that the figure is for
    people, -- People behind the figure
    trials, -- Records, events or pairs looked at
    round(value, 6) as value, -- The figure
    round(low, 6) as low, -- Lower end of the 95 % interval; of a model's figure, of chance alone
    round(high, 6) as high, -- Upper end of the 95 % interval; of a model's figure, of chance alone
    how -- How the truth was got
from measures
