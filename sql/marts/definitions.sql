-- One row per definition of cycling, with the number of people who meet it when records are joined at the central
-- threshold, and the smallest and largest number over the linkage scenarios.
-- Key: definition_id
with cohorts as (
    select definition_id, scenario, count(*) as people
    from journeys.cycling
    group by definition_id, scenario
),

scenarios (scenario) as (
    values ('low'), ('central'), ('high')
)

select
    definitions.definition_id, -- Definition
    any_value(definitions.label) as label, -- Definition in words
    any_value(definitions.feeds) as feeds, -- Feeds whose contacts count; empty for all
    any_value(definitions.needs) as needs, -- Needs whose contacts count; empty for all
    any_value(definitions.min_contacts) as min_contacts, -- Contacts needed in one window
    any_value(definitions.min_crisis) as min_crisis, -- Crisis contacts needed among them
    any_value(definitions.min_agencies) as min_agencies, -- Agencies needed among them
    any_value(definitions.window_days) as window_days, -- Length of the window in days, first and last day counted
    any_value(definitions.source) as source, -- Where the definition comes from
    max(coalesce(cohorts.people, 0)) filter (scenarios.scenario = 'central') as people, -- People who meet it
    min(coalesce(cohorts.people, 0)) as people_low, -- Smallest number of people over the linkage scenarios
    max(coalesce(cohorts.people, 0)) as people_high -- Largest number of people over the linkage scenarios
from reference.definitions as definitions
cross join scenarios
left join cohorts
    on definitions.definition_id = cohorts.definition_id and scenarios.scenario = cohorts.scenario
group by definitions.definition_id
