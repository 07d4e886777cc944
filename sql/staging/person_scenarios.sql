-- One row per contact, linkage scenario and person whose contact it is there: when records are joined at the low (more
-- links), the central or the high threshold (fewer links), and under the draws of who may be who. Under draws are only
-- people who are another set of records than in the central scenario, each such set once however many draws have it.
-- Key: contact_id, scenario, person_key
with contacts as (
    select contact_id, agency, feed, person_ref, person_id, person_id_low, person_id_high
    from staging.contact_rows
    where left_out is null
),

drawn as (
    select distinct agency, feed, person_ref, person_key from linkage.person_draws
),

scenarios as (
    select contact_id, 'central' as scenario, person_id as person_key from contacts
    union all
    select contact_id, 'low', person_id_low from contacts
    union all
    select contact_id, 'high', person_id_high from contacts
    union all
    select contacts.contact_id, 'draws', drawn.person_key
    from contacts
    inner join drawn using (agency, feed, person_ref)
)

select
    contact_id, -- Contact
    scenario, -- low, central or high threshold for joining records, or draws of who may be who
    person_key -- Person in that scenario; in the central one the person_id
from scenarios
