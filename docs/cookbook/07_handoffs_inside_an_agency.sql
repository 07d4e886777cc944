-- Where are people passed between teams of one agency?
-- Only where both teams are known.
select from_agency as agency, from_team, to_team, count(*) as handoffs, count(distinct person_id) as people
from marts.handoffs
where not between_agencies
group by all
order by handoffs desc, agency, from_team, to_team
limit 15
