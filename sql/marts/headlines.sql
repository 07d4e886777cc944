-- One row per headline figure, with the 95 % band in which the true figure lies as far as linkage can tell: the middle
-- of its draws, rounded outwards. The band is for the true figure; the figure itself may lie outside it.
-- Key: headline_id
with draws as (
    select
        figures.headline_id,
        figures.people,
        figures.contacts,
        figures.value,
        parts.value / nullif(wholes.value, 0) as share
    from journeys.headline_variants as figures
    inner join journeys.headlines as headlines using (headline_id)
    left join journeys.headline_variants as parts
        on headlines.part = parts.headline_id and figures.variant = parts.variant
    left join journeys.headline_variants as wholes
        on headlines.whole = wholes.headline_id and figures.variant = wholes.variant
    where figures.variant not in ('central', 'low', 'high')
),

bands as (
    select
        headline_id,
        floor(quantile_cont(people, 0.025)) as people_low,
        ceil(quantile_cont(people, 0.975)) as people_high,
        floor(quantile_cont(contacts, 0.025)) as contacts_low,
        ceil(quantile_cont(contacts, 0.975)) as contacts_high,
        floor(quantile_cont(value, 0.025)) as value_low,
        ceil(quantile_cont(value, 0.975)) as value_high,
        quantile_cont(share, 0.025) as share_low,
        quantile_cont(share, 0.975) as share_high
    from draws
    group by headline_id
)

select
    headlines.headline_id, -- Name of the figure
    headlines.label, -- The figure in words
    headlines.mart, -- Mart whose headline it is
    headlines.position, -- Place in the board pack; empty for a figure that is not in it
    headlines.unit, -- What is counted: people, contacts, spells, hand-offs, bounces, notices or minutes
    central.value, -- The figure in its unit
    bands.value_low, -- Lower end of the band of the figure
    bands.value_high, -- Upper end of the band of the figure
    central.people, -- People behind the figure
    bands.people_low::bigint as people_low, -- Lower end of the band of people
    bands.people_high::bigint as people_high, -- Upper end of the band of people
    central.contacts, -- Contacts behind the figure
    bands.contacts_low::bigint as contacts_low, -- Lower end of the band of contacts
    bands.contacts_high::bigint as contacts_high, -- Upper end of the band of contacts
    central.minutes, -- Minutes behind the figure; empty where time is not the point
    headlines.part, -- Headline that the share is worked out from; empty where there is no share
    headlines.whole, -- Headline that the share is of; empty where there is no share
    headlines.share_of, -- What the share is a share of, in words
    central.share, -- Share
    round(bands.share_low, 4) as share_low, -- Lower end of the band of the share
    round(bands.share_high, 4) as share_high -- Upper end of the band of the share
from journeys.headlines as headlines
inner join marts.headline_scenarios as central on headlines.headline_id = central.headline_id
inner join bands on headlines.headline_id = bands.headline_id
where central.scenario = 'central'
