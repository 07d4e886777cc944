-- One row per draw of who may be who, person of the central scenario and person of the draw that share a record, for
-- those who are not the same set of records in both. Under the draw the people named in person_key stand in place of
-- those in person_id; everybody else is as in the central scenario.
-- Key: draw, person_id, person_key
select distinct
    drawn.draw, -- Number of the draw from 1
    person.person_id, -- Person in the central scenario who is replaced
    drawn.person_key -- Person under the draw; the same set of records has the same key in every draw
from linkage.person_draws as drawn
inner join linkage.person_index as person using (agency, feed, person_ref)
