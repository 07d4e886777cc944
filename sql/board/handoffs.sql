-- One row per ordered pair of services of different agencies: contacts that were followed by one with the other
-- within the hand-off window.
-- Counts: hand-offs between agencies
-- Adds up: from_label
-- Adds up: to_label
-- Adds up: need_kept
-- Within: people in handoffs
-- Key: from_label, to_label, need_kept
select
    from_feed.label as from_label, -- [label] Service of the first contact
    to_feed.label as to_label, -- [label] Service of the contact after it
    if(handoffs.same_need, 'Same need', 'Another need') as need_kept, -- [label] Whether both contacts were for one need
    count(*) as handoffs, -- [count] Hand-offs
    count(distinct handoffs.person_id) as people, -- [people] People handed on
    median(handoffs.days_between) as median_days -- [rate] Median days from the first contact to the next
from marts.handoffs
inner join reference.feeds as from_feed on handoffs.from_feed = from_feed.feed
inner join reference.feeds as to_feed on handoffs.to_feed = to_feed.feed
where handoffs.between_agencies
group by 1, 2, 3
