-- One row per measure of how well records were joined into people, per reason why somebody should look at pairs of
-- records, and per headline figure, with its interval.
-- Key: measure, detail
with headlines as (
    select
        headline_id,
        max(people) filter (scenario = 'central') as people,
        min(people) as people_low,
        max(people) as people_high
    from marts.headline_scenarios
    group by headline_id
),

measures as (
    select measure, detail, value, low, high, unit, how
    from linkage.quality
    union all
    select 'headline', headline_id, people, people_low, people_high, 'people', 'linkage scenarios'
    from headlines
    union all
    select 'review queue', replace(reason, '_', ' '), count(distinct item), null, null, 'pairs', 'counted'
    from linkage.review_queue
    group by reason
)

select
    measure, -- What is measured
    detail, -- Part that the measure is for: a feed, a group, a threshold or a headline
    value, -- Central value
    low, -- Lower end of the interval
    high, -- Upper end of the interval
    unit, -- Unit of the value
    how -- How the truth was got, or by what the figure varies
from measures
