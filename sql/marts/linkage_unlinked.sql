-- One row per feed, attribute and level: how far the records that were linked to another feed differ from those that
-- were not, as a standardised difference. A difference is no error: not everybody is known to two services.
-- Key: feed, attribute, level
with levels as (
    select feed, linked, grouping as attribute, group_name as level, count(*) as clients
    from staging.linkage_groups
    where grouping <> 'everybody'
    group by feed, linked, grouping, group_name
),

counts as (
    select
        feed,
        attribute,
        level,
        coalesce(sum(clients) filter (linked), 0)::bigint as linked_clients,
        coalesce(sum(clients) filter (not linked), 0)::bigint as unlinked_clients
    from levels
    group by feed, attribute, level
),

shares as (
    select
        *,
        linked_clients / nullif(sum(linked_clients) over of_feed, 0) as linked_share,
        unlinked_clients / nullif(sum(unlinked_clients) over of_feed, 0) as unlinked_share,
        sum(linked_clients) over of_feed as all_linked,
        sum(unlinked_clients) over of_feed as all_unlinked
    from counts
    window of_feed as (partition by feed, attribute)
),

differences as (
    select
        *,
        (linked_share - unlinked_share)
        / nullif(sqrt((linked_share * (1 - linked_share) + unlinked_share * (1 - unlinked_share)) / 2), 0) as difference
    from shares
),

-- Standard error of a standardised difference: Hedges and Olkin 1985.
errors as (
    select
        *, sqrt((all_linked + all_unlinked) / (all_linked * all_unlinked) + difference ^ 2 / (2 * (all_linked + all_unlinked)))
        as standard_error
    from differences
)

select
    feed, -- Kind of extract
    attribute, -- sex, age band, ethnic group or deprivation quintile
    level, -- Level of the attribute
    linked_clients, -- Records of this level that are linked to a record of another feed
    unlinked_clients, -- Records of this level that are not
    round(linked_share, 6) as linked_share, -- Share of this level among the feed's linked records
    round(unlinked_share, 6) as unlinked_share, -- Share of this level among the feed's other records
    round(difference, 6) as difference, -- Standardised difference of the two shares; above 0.1 either way is worth a look
    round(difference - 1.96 * standard_error, 6) as low, -- Lower end of its 95 % interval
    round(difference + 1.96 * standard_error, 6) as high, -- Upper end of its 95 % interval
    'counted' as how -- How the truth was got
from errors
