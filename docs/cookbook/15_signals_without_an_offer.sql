-- Where was there a signal and no community offer, there and then?
-- An offer counts only in its area, hours and time of validity.
select rule_id, ward, count(*) as signals, count(*) filter (offer_id is null) as without_an_offer
from marts.earlier_opportunities
where ward is not null
group by all
order by without_an_offer desc, rule_id, ward
limit 15
