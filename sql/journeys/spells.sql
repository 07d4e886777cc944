-- One row per linkage scenario, person and spell: a run of one person's contacts without a gap as long as the spell gap
-- (28 days).
-- Key: scenario, person_key, spell_id
with agencies as (
    select agency, 1::bigint << (row_number() over (order by agency) - 1)::integer as agency_bit
    from (select distinct agency from staging.contacts)
),

contacts as (
    select contacts.contact_id, contacts.started_at, contacts.crisis, agencies.agency_bit, needs.priority
    from staging.contacts as contacts
    inner join agencies using (agency)
    inner join reference.needs as needs using (need)
),

spells as (
    select
        sequence.scenario,
        sequence.person_key,
        sequence.spell_id,
        min(contacts.started_at) as started_at,
        max(contacts.started_at) as last_contact_at,
        count(*) as contacts,
        count(*) filter (contacts.crisis) as crisis_contacts,
        bit_count(bit_or(contacts.agency_bit)) as agencies,
        min(contacts.priority) as priority
    from journeys.sequence as sequence
    inner join contacts using (contact_id)
    group by sequence.scenario, sequence.person_key, sequence.spell_id
)

select
    spells.scenario, -- central (everybody) or alternative (who is another set of records under some variant)
    spells.person_key, -- Person in that scenario; in the central one the person_id
    spells.spell_id, -- Surrogate of the spell
    spells.started_at, -- Start of the first contact
    spells.last_contact_at, -- Start of the last contact
    date_diff('day', spells.started_at, spells.last_contact_at) + 1 as days, -- Days from first to last contact
    spells.contacts, -- Contacts
    spells.crisis_contacts, -- Crisis contacts
    spells.agencies::bigint as agencies, -- Agencies with a contact
    needs.need, -- Need of highest priority among the contacts
    needs.need_group -- Group of that need
from spells
inner join reference.needs as needs using (priority)
