-- One row per person and definition of cycling that the person ever met, with records joined at the central threshold.
-- Key: person_id, definition_id
select
    person_key as person_id, -- Linked person
    definition_id, -- Definition; see the table definitions
    first_met_on, -- Day of the first contact at which the definition was met
    last_met_on, -- Day of the last contact at which it was met
    times_met, -- Contacts at which it was met
    most_contacts_in_window -- Most contacts in one window of the definition
from journeys.cycling
where scenario = 'central'
