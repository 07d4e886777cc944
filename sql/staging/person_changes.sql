-- One row per variant of the linkage and person who is put in or taken out under it: the central people that
-- staging.person_alternatives replaces are taken out, those it names in their place are put in. A figure that is a sum
-- over people is under a variant the central one plus the signed values of these.
-- Key: variant, scenario, person_key
select distinct
    variant, -- low, high or the number of a draw from 1
    'central' as scenario, -- central for who is taken out, alternative for who is put in
    person_id as person_key, -- Person in that scenario
    -1 as sign -- 1 for who is put in, -1 for who is taken out
from staging.person_alternatives
union all
select distinct variant, 'alternative', person_key, 1
from staging.person_alternatives
