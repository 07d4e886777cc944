-- One row per agency, feed and month of the period covered: the delivery that is expected, and whether it arrived. An
-- agency that ever sent a feed is expected to send it every month; a feed nobody ever sent, where reference.feeds
-- expects it, from an agency not known.
-- Key: feed, agency, period
with senders as (
    select distinct feed, agency from accepted.deliveries
    union all
    select feeds.feed, null
    from reference.feeds as feeds
    anti join accepted.deliveries as deliveries on feeds.feed = deliveries.feed
    where feeds.expected::boolean
),

arrivals as (
    select distinct feed, agency, period from accepted.deliveries where status = 'accepted'
)

select
    senders.feed, -- Kind of extract
    senders.agency, -- Agency; empty for a feed that nobody ever sent
    months.period, -- Delivery month as YYYY-MM
    arrivals.period is not null as arrived -- Whether there is an accepted delivery
from senders
cross join staging.months as months
left join arrivals
    on senders.feed = arrivals.feed and senders.agency = arrivals.agency and months.period = arrivals.period
