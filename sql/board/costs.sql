-- One row per group of people and kind of contact that a unit cost is published for: contacts, and what one costs on average.
-- What they come to is left to the reader of the controlled counts: one incident with several people in it is a contact of
-- each and costs once. It is average cost, and never a saving. The 95 % band of contacts is what linkage leaves open; linkage
-- does not move those of everybody.
-- Counts: contacts by cost
-- Adds up: group_label to 'Everybody', in part
-- Within: people in contacts
-- Within: units in contacts
-- Key: group_label, cost_label
with cycling_people as (
    select person_id from marts.cycling_people where definition_id = 'cross_agency_cycle'
),

contacts as (
    select costs.cost_code, costs.quantity, contacts.person_id, contacts.agency, cycling_people.person_id is not null as cycles
    from journeys.contact_costs as costs
    inner join staging.contacts as contacts using (contact_id)
    left join cycling_people using (person_id)
),

members as (
    select 'Everybody' as group_label, * from contacts
    union all
    select 'People who cycle', * from contacts where cycles
)

select
    members.group_label, -- [label] Everybody, or the people who cycle among them
    costs.label as cost_label, -- [label] Kind of contact
    costs.bearer as bearer_label, -- [label] Who bears the cost: nhs, police or council; never to be added up
    costs.low as pounds_low, -- [label] Low end of the average cost of one contact in pounds; empty where no range is published
    costs.central as pounds, -- [label] Average cost of one contact in pounds
    costs.high as pounds_high, -- [label] High end of the average cost of one contact in pounds; empty where no range is published
    costs.price_year, -- [label] Financial year of the prices
    count(*) as contacts, -- [count] Contacts
    any_value(of_group.contacts_low) as contacts_low, -- [count] Lower end of the band of contacts
    any_value(of_group.contacts_high) as contacts_high, -- [count] Upper end of the band of contacts
    round(sum(members.quantity))::bigint as units, -- [count] Times that it costs: contacts that share an incident cost once
    count(distinct members.person_id) as people, -- [people] People with at least one of them
    count(distinct members.agency) as agencies -- [agencies] Agencies that had them
from members
inner join marts.unit_costs as costs using (cost_code)
inner join marts.costs as of_group
    on members.cost_code = of_group.cost_code
    and of_group.cost_group = if(members.group_label = 'Everybody', 'everybody', 'people_who_cycle')
where costs.central is not null and costs.unit = 'contact'
group by all
