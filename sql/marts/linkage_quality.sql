-- One row per measure of how well records were joined into people, per reason why somebody should look at pairs of
-- records, and per headline figure: as the thresholds move it, and the band of
-- 95 % in which the true figure lies as far as linkage can tell (the figure itself may lie outside).
-- Key: measure, detail
with headlines as (
    select
        headline_id,
        max(people) filter (scenario = 'central') as people,
        min(people) as people_low,
        max(people) as people_high
    from marts.headline_scenarios
    where headline_id in (select headline_id from reference.headlines where position is not null)
    group by headline_id
),

bands as (
    select headline_id, quantile_cont(people, 0.025) as people_low, quantile_cont(people, 0.975) as people_high
    from marts.headline_draws
    group by headline_id
),

latest_changes as (
    select * from linkage.person_history where run = (select max(run) from linkage.person_history)
),

measures as (
    select measure, detail, value, low, high, unit, how
    from linkage.quality
    union all
    select 'headline', headline_id, people, people_low, people_high, 'people', 'linkage scenarios'
    from headlines
    union all
    select 'headline band', headline_id, headlines.people, bands.people_low, bands.people_high, 'people', 'linkage draws'
    from headlines
    inner join bands using (headline_id)
    union all
    select
        'stability',
        case event
            when 'merge' then 'people who became part of another'
            when 'split' then 'people whom some records left'
            when 'retired' then 'people without records any more'
            when 'returned' then 'people some of whose records came back'
            else event
        end,
        count(distinct person_id), null, null, 'people', 'counted'
    from latest_changes
    group by event
    union all
    select 'stability', 'records with another person id', sum(records), null, null, 'records', 'counted'
    from latest_changes
    where event in ('merge', 'split')
    having count(*) > 0
    union all
    select 'review queue', replace(reason, '_', ' '), count(distinct item), null, null, 'pairs', 'counted'
    from linkage.review_queue
    where reason not in ('contact_after_death', 'two_stays_at_once', 'ages_apart')
    group by reason
    union all
    -- what only activity shows reaches the queue with the next linkage: counted where it is found
    select 'handed back to review', replace(reason, '_', ' '), count(*), null, null, 'people', 'counted'
    from marts.people_to_review
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
