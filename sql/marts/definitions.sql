-- One row per definition of cycling, with the number of people who meet it when records are joined at the central
-- threshold, and the 95 % band of the true number over the draws of who may be who. People whose records are
-- implausible as one person
-- (marts.people, in_review) are counted here; the headlines leave them apart.
-- Key: definition_id
with central as (
    select definition_id, count(*) as people
    from journeys.cycling
    where scenario = 'central'
    group by definition_id
),

draws as (
    select unnest(range(1, getvariable('linkage_draws')::bigint + 1)) as draw
),

drawn as (
    select variant::bigint as draw, person_id, person_key
    from staging.person_alternatives
    where variant not in ('low', 'high')
),

changes as (
    select replaced.draw, cycling.definition_id, -1 as people
    from (select distinct draw, person_id from drawn) as replaced
    inner join journeys.cycling as cycling
        on cycling.scenario = 'central' and replaced.person_id = cycling.person_key
    union all
    select added.draw, cycling.definition_id, 1
    from (select distinct draw, person_key from drawn) as added
    inner join journeys.cycling as cycling
        on cycling.scenario = 'alternative' and added.person_key = cycling.person_key
),

changed as (
    select draw, definition_id, sum(people) as people from changes group by draw, definition_id
),

bands as (
    select
        definitions.definition_id,
        any_value(coalesce(central.people, 0)) as people,
        floor(quantile_cont(coalesce(central.people, 0) + coalesce(changed.people, 0), 0.025)) as people_low,
        ceil(quantile_cont(coalesce(central.people, 0) + coalesce(changed.people, 0), 0.975)) as people_high
    from reference.definitions as definitions
    cross join draws
    left join central using (definition_id)
    left join changed on definitions.definition_id = changed.definition_id and draws.draw = changed.draw
    group by definitions.definition_id
)

select
    definitions.definition_id, -- Definition
    definitions.label, -- Definition in words
    definitions.feeds, -- Feeds whose contacts count; empty for all
    definitions.needs, -- Needs whose contacts count; empty for all
    definitions.min_contacts, -- Contacts needed in one window
    definitions.min_crisis, -- Crisis contacts needed among them
    definitions.min_agencies, -- Agencies needed among them
    definitions.window_days, -- Length of the window in days, first and last day counted
    definitions.source, -- Where the definition comes from
    bands.people, -- People who meet it
    bands.people_low::bigint as people_low, -- Lower end of the 95 % band of the true number of people
    bands.people_high::bigint as people_high -- Upper end of the 95 % band of the true number of people
from reference.definitions as definitions
inner join bands using (definition_id)
