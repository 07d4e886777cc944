-- One row per linkage scenario, person and spell: a run of one person's contacts without a gap as long as the spell gap
-- (28 days).
-- Key: scenario, person_key, spell_id
with spells as (
    select
        person,
        spell,
        min(started_at) as started_at,
        max(started_at) as last_contact_at,
        count(*) as contacts,
        count(*) filter (crisis) as crisis_contacts,
        bit_count(bit_or(agency_bit)) as agencies,
        min(priority) as priority
    from journeys.sequence
    group by person, spell
),

first_contacts as (
    select hash(contact_id) as spell, contact_id from staging.contacts
)

select
    people.scenario, -- central (everybody) or alternative (who is another set of records under some variant)
    people.person_key, -- Person in that scenario; in the central one the person_id
    'S' || substr(first_contacts.contact_id, 2) as spell_id, -- Surrogate of the spell; an alternative person's may be called as another's
    spells.started_at, -- Start of the first contact
    spells.last_contact_at, -- Start of the last contact
    date_diff('day', spells.started_at, spells.last_contact_at) + 1 as days, -- Days from first to last contact
    spells.contacts, -- Contacts
    spells.crisis_contacts, -- Crisis contacts
    spells.agencies::bigint as agencies, -- Agencies with a contact
    needs.need, -- Need of highest priority among the contacts
    needs.need_group -- Group of that need
from spells
inner join journeys.person_numbers as people using (person)
inner join first_contacts using (spell)
inner join reference.needs as needs using (priority)
