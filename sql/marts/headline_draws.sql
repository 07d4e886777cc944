-- One row per headline figure and draw of who may be who: the figure computed under the draw. The middle 95 % of a
-- figure's draws is its band: where the true figure lies, as far as linkage can tell. The band is centred on the truth
-- as the draws have it, and the central figure need not be inside.
-- Key: headline_id, draw
select
    headline_id, -- Name of the figure
    variant::bigint as draw, -- Number of the draw from 1
    people, -- People behind the figure
    contacts, -- Contacts behind the figure
    minutes, -- Minutes behind the figure; empty where time is not the point
    value -- The figure in the unit that marts.headlines names
from journeys.headline_variants
where variant not in ('central', 'low', 'high')
