-- One row per unit cost: what one contact, hour or day costs on average, as published and in the common price year, and
-- what nobody could source, which stays empty until the user sets it in data/reference/unit_costs.csv. An average cost
-- is what was spent for each on average: a contact less does not free it, because staff, beds and buildings stay.
-- Key: cost_code
with common as (
    select price_year, deflator from reference.gdp_deflators where price_year = getvariable('cost_price_year')
),

priced as (
    select
        costs.*,
        coalesce(costs.low, costs.central) as published_low,
        coalesce(costs.high, costs.central) as published_high,
        coalesce(common.deflator / given.deflator, 1) as to_common_year,
        if(common.deflator / given.deflator is null, costs.price_year, common.price_year) as year_of_prices
    from reference.unit_costs as costs
    left join reference.gdp_deflators as given using (price_year)
    left join common on true
)

select
    cost_code, -- Unit cost
    label, -- What it is the cost of
    unit, -- What one unit is: contact, hour or day
    bearer, -- Who bears it: nhs, police or council; costs of different bearers are never added up
    published_low, -- Low end as published in pounds; the average where no range is published
    central as published_central, -- Average as published in pounds; empty where nobody could source one
    published_high, -- High end as published in pounds; the average where no range is published
    price_year as published_year, -- Financial year of the published prices
    round(published_low * to_common_year, 2) as low, -- Low end in pounds of price_year
    round(central * to_common_year, 2) as central, -- Average in pounds of price_year
    round(published_high * to_common_year, 2) as high, -- High end in pounds of price_year
    year_of_prices as price_year, -- The common price year; the published one where a GDP deflator of the two is not set
    low is not null and high is not null as has_range, -- Whether a range is published: without one the band is too narrow
    central is null as missing, -- Whether it is left for the user to set
    effect, -- fiscal (public money) or economic (borne by people and employers)
    cashable, -- Whether less of it frees money: no for averages, which hold staff and buildings that stay
    basis, -- How low, central and high were taken from the source, or what is to be set
    source, -- Where the figures come from
    url, -- Address of the source
    status, -- published (by its maker), quoted (by somebody else) or to be set
    cost_code in (select cost_code from reference.contact_costs) as used -- Whether contacts are costed by it
from priced
