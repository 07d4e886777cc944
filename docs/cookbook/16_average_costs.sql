-- What do the contacts cost on average?
-- An average cost is not money that would be saved. Empty figures are costs that nobody has set. Rows of different bearers do not add up.
select cost_group, bearer, label, contacts, low, central, high, price_year
from marts.costs
order by central desc nulls last, cost_group, bearer, label
limit 15
