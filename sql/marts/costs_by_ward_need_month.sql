-- One row per month, ward, need and unit cost with at least one contact: what the contacts come to at average cost. It is
-- never a saving (see costs). Costs of different bearers are not to be added up, and contacts without a figure are counted
-- apart, so that an empty cost is not read as none.
-- Key: month, ward, need, cost_code
select
    strftime(contacts.started_at, '%Y-%m') as month, -- Month of the start as YYYY-MM
    areas.ward, -- Ward; empty where the record gives no area or one outside the region
    contacts.need, -- Need of the contacts
    costs.cost_code, -- Unit cost; see unit_costs
    unit_costs.bearer, -- Who bears it: nhs, police or council
    count(*) as contacts, -- Contacts
    count(*) filter (costs.central is null) as contacts_without_cost, -- Those that no figure could be put on
    sum(costs.low)::decimal(18, 2) as low, -- Low end in pounds
    sum(costs.central)::decimal(18, 2) as central, -- Average in pounds
    sum(costs.high)::decimal(18, 2) as high, -- High end in pounds
    unit_costs.price_year -- Financial year of the prices
from staging.contacts as contacts
inner join journeys.contact_costs as costs using (contact_id)
inner join marts.unit_costs as unit_costs using (cost_code)
left join reference.areas as areas on contacts.lsoa = areas.lsoa
group by all
