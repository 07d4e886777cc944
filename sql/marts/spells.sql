-- One row per spell: a run of one person's contacts with gaps under 28 days between their starts.
-- Key: spell_id
select
    spells.spell_id, -- Surrogate of the spell
    spells.person_key as person_id, -- Linked person
    spells.started_at, -- Start of the first contact
    spells.last_contact_at, -- Start of the last contact
    spells.days, -- Days from first to last contact, both counted
    spells.contacts, -- Contacts
    spells.crisis_contacts, -- Crisis contacts
    spells.agencies, -- Agencies with a contact
    spells.need, -- Need of highest priority among the contacts
    spells.need_group, -- Group of that need
    doors.first_door_contact_id, -- First contact
    doors.first_door_agency, -- Agency of the first contact
    doors.first_door_feed, -- Feed of the first contact
    doors.first_door_team, -- Team of the first contact
    doors.first_missed_door_contact_id, -- First contact that ended without help and had a crisis contact after it
    doors.first_missed_door_agency, -- Agency of the first missed door
    doors.first_missed_door_feed, -- Feed of the first missed door
    doors.first_missed_door_team, -- Team of the first missed door
    doors.crisis_contact_id, -- First crisis contact after the first missed door
    doors.days_to_crisis -- Days from the first missed door to that crisis contact
from journeys.spells as spells
inner join journeys.first_doors as doors using (scenario, person_key, spell_id)
where spells.scenario = 'central'
