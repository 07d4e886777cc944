-- One row per agency, feed, delivery month and thing counted: rows received, accepted and refused by rule, deliveries
-- that are missing, cover a part of the month or were refused, codes that are in no code list, rows left out of the contacts, and contacts.
-- Key: period, feed, agency, measure, detail
with accepted_deliveries as (
    select * from accepted.deliveries where status = 'accepted'
),

row_counts as (
    select agency, feed, period, state_of_file, row_count
    from accepted_deliveries unpivot (
        row_count for state_of_file in (
            received_people, received_attributes, received_activity,
            accepted_people, accepted_attributes, accepted_activity,
            erased_people, erased_attributes, erased_activity
        )
    )
),

measures as (
    select
        agency, feed, period,
        split_part(state_of_file, '_', 1) as measure,
        split_part(state_of_file, '_', 2) as detail,
        row_count as rows
    from row_counts
    where row_count > 0 or state_of_file not like 'erased%'
    union all
    select agency, feed, period, 'refused', file || ': ' || rule, count(*)
    from accepted.refused
    semi join accepted_deliveries using (agency, feed, period, delivery_id)
    group by all
    union all
    select agency, feed, period, 'missing_delivery', null, 1
    from staging.slots
    where not arrived and partial_until is null
    union all
    select agency, feed, period, 'partial_delivery', 'until ' || partial_until, 1
    from staging.slots
    where partial_until is not null
    union all
    select agency, feed, period, 'refused_delivery', null, count(*)
    from accepted.deliveries
    where status = 'refused'
    group by all
    union all
    select agency, feed, period, 'unmapped_code', column_name, sum(codes)
    from staging.codes_seen
    where not (listed and mapped)
    group by all
    union all
    select agency, feed, period, 'left_out', reason, rows
    from staging.left_out
    union all
    select agency, feed, period, 'contacts', null, count(*)
    from staging.contacts
    group by all
)

select
    period, -- Delivery month as YYYY-MM
    feed, -- Kind of extract
    agency, -- Agency; empty for a feed that never arrived
    measure, -- What is counted
    detail, -- File, rule, column or reason that the count is for; empty where there is only one count
    rows -- Rows, deliveries, codes or contacts
from measures
