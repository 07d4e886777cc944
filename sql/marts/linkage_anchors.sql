-- One row per check of linkage by what the feeds themselves say: events that must have a counterpart of the same person
-- in another feed (recall), and linked records that must have the same sex, which linkage never sees (precision).
-- Key: anchor
with events as (
    select
        anchor,
        'pair recall' as measure,
        any_value(feed) as feed,
        any_value(other_feed) as other_feed,
        count(*) as trials,
        count(distinct person_id) as people,
        count(*) filter (found) as found,
        sum(found_by_chance) / nullif(sum(moved_windows), 0) as chance_share
    from staging.linkage_anchors
    group by anchor
),

linked_pairs as (
    select one.person_id, one.sex as one_sex, other.sex as other_sex
    from staging.linkage_clients as one
    inner join staging.linkage_clients as other
        on one.person_id = other.person_id
        and (one.agency, one.feed, one.person_ref) < (other.agency, other.feed, other.person_ref)
    where one.sex in ('F', 'M') and other.sex in ('F', 'M') and one.linked
),

sexes as (
    select
        'the same sex in both records' as anchor,
        'pair precision' as measure,
        null as feed,
        null as other_feed,
        count(*) as trials,
        count(distinct person_id) as people,
        count(*) filter (one_sex = other_sex) as found,
        avg((one_sex = 'F')::integer) * avg((other_sex = 'F')::integer)
        + avg((one_sex = 'M')::integer) * avg((other_sex = 'M')::integer) as chance_share
    from linked_pairs
),

shares as (
    select *, found / trials as found_share, wilson_low(found / trials, people) as found_low,
        wilson_high(found / trials, people) as found_high, coalesce(chance_share, 0) as chance
    from (from events union all from sexes)
    where trials > 0
)

select
    anchor, -- What must agree
    measure, -- What it measures: pair recall or pair precision
    feed, -- Feed of the events; empty where pairs of any two records are looked at
    other_feed, -- Feed in which the counterpart must be
    trials, -- Events or pairs looked at
    people, -- People they are of
    found, -- Those with a counterpart near in time, or with the same sex
    round(found_share, 6) as found_share, -- Share of them
    round(chance, 6) as chance_share, -- Share that chance alone would give
    round(greatest((found_share - chance) / (1 - chance), 0), 6) as value, -- Share found beyond chance
    round(greatest((found_low - chance) / (1 - chance), 0), 6) as low, -- Lower end of the 95 % interval; people are the trials
    round(greatest((found_high - chance) / (1 - chance), 0), 6) as high, -- Upper end of the 95 % interval
    'cross-feed anchor' as how -- How the truth was got
from shares
where chance < 1
