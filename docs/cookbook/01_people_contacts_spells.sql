-- How many people, contacts and spells are there?
-- Three counts that are never mixed: a person has contacts, and contacts less than 28 days apart are one spell.
select
    (select count(*) from marts.people) as people,
    (select count(*) from marts.contacts) as contacts,
    (select count(*) from marts.spells) as spells
