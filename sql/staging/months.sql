-- One row per month of the period covered: every month from the first to the last for which anything was delivered,
-- also one for which no feed delivered.
-- Key: period
with delivered as (
    select min((period || '-01')::date) as first_month, max((period || '-01')::date) as last_month
    from accepted.deliveries
),

months as (
    select unnest(generate_series(first_month, last_month, interval 1 month)) as month
    from delivered
)

select
    strftime(month, '%Y-%m') as period -- Month as YYYY-MM
from months
