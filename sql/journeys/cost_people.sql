-- One row per group of contacts whose cost depends on who is who, unit cost, linkage scenario and person, with what the
-- person's contacts come to. Additive over people, so that a cost under a variant of the linkage is the central one
-- less the people replaced and with those in their place.
-- Key: cost_group, cost_code, scenario, person_key
with contacts_of_groups as (
    select 'people_who_cycle' as cost_group, scenarios.scenario, scenarios.person_key, scenarios.contact_id
    from staging.person_scenarios as scenarios
    semi join journeys.cycling as cycling
        on scenarios.scenario = cycling.scenario
        and scenarios.person_key = cycling.person_key
        and cycling.definition_id = 'cross_agency_cycle'
    union
    select 'crises_after_opportunity', scenario, person_key, crisis_contact_id
    from opportunities.candidates
    where role = 'signal' and offer_id is not null and crisis_contact_id is not null
)

select
    groups.cost_group, -- Group of contacts
    costs.cost_code, -- Unit cost
    groups.scenario, -- central, or alternative (another set of records than in the central scenario)
    groups.person_key, -- Person in that scenario
    count(*) as contacts, -- Contacts
    count(*) filter (costs.central is null) as contacts_without_cost, -- Those of them that no figure could be put on
    round(sum(costs.quantity), 2) as quantity, -- Units
    sum(costs.low)::decimal(18, 2) as low, -- Low end in pounds
    sum(costs.central)::decimal(18, 2) as central, -- Average in pounds
    sum(costs.high)::decimal(18, 2) as high -- High end in pounds
from contacts_of_groups as groups
inner join journeys.contact_costs as costs using (contact_id)
group by groups.cost_group, costs.cost_code, groups.scenario, groups.person_key
