-- One row per part of the people seen, those with the most contacts, in months for which no service's records are missing:
-- the contacts that the part has, and how many it would have by chance alone if everybody came equally often. Only what is
-- above that says that some people come more often. Parts lie within each other.
-- Counts: contacts_to_share_out
-- Adds up: part_label to 'Everybody', in part
-- Within: people in contacts
-- Key: part_label
with parts as (
    select
        'Top ' || top_percent || ' %' as part_label,
        top_percent / 100 * people as people,
        share * contacts as contacts,
        share_low * contacts as contacts_low,
        share_high * contacts as contacts_high,
        share_by_chance * contacts as contacts_by_chance
    from marts.concentration
    where measure = 'all' and share is not null
    union all
    select distinct 'Everybody', people, contacts, contacts, contacts, contacts
    from marts.concentration
    where measure = 'all'
)

select
    part_label, -- [label] Part of the people seen, or everybody
    round(people)::bigint as people, -- [people] People in the part
    round(contacts)::bigint as contacts, -- [count] Contacts that they have
    floor(contacts_low)::bigint as contacts_low, -- [count] Lower end of the band of contacts
    ceil(contacts_high)::bigint as contacts_high, -- [count] Upper end of the band of contacts
    round(contacts_by_chance)::bigint as contacts_by_chance, -- [count] Contacts if everybody came equally often
    (select count(distinct agency) from staging.contacts) as agencies -- [agencies] Agencies whose contacts these are
from parts
