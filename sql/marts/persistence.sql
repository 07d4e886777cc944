-- One row per linked person, definition of frequent use that they met, and length of window: whether it lasts. The period
-- covered is cut into windows of that many months, counted back from its end. new: met in the last window only; ongoing:
-- in the last and in an earlier one; temporary: in one window that is not the last; resolved: in two or more, and not in
-- the last; left: not in the last, and the person died or moved away. Most who are frequent once are so for a time:
-- fewer contacts afterwards are no sign that something worked.
-- Key: person_id, definition_id, window_months
select
    person_key as person_id, -- Linked person
    definition_id, -- Definition; see the table definitions
    window_months, -- Length of a window in months
    windows, -- Windows in which the definition can be told
    windows_met, -- Windows in which the person met the definition
    persistence -- new, ongoing, temporary, resolved or left
from journeys.persistence
where scenario = 'central'
