-- One row per linkage scenario, person and spell: a run of one person's contacts without a gap as long as the spell gap
-- (28 days).
-- Key: scenario, person_key, spell_id
select
    sequence.scenario, -- central (everybody) or alternative (who is another set of records under some variant)
    sequence.person_key, -- Person in that scenario; in the central one the person_id
    sequence.spell_id, -- Surrogate of the spell
    min(contacts.started_at) as started_at, -- Start of the first contact
    max(contacts.started_at) as last_contact_at, -- Start of the last contact
    date_diff('day', min(contacts.started_at), max(contacts.started_at)) + 1 as days, -- Days from first to last contact
    count(*) as contacts, -- Contacts
    count(*) filter (contacts.crisis) as crisis_contacts, -- Crisis contacts
    count(distinct contacts.agency) as agencies, -- Agencies with a contact
    arg_min(contacts.need, needs.priority) as need, -- Need of highest priority among the contacts
    arg_min(contacts.need_group, needs.priority) as need_group -- Group of that need
from journeys.sequence as sequence
inner join staging.contacts as contacts using (contact_id)
inner join reference.needs as needs on contacts.need = needs.need
group by sequence.scenario, sequence.person_key, sequence.spell_id
