-- One row per draw of who may be who, linked person and person of the draw that share a record, for those who are
-- not the same set of records in both. Who is who is not certain: each draw is one way in which it may be, drawn as
-- often as it is likely. For a figure under a draw leave out the contacts of every person_id that the draw names and
-- add those of every person_key, from person_draw_contacts; the spread of the figure over the draws is its band.
-- Key: draw, person_id, person_key
select
    variant::integer as draw, -- Number of the draw from 1
    person_id, -- Linked person who is another set of records under the draw
    person_key -- Person under the draw; the same set of records has the same key in every draw
from staging.person_alternatives
where variant not in ('low', 'high')
