-- Which service comes first?
-- Police then A&E is not A&E then police: steps and people with their linkage band.
select from_feed, to_feed, steps, steps_low, steps_high, people, median_days
from marts.ordered_pairs
order by steps desc, from_feed, to_feed
limit 15
