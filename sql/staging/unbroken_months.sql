-- One row per feed, agency and month that the agency sent in whole, with the month up to which nothing is missing from
-- there on; and the same for a feed as a whole, where the agency is empty: months that every agency of the feed sent.
-- Whether a window is all in the records is thereby one comparison.
-- Key: feed, agency, period
with months as (
    select feed, agency, period, arrived from staging.slots where agency is not null
    union all
    select feed, null, period, bool_and(arrived) from staging.slots group by feed, period
),

runs as (
    select *, count(*) filter (not arrived) over (partition by feed, agency order by period) as gaps_before
    from months
)

select
    feed, -- Kind of extract
    agency, -- Agency; empty for all agencies of the feed together
    period, -- Month as YYYY-MM
    max(period) over (partition by feed, agency, gaps_before) as through -- Last month before the first that is missing
from runs
where arrived
