-- Who goes round between agencies?
-- By age band and main need, under the headline definition. People waiting for a reviewer are left out.
select people.age_band, needs.label as need, count(*) as people
from marts.cycling_people as cycling
inner join marts.people as people using (person_id)
left join marts.needs as needs on people.need = needs.need
where cycling.definition_id = 'cross_agency_cycle' and not people.in_review
group by all
order by people desc, people.age_band, need
limit 15
