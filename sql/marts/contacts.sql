-- One row per contact: one event of one person with one service.
-- Key: contact_id
with spells as (
    select sequence.contact, 'S' || substr(first_contacts.contact_id, 2) as spell_id
    from journeys.sequence as sequence
    inner join staging.contacts as first_contacts on sequence.spell = hash(first_contacts.contact_id)
    where sequence.central and sequence.contact <> sequence.spell
)

select
    contacts.contact_id, -- Surrogate of the contact
    contacts.person_id, -- Linked person
    contacts.agency, -- Agency
    contacts.team, -- Team or site
    contacts.feed, -- Kind of extract
    contacts.period, -- Delivery month as YYYY-MM
    contacts.kind, -- Kind of contact
    contacts.need, -- Need of highest priority that the record shows; unknown where it shows none
    contacts.need_group, -- Group of needs
    contacts.started_at, -- Start; at 00:00 where only the day is known
    contacts.ended_at, -- End; empty where open or not known
    contacts.time_known, -- Whether the time of day of the start is known
    contacts.lsoa, -- Area (LSOA) of the home or of the incident
    areas.ward, -- Ward of the area; empty for an area outside the region
    contacts.lsoa_vintage, -- Census year of the area code
    contacts.crisis, -- Whether it is a crisis contact
    contacts.outcome_group, -- How it ended
    contacts.raised_by, -- Who raised it
    contacts.staff_minutes, -- Minutes of staff time where known
    coalesce(spells.spell_id, 'S' || substr(contacts.contact_id, 2)) as spell_id -- Spell that the contact belongs to
from staging.contacts as contacts
left join spells on hash(contacts.contact_id) = spells.contact
left join reference.areas as areas on contacts.lsoa = areas.lsoa
