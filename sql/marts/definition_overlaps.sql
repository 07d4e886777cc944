-- One row per ordered pair of definitions of frequent use that each have a figure: how many people ever meet both, with
-- records joined at the central threshold. Two definitions with a low Jaccard index pick other people.
-- Key: definition_id, other_definition_id
with definitions as (
    select definition_id, people from marts.definitions where people is not null
),

met as (
    select person_key, definition_id from journeys.cycling where scenario = 'central'
),

both_met as (
    select met.definition_id, others.definition_id as other_definition_id, count(*) as people
    from met
    inner join met as others using (person_key)
    where met.definition_id <> others.definition_id
    group by all
)

select
    definitions.definition_id, -- Definition
    others.definition_id as other_definition_id, -- Another definition
    definitions.people, -- People who meet the definition
    others.people as other_people, -- People who meet the other one
    coalesce(both_met.people, 0) as people_in_both, -- People who meet both, whether or not at the same time
    people_in_both / nullif(definitions.people, 0) as share_in_both, -- Of those who meet the definition, the share who meet the other one; empty where nobody meets it
    people_in_both / nullif(
        definitions.people + others.people - people_in_both, 0
    ) as jaccard -- Of those who meet either, the share who meet both; empty where nobody meets either
from definitions
inner join definitions as others on definitions.definition_id <> others.definition_id
left join both_met
    on definitions.definition_id = both_met.definition_id and others.definition_id = both_met.other_definition_id
