-- One row per opportunity rule and community offer that answers it: for how many of the rule's signals the offer existed
-- there and then, for how many it did not and why, and how often a crisis followed.
-- Key: rule_id, offer_id
select
    offers.rule_id, -- Opportunity rule
    offers.offer_id, -- Community offer
    named.label, -- The offer in words
    count(*) as signals, -- Signals of the rule
    count(distinct signals.person_key) as people, -- People with a signal
    count(*) filter (offers.availability = 'there') as there, -- Signals where and when the offer existed
    count(*) filter (offers.availability = 'there' and signals.followed_by_crisis) as there_followed, -- Those that a crisis followed
    count(*) filter (offers.availability = 'elsewhere') as elsewhere, -- Signals outside the offer's area
    count(*) filter (offers.availability = 'closed') as closed, -- Signals within the area while the offer was closed
    count(*) filter (offers.availability = 'not_then') as not_then, -- Signals before the offer began or after it ended
    count(*) filter (offers.availability = 'place_not_known') as place_not_known, -- Signals without an area
    count(*) filter (
        offers.availability <> 'there' and signals.followed_by_crisis
    ) as not_there_followed -- Signals without this offer that a crisis followed
from opportunities.offers as offers
inner join opportunities.candidates as signals
    on offers.rule_id = signals.rule_id and offers.contact_id = signals.contact_id
inner join reference.offers as named on offers.offer_id = named.offer_id
where signals.scenario = 'central' and signals.role = 'signal'
group by offers.rule_id, offers.offer_id, named.label
