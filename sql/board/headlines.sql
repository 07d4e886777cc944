-- One row per headline figure of the pack, with the 95 % band in which the true figure lies as far as linkage can tell
-- (the middle of its draws, rounded outwards; the figure itself may lie outside), and what a share of it is a share of.
-- The share itself is left to the reader of the controlled counts.
-- Counts: by headline_id
-- Key: headline_id
select
    headlines.position, -- [label] Place in the pack
    headlines.headline_id, -- [label] Name of the figure
    headlines.label, -- [label] The figure in words
    headlines.unit, -- [label] Which column is the headline: people or contacts or minutes
    headlines.share_of, -- [label] What the share is a share of
    headlines.people, -- [people] People behind the figure
    headlines.people_low, -- [people] Lower end of the band of people
    headlines.people_high, -- [people] Upper end of the band of people
    headlines.contacts, -- [count] Contacts behind the figure
    headlines.contacts_low, -- [count] Lower end of the band of contacts
    headlines.contacts_high, -- [count] Upper end of the band of contacts
    headlines.minutes, -- [minutes] Minutes behind the figure; empty where time is not the point
    wholes.people as people_base, -- [people] People that a share is of; empty where none is given
    wholes.contacts as contacts_base, -- [count] Contacts that a share is of; empty where none is given
    parts.people as people_in_base, -- [people] Those of people_base who are behind the figure
    parts.contacts as contacts_in_base -- [count] Those of contacts_base that are behind the figure
from marts.headlines as headlines
left join marts.headlines as parts on headlines.part = parts.headline_id
left join marts.headlines as wholes on headlines.whole = wholes.headline_id
where headlines.position is not null
