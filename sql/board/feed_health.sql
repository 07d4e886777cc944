-- One row per agency and feed, and per feed that nobody ever sent: the months that arrived and their activity rows,
-- received and refused. Deliveries are described here, not what is in them.
-- Key: feed_label, agency
with months as (
    select
        feed,
        agency,
        min(period) filter (arrived or partial_until is not null) as first_month,
        max(period) filter (arrived or partial_until is not null) as last_month,
        string_agg(period, ', ' order by period) filter (not arrived and partial_until is null) as missing_months,
        string_agg(period, ', ' order by period) filter (partial_until is not null) as partial_months
    from staging.slots
    group by feed, agency
),

arrived as (
    select
        feed,
        agency,
        max(received_people) as people,
        sum(received_activity) as received,
        sum(refused_activity) as refused
    from accepted.deliveries
    where status = 'accepted'
    group by feed, agency
)

select
    feeds.label as feed_label, -- [label] Service
    months.agency, -- [label] Agency; empty for a feed that nobody ever sent
    months.first_month, -- [label] First month that arrived, as YYYY-MM; empty where none did
    months.last_month, -- [label] Last month that arrived, as YYYY-MM; empty where none did
    months.missing_months, -- [label] Months not sent or refused, each as YYYY-MM; empty where none is missing
    months.partial_months, -- [label] Months of which only a part was sent, each as YYYY-MM; empty where there is none
    coalesce(arrived.people, 0) as people, -- [people] People in the month with most people
    coalesce(arrived.received, 0) as received, -- [count] Rows of activity received
    coalesce(arrived.refused, 0) as refused -- [count] Those of the rows that checks refused
from months
inner join reference.feeds using (feed)
left join arrived on months.feed = arrived.feed and months.agency = arrived.agency
