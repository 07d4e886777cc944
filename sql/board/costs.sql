-- One row per group of people and kind of contact that a unit cost is published for: contacts, and what one costs on average.
-- What they come to is left to the reader of the controlled counts. It is average cost, and never a saving.
-- Counts: contacts by cost
-- Adds up: group_label to 'Everybody', in part
-- Within: people in contacts
-- Key: group_label, cost_label
with cycling_people as (
    select person_id from marts.cycling_people where definition_id = 'cross_agency_cycle'
),

contacts as (
    select costs.cost_code, contacts.person_id, contacts.agency, cycling_people.person_id is not null as cycles
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
    count(distinct members.person_id) as people, -- [people] People with at least one of them
    count(distinct members.agency) as agencies -- [agencies] Agencies that had them
from members
inner join marts.unit_costs as costs using (cost_code)
where costs.central is not null and costs.unit = 'contact'
group by all
