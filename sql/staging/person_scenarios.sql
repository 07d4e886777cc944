-- One row per contact and linkage scenario: whose contact it is when records are joined at the low (more links), the
-- central or the high threshold (fewer links).
-- Key: contact_id, scenario
with scenarios as (
    select contact_id, 'central' as scenario, person_id as person_key, left_out from staging.contact_rows
    union all
    select contact_id, 'low', person_id_low, left_out from staging.contact_rows
    union all
    select contact_id, 'high', person_id_high, left_out from staging.contact_rows
)

select
    contact_id, -- Contact
    scenario, -- low, central or high threshold for joining records
    person_key -- Person in that scenario; in the central one the person_id
from scenarios
where left_out is null
