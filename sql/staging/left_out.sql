-- One row per agency, feed, delivery month and reason for which accepted rows did not become contacts.
-- Key: agency, feed, period, reason
select
    agency, -- Agency
    feed, -- Kind of extract
    period, -- Delivery month as YYYY-MM
    left_out as reason, -- Why the rows are not contacts
    count(*) as rows -- Rows
from staging.contact_rows
where left_out is not null
group by agency, feed, period, left_out
