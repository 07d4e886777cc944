-- What does the journey of one spell look like?
-- The spell with most contacts, step by step. Nobody is named; still, this is one person's life: it stays with the analyst.
select
    row_number() over (order by contacts.started_at, contacts.contact_id) as step,
    date_diff('day', spells.started_at, contacts.started_at) as day,
    contacts.feed, contacts.team, needs.label as need, contacts.crisis, contacts.outcome_group
from (from marts.spells order by contacts desc, agencies desc, started_at, spell_id limit 1) as spells
inner join marts.contacts as contacts using (spell_id)
inner join marts.needs as needs on contacts.need = needs.need
order by step
limit 12
