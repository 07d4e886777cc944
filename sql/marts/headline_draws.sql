-- One row per headline figure and draw of who may be who: the figure computed under the draw. The middle 95 % of a
-- figure's draws is its band: where the true figure lies, as far as linkage can tell. The band is centred on the truth
-- as the draws have it, and the central figure need not be inside.
-- Key: headline_id, draw
with central as (
    select headline_id, count(*) as people, sum(contacts) as contacts, sum(minutes) as minutes
    from journeys.headline_people
    where scenario = 'central'
    group by headline_id
),

draws as (
    select unnest(range(1, getvariable('linkage_draws')::bigint + 1)) as draw
),

drawn as (
    select variant::bigint as draw, person_id, person_key
    from staging.person_alternatives
    where variant not in ('low', 'high')
),

-- Only people who are another set of records under a draw are counted anew: out with the ones, in with the others.
changes as (
    select replaced.draw, figures.headline_id, -1 as sign, figures.contacts, figures.minutes
    from (select distinct draw, person_id from drawn) as replaced
    inner join journeys.headline_people as figures
        on figures.scenario = 'central' and replaced.person_id = figures.person_key
    union all
    select added.draw, figures.headline_id, 1, figures.contacts, figures.minutes
    from (select distinct draw, person_key from drawn) as added
    inner join journeys.headline_people as figures
        on figures.scenario = 'alternative' and added.person_key = figures.person_key
),

changed as (
    select
        draw, headline_id, sum(sign) as people, sum(sign * contacts) as contacts, sum(sign * minutes) as minutes
    from changes
    group by draw, headline_id
),

headlines as (
    select distinct headline_id from journeys.headline_people
)

select
    headlines.headline_id, -- Name of the figure
    draws.draw, -- Number of the draw from 1
    (coalesce(central.people, 0) + coalesce(changed.people, 0))::bigint as people, -- People behind the figure
    (coalesce(central.contacts, 0) + coalesce(changed.contacts, 0))::bigint as contacts, -- Contacts behind the figure
    (
        central.minutes + coalesce(changed.minutes, 0)
    )::bigint as minutes -- Minutes behind the figure; empty where time is not the point
from headlines
cross join draws
left join central using (headline_id)
left join changed using (headline_id, draw)
