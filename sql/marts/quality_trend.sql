-- One row per agency, feed, month and thing that is followed over time: rows and people a day, and the share of rows that
-- fails each check; with the process limits of its own history and what is special cause by the rules of NHS England's
-- Making Data Count. Months that did not arrive have no row.
-- Key: agency, feed, measure, file, rule, column_name, period
with arrived as (
    select
        *,
        day(coalesce(partial_until, last_day((period || '-01')::date))) as days
    from accepted.deliveries
    where status = 'accepted'
),

followed as (
    select
        agency, feed, period, 'rows a day' as measure, 'activity' as file, null as rule, null as column_name,
        null as kahn, received_activity / days as value, true as watched, 0 as least_change, null as checked
    from arrived
    union all
    select
        agency, feed, period, 'people a day', 'people', null, null, null, received_people / days, true, 0, null
    from arrived
    union all
    select
        agency, feed, period, 'failed share', file, rule, column_name, kahn, failed_share, kahn = 'completeness',
        getvariable('drift_least_share'), checked
    from marts.quality_results
    where status = 'accepted' and refuses is distinct from 'file'
),

charts as (
    select
        agency, feed, measure, file, rule, column_name, kahn, watched, least_change,
        unnest(list(period order by period)) as period,
        unnest(run_chart(list(value::double order by period))) as point,
        max(period) as last_period,
        max_by(checked, period) as last_checked
    from followed
    group by agency, feed, measure, file, rule, column_name, kahn, watched, least_change
)

select
    agency, -- Agency
    feed, -- Kind of extract
    period, -- Delivery month as YYYY-MM
    measure, -- What is followed: rows a day, people a day, or failed share
    file, -- File of the delivery: people, attributes or activity
    rule, -- Check whose failures are followed; empty for rows and people
    column_name, -- Column that the check is about; empty where it is about the whole row
    kahn, -- Kind of quality of the check; empty for rows and people
    round(point.value, 6) as value, -- Value of the month; rows and people over the days that the delivery covers
    round(point.mean, 6) as mean, -- Mean of all months; empty for fewer than 12
    round(point.lower, 6) as lower, -- Lower process limit, 2.66 mean moving ranges below the mean
    round(point.upper, 6) as upper, -- Upper process limit
    point.cause as special_cause, -- trend, shift, two of three, or outside; empty where chance alone would explain it
    coalesce(
        watched and period = last_period and point.cause is not null and abs(point.value - point.mean) >= least_change
        and coalesce(abs(point.value - point.mean) * last_checked >= getvariable('drift_least_rows'), true),
        false
    ) as drift -- Whether volume or completeness of the last month is unlike the feed's own history
from charts
