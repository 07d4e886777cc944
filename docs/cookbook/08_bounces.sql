-- Who is back at another agency within 72 hours, for the same need?
-- Without those whom the first contact passed on, as an ambulance does that takes somebody to A&E. A bounce says that the need was still there, not that anybody did wrong.
select from_feed, to_feed, need_group, count(*) as bounces, count(distinct person_id) as people
from marts.bounces
where not passed_on
group by all
order by bounces desc, from_feed, to_feed, need_group
limit 15
