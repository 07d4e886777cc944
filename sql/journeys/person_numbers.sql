-- One row per linkage scenario and person with a contact, with the number that stands for both in journeys.sequence: tables
-- of every contact of everybody are read many times, and numbers are several times as fast as names. They are hashes of
-- 64 bits, so that two people of a million have the same one less than once in ten million warehouses.
-- Key: person
select
    hash(scenario, person_key) as person, -- Number of the scenario and person
    scenario, -- central (everybody) or alternative (who is another set of records under some variant)
    person_key -- Person in that scenario; in the central one the person_id
from staging.person_scenarios
group by scenario, person_key
