-- One row per linked person, with attributes from their most recent record that has them.
-- Key: person_id
with contacts as (
    select
        person_id,
        count(*) as contacts,
        count(distinct agency) as agencies,
        count(*) filter (crisis) as crisis_contacts,
        min(started_at) as first_contact_at,
        max(started_at) as last_contact_at
    from staging.contacts
    group by person_id
),

people as (
    select person_id, count(*) as records from linkage.person_index group by person_id
)

select
    people.person_id, -- Linked person
    people.records, -- Agencies' records that were joined into this person
    attributes.sex, -- F, M or X
    attributes.age_band, -- Age band
    attributes.ethnic_group, -- One of five ethnic groups
    attributes.imd_quintile, -- Deprivation quintile of the home; 1 is the most deprived
    attributes.death_month, -- Month of death as YYYY-MM
    attributes.moved_away_month, -- Month in which the person left the area as YYYY-MM
    coalesce(contacts.contacts, 0) as contacts, -- Contacts
    coalesce(contacts.crisis_contacts, 0) as crisis_contacts, -- Crisis contacts
    coalesce(contacts.agencies, 0) as agencies, -- Agencies with at least one contact
    contacts.first_contact_at, -- Start of the first contact
    contacts.last_contact_at -- Start of the last contact
from people
left join staging.person_attributes as attributes
    on attributes.scenario = 'central' and people.person_id = attributes.person_key
left join contacts using (person_id)
