-- One row per linked person with a contact and feed: the days on which a contact of the person in that feed would be in
-- the records, what a rate is per. Deaths, moves away and months that did not arrive are taken out; the feed 'all feeds'
-- has the days on which no feed is missing. Dates of birth and moves into the area are not known: see days_least.
-- Key: person_id, feed
select
    person_key as person_id, -- Linked person
    feed, -- Feed, or 'all feeds'
    days, -- Days observed, as if nobody had been born in the period
    days_least -- Days observed, as if a child first recorded in the period had been born then; others as in days
from journeys.exposure
where scenario = 'central'
