-- One row per linked person, with attributes from their most recent record that has them.
-- Key: person_id
with records as (
    select
        person.person_id,
        attributes.*,
        concat_ws('|', attributes.period, attributes.feed, attributes.agency, attributes.person_ref) as recency
    from linkage.person_index as person
    inner join accepted.attributes as attributes using (agency, feed, person_ref)
),

attributes as (
    select
        person_id,
        arg_max(sex, recency) filter (sex is not null) as sex,
        arg_max(age_band, recency) filter (age_band is not null) as age_band,
        arg_max(ethnic_group, recency) filter (ethnic_group is not null) as ethnic_group,
        arg_max(imd_quintile, recency) filter (imd_quintile is not null) as imd_quintile,
        arg_max(death_month, recency) filter (death_month is not null) as death_month,
        arg_max(moved_away_month, recency) filter (moved_away_month is not null) as moved_away_month
    from records
    group by person_id
),

contacts as (
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
left join attributes using (person_id)
left join contacts using (person_id)
