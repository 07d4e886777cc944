-- One row per agency, feed and month of the period covered: the delivery that is expected, and whether it arrived. A
-- delivery of a part of the month is not an arrival: the month is not observed to its end. An
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
    select distinct feed, agency, period, partial_until from accepted.deliveries where status = 'accepted'
)

select
    senders.feed, -- Kind of extract
    senders.agency, -- Agency; empty for a feed that nobody ever sent
    months.period, -- Delivery month as YYYY-MM
    arrivals.period is not null and arrivals.partial_until is null as arrived, -- Whether the whole month was accepted
    arrivals.partial_until -- Last day covered where a part of the month was accepted; empty otherwise
from senders
cross join staging.months as months
left join arrivals
    on senders.feed = arrivals.feed and senders.agency = arrivals.agency and months.period = arrivals.period
