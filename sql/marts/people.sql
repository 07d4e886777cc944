-- One row per linked person with at least one contact of their own. People known only as callers or witnesses are left
-- out.
-- Key: person_id
with match as (
    select person_id, min(match_probability) as weakest_link, bool_or(in_review) as in_review
    from linkage.person_index
    group by person_id
),

needs_of_people as (
    select contacts.person_id, arg_min(needs.need, needs.priority) as need
    from staging.contacts as contacts
    inner join reference.needs as needs using (need)
    group by contacts.person_id
)

select
    people.person_id, -- Linked person
    people.sex, -- F, M or X by the most recent record that says
    people.age_band, -- Age band by the most recent record that says
    people.ethnic_group, -- One of five ethnic groups by the most recent record that says
    people.imd_quintile, -- Deprivation quintile of the home from 1 (most deprived) to 5
    people.death_month, -- Month of death as YYYY-MM where known
    people.moved_away_month, -- Month in which the person left the area as YYYY-MM where known
    people.contacts, -- Contacts
    people.crisis_contacts, -- Crisis contacts
    people.agencies, -- Agencies with at least one contact
    needs_of_people.need, -- Need of highest priority among the contacts
    people.first_contact_at, -- Start of the first contact
    people.last_contact_at, -- Start of the last contact
    people.records, -- Agencies' records that were joined into this person
    round(match.weakest_link, 4) as weakest_link, -- Smallest match probability among the records; empty for one record
    coalesce(match.in_review, false) as in_review -- Whether the records are implausible as one person and wait for a reviewer
from staging.people as people
left join match using (person_id)
left join needs_of_people using (person_id)
where people.contacts > 0
