-- For which needs do people come in crisis?
-- The need is that of the contact. One person can be in several rows.
select
    needs.label as need,
    count(distinct contacts.person_id) as people,
    count(*) as crisis_contacts
from marts.contacts as contacts
inner join marts.needs as needs using (need)
where contacts.crisis
group by needs.label
order by crisis_contacts desc, need
