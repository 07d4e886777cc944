-- At which door do spells begin, and how many come to a crisis?
-- Spells of at least two contacts. A first missed door is the first contact that ended without help and had a crisis after it.
select
    first_door_feed,
    count(*) as spells,
    count(*) filter (crisis_contacts > 0) as with_a_crisis,
    count(first_missed_door_contact_id) as with_a_missed_door
from marts.spells
where contacts >= 2
group by all
order by spells desc, first_door_feed
