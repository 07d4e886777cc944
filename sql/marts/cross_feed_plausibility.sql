-- One row per agency, feed, delivery month and kind of event that must have a counterpart in another feed: how many such
-- events there are and how many have none. One without is a record that was never delivered, a mistake in either record, or
-- a link between the two that was missed.
-- Key: agency, feed, period, anchor
select
    agency, -- Agency of the events
    feed, -- Feed of the events
    period, -- Delivery month as YYYY-MM
    anchor, -- What must have a counterpart
    other_feed, -- Feed in which the counterpart must be
    count(*) as events, -- Events; those near a month in which the other feed did not arrive are left out
    count(*) filter (not found) as without_counterpart, -- Those of them with no event of the same person near in time
    round(count(*) filter (not found) / count(*), 6) as without_share, -- Share of the events
    round(
        sum(found_by_chance) / nullif(sum(moved_windows), 0), 6
    ) as found_by_chance_share -- Share that would have one by chance, as in the weeks before and after; empty if not known
from staging.cross_feed_anchors
group by agency, feed, period, anchor, other_feed
