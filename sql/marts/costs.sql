-- One row per group of contacts and unit cost: what the group's contacts come to at average cost, with a band from the
-- low unit cost at the lower end of what linkage leaves open to the high one at its upper end. What contacts cost is not
-- what fewer of them would free: it is average cost, and never a saving. Costs of different bearers are not added up, as
-- a pound of the police is none of the NHS. Groups: everybody; people_who_cycle (definition cross_agency_cycle);
-- crises_after_opportunity (crisis contacts that a signal came before by any rule whose offer existed there and then; each
-- once, however many signals; most signals are followed by no crisis, see opportunity_rules).
-- Key: cost_group, cost_code
with draws as (
    select unnest(range(1, getvariable('linkage_draws')::bigint + 1)) as draw
),

drawn as (
    select variant::bigint as draw, person_id, person_key
    from staging.person_alternatives
    where variant not in ('low', 'high')
),

everybody as (
    select
        'everybody' as cost_group,
        cost_code,
        count(*) as contacts,
        count(*) filter (central is null) as contacts_without_cost,
        sum(quantity) as quantity,
        sum(low)::decimal(18, 2) as low,
        sum(central)::decimal(18, 2) as central,
        sum(high)::decimal(18, 2) as high
    from journeys.contact_costs
    group by cost_code
),

central as (
    select
        cost_group,
        cost_code,
        sum(contacts) as contacts,
        sum(contacts_without_cost) as contacts_without_cost,
        sum(quantity) as quantity,
        sum(low) as low,
        sum(central) as central,
        sum(high) as high
    from journeys.cost_people
    where scenario = 'central'
    group by cost_group, cost_code
),

changes as (
    select replaced.draw, costs.cost_group, costs.cost_code, -1 as sign, costs.contacts, costs.low, costs.high
    from (select distinct draw, person_id from drawn) as replaced
    inner join journeys.cost_people as costs
        on costs.scenario = 'central' and replaced.person_id = costs.person_key
    union all
    select added.draw, costs.cost_group, costs.cost_code, 1, costs.contacts, costs.low, costs.high
    from (select distinct draw, person_key from drawn) as added
    inner join journeys.cost_people as costs
        on costs.scenario = 'alternative' and added.person_key = costs.person_key
),

changed as (
    select
        draw,
        cost_group,
        cost_code,
        sum(sign * contacts) as contacts,
        sum(sign * low) as low,
        sum(sign * high) as high
    from changes
    group by draw, cost_group, cost_code
),

bands as (
    select
        central.cost_group,
        central.cost_code,
        floor(quantile_cont(central.contacts + coalesce(changed.contacts, 0), 0.025)) as contacts_low,
        ceil(quantile_cont(central.contacts + coalesce(changed.contacts, 0), 0.975)) as contacts_high,
        quantile_cont((central.low + coalesce(changed.low, 0))::double, 0.025) as low,
        quantile_cont((central.high + coalesce(changed.high, 0))::double, 0.975) as high
    from central
    cross join draws
    left join changed
        on central.cost_group = changed.cost_group
        and central.cost_code = changed.cost_code
        and draws.draw = changed.draw
    group by central.cost_group, central.cost_code
),

figures as (
    select
        *,
        contacts as contacts_low,
        contacts as contacts_high
    from everybody
    union all
    select
        central.cost_group, central.cost_code, central.contacts, central.contacts_without_cost, central.quantity,
        least(central.low, bands.low::decimal(18, 2)), central.central,
        greatest(central.high, bands.high::decimal(18, 2)), bands.contacts_low, bands.contacts_high
    from central
    inner join bands using (cost_group, cost_code)
)

select
    figures.cost_group, -- Group of contacts: everybody, people_who_cycle or crises_after_opportunity
    figures.cost_code, -- Unit cost; see unit_costs
    costs.label, -- What it is the cost of
    costs.bearer, -- Who bears it: nhs, police or council; rows of different bearers are not to be added up
    figures.contacts::bigint as contacts, -- Contacts
    figures.contacts_low::bigint as contacts_low, -- Lower end of the 95 % linkage band of the contacts
    figures.contacts_high::bigint as contacts_high, -- Upper end of the 95 % linkage band of the contacts
    figures.contacts_without_cost::bigint as contacts_without_cost, -- Contacts that no figure could be put on
    costs.unit, -- What one unit is: contact, hour or day
    round(figures.quantity, 1) as quantity, -- Units
    figures.low::decimal(18, 2) as low, -- Low end of the average cost in pounds; empty where the unit cost is not set
    figures.central::decimal(18, 2) as central, -- Average cost in pounds; empty where the unit cost is not set
    figures.high::decimal(18, 2) as high, -- High end of the average cost in pounds; empty where the unit cost is not set
    costs.price_year, -- Financial year of the prices
    costs.has_range -- Whether a range of the unit cost is published: without one the band is too narrow
from figures
inner join marts.unit_costs as costs using (cost_code)
