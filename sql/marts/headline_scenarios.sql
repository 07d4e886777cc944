-- One row per headline figure and linkage scenario: the figure computed with records joined at the low (more links),
-- the central or the high threshold (fewer links). How sure a figure is, is said by marts.headlines.
-- Key: headline_id, scenario
select
    figures.headline_id, -- Name of the figure
    figures.variant as scenario, -- low, central or high threshold for joining records
    figures.people, -- People behind the figure
    figures.contacts, -- Contacts behind the figure
    figures.minutes, -- Minutes behind the figure; empty where time is not the point
    figures.value, -- The figure in the unit that marts.headlines names
    round(parts.value / nullif(wholes.value, 0), 4) as share -- Share of the whole that marts.headlines names
from journeys.headline_variants as figures
inner join journeys.headlines as headlines using (headline_id)
left join journeys.headline_variants as parts
    on headlines.part = parts.headline_id and figures.variant = parts.variant
left join journeys.headline_variants as wholes
    on headlines.whole = wholes.headline_id and figures.variant = wholes.variant
where figures.variant in ('central', 'low', 'high')
