-- One row per headline figure of the pack and person behind it: what the person adds to it, so that a figure that moved
-- from one release to the next can be followed to the people who moved it.
-- Key: headline_id, person_id
select
    people.headline_id, -- Name of the figure
    people.person_key as person_id, -- Person
    people.contacts, -- The person's contacts behind the figure
    people.minutes, -- Minutes of those contacts; empty where time is not the point
    people.amount -- What the person adds to a figure that is neither of people, contacts nor minutes; else empty
from journeys.headline_people as people
inner join journeys.headlines as headlines using (headline_id)
where people.scenario = 'central' and headlines.position is not null
