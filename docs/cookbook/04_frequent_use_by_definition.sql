-- How many people come again and again, by each definition in use?
-- The band is where the true number lies as far as linkage can tell. Definitions differ by more than the band: say which one you use.
select definition_id, people, people_low, people_high
from marts.definitions
order by people desc, definition_id
