-- Which wards have more contacts than chance explains?
-- Wards above the limits of a funnel plot, widened for the spread that wards have anyway. The rates do not allow for age.
select feed, measure, ward, observed, round(expected) as expected, round(ratio, 2) as ratio
from marts.ward_funnel
where outside = 'above'
order by feed, measure, ratio desc, ward
