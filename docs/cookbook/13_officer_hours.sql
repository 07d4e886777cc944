-- How many hours do officers wait in hospitals?
-- Hours of waiting, by the need of the incident. Each incident counts once for each person in it.
select needs.label as need, count(*) as incidents, round(sum(minutes) / 60) as hours
from marts.waits as waits
inner join marts.needs as needs using (need)
where wait_kind = 'police_hospital_wait'
group by needs.label
order by hours desc, need
