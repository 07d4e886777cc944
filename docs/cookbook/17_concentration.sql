-- How much of demand comes from how few people?
-- Beside what chance alone would give: some concentration is there even if everybody is alike.
select measure, top_percent, people, share, share_low, share_high, share_by_chance
from marts.concentration
order by measure, top_percent
