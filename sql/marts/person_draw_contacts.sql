-- One row per contact and person of a draw whose contact it may be; see person_draws.
-- Key: person_key, contact_id
select
    person_key, -- Person under one or more draws
    contact_id -- Contact; see the table contacts
from staging.person_scenarios
semi join marts.person_draws using (person_key)
where scenario = 'alternative'
