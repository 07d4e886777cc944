-- One row per linkage scenario, person, definition of frequent use and length of window: whether it lasts. The period
-- covered is cut into windows of that many months, counted back from its end, and a window counts for whom met the
-- definition at a contact in it. Windows in which most days are too early to tell are left out, because the definition's
-- own days would begin before the period covered. new: met in the last window only; ongoing: in the last and in an
-- earlier one; temporary: in one window that is not the last; resolved: in two or more, and not in the last; left: not in
-- the last, and the person died or moved away, so that nobody knows. Fewer than two windows have no rows.
-- Key: scenario, person_key, definition_id, window_months
with months as (
    select
        period,
        (period || '-01')::date as first_day,
        row_number() over (order by period desc) - 1 as months_before_end
    from staging.months
),

lengths as (
    select unnest(string_split(getvariable('persistence_months'), ';'))::integer as window_months
),

windows as (
    select
        lengths.window_months,
        months.months_before_end // lengths.window_months as windows_before_end,
        min(months.first_day) as first_day,
        last_day(max(months.first_day)) as last_day
    from lengths
    cross join months
    group by all
    having count(*) = lengths.window_months
),

-- A definition without days of its own is by calendar year or made of others: a year is the longest that they need.
told as (
    select definition_id, windows.*, count(*) over (partition by definition_id, window_months) as windows
    from reference.definitions
    cross join windows
    cross join (select min(first_day) as first_day from months) as period
    where date_diff('day', greatest(
            windows.first_day, period.first_day + (coalesce(window_days, 366) - 1)::integer
        ), windows.last_day) + 1 >= (date_diff('day', windows.first_day, windows.last_day) + 1) / 2
),

met as (
    select
        cycling.scenario,
        cycling.person_key,
        cycling.definition_id,
        told.window_months,
        told.windows,
        count(distinct told.windows_before_end) as windows_met,
        min(told.windows_before_end) = 0 as met_in_last
    from (select *, unnest(months_met) as month from journeys.cycling) as cycling
    inner join told
        on cycling.definition_id = told.definition_id
        and (cycling.month || '-01')::date between told.first_day and told.last_day
    where told.windows >= 2
    group by all
)

select
    scenario, -- central (everybody) or alternative (who is another set of records under some variant)
    person_key, -- Person in that scenario; in the central one the person_id
    met.definition_id, -- Definition of frequent use
    met.window_months, -- Length of a window in months
    met.windows, -- Windows in which the definition can be told
    met.windows_met, -- Windows in which the person met the definition
    case
        when met.met_in_last and met.windows_met = 1 then 'new'
        when met.met_in_last then 'ongoing'
        when exposure.until_month is not null then 'left'
        when met.windows_met = 1 then 'temporary'
        else 'resolved'
    end as persistence -- new, ongoing, temporary, resolved or left
from met
inner join journeys.exposure as exposure using (scenario, person_key)
where exposure.feed = 'all feeds'
