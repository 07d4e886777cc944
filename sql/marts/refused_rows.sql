-- One row per refused row of an accepted delivery: where it stands in the file that the agency sent, and why it was
-- refused. Nothing of what the row says is here.
-- Key: agency, feed, period, delivery_id, file, row_number
select
    refused.agency, -- Agency
    refused.feed, -- Kind of extract
    refused.period, -- Delivery month as YYYY-MM
    refused.delivery_id, -- Delivery
    refused.file, -- File of the delivery: people, attributes or activity
    refused.row_number, -- Row in the file, from 1, without the header
    refused.rule, -- First check that the row fails
    refused.column_name, -- Column that the check is about; empty where it is about the whole row
    refused.reason -- What is wrong, for every check that the row fails
from accepted.refused as refused
semi join accepted.deliveries as deliveries
    on refused.agency = deliveries.agency
    and refused.feed = deliveries.feed
    and refused.period = deliveries.period
    and refused.delivery_id = deliveries.delivery_id
    and deliveries.status = 'accepted'
