-- One row per definition of frequent use and kind of contact that counts towards it: contacts that are alike in all
-- that a definition may ask of one. A definition in data/reference/definitions.csv names what counts; what it leaves
-- empty may be anything. Definitions that are made of others count through these.
-- Key: definition_id, feed, kind, need, outcome_group, role, age_band, homeless
with definitions as (
    select
        definition_id,
        string_split(feeds, ';') as feeds,
        string_split(kinds, ';') as kinds,
        string_split(roles, ';') as roles,
        string_split(needs, ';') as needs,
        string_split(outcomes, ';') as outcomes,
        string_split(ages, ';') as ages,
        homeless
    from reference.definitions
    where made_of is null and status is distinct from 'not supported'
),

-- Definitions are held against the kinds that there are, not against millions of contacts.
kinds as (
    select
        contacts.feed,
        contacts.kind,
        contacts.need,
        contacts.outcome_group,
        coalesce(traits.role, 'none') as role,
        coalesce(traits.age_band, 'not known') as age_band,
        coalesce(traits.homeless, false) as homeless,
        count(*) as contacts
    from staging.contacts as contacts
    left join staging.contact_traits as traits using (contact_id)
    group by all
)

select
    definitions.definition_id, -- Definition
    kinds.feed, -- Kind of extract
    kinds.kind, -- Kind of contact
    kinds.need, -- Need
    kinds.outcome_group, -- How it ended
    kinds.role, -- Part in a police incident; none for other feeds
    kinds.age_band, -- Age band with the contact's month; not known where there is none
    kinds.homeless, -- Whether no home of the person's own was recorded at the contact
    kinds.contacts -- Contacts of this kind
from definitions
inner join kinds
    on (definitions.feeds is null or list_contains(definitions.feeds, kinds.feed))
    and (definitions.kinds is null or list_contains(definitions.kinds, kinds.kind))
    and (definitions.roles is null or list_contains(definitions.roles, kinds.role))
    and (definitions.needs is null or list_contains(definitions.needs, kinds.need))
    and (definitions.outcomes is null or list_contains(definitions.outcomes, kinds.outcome_group))
    and (definitions.ages is null or list_contains(definitions.ages, kinds.age_band))
    and (definitions.homeless is null or definitions.homeless = kinds.homeless)
