-- One row per variant of the linkage, person of the central scenario and person of the variant that share a record, for
-- those who are not the same set of records in both. Under the variant the people named in person_key stand in place
-- of those in person_id; everybody else is as in the central scenario.
-- Key: variant, person_id, person_key
select distinct
    variant, -- low, high or the number of a draw from 1
    person_id, -- Person in the central scenario who is replaced
    person_key -- Person under the variant; the same set of records has the same key under every variant
from staging.person_variants
