-- One row per rule for picking people and group: what the six months after the index month looked like for those whom the
-- rule picked then, and for everybody else, with no programme in between. The index month lies a year before the last one,
-- so that its next six months are all in the records. Who is picked at a peak comes less often afterwards whatever is done:
-- a programme has to be compared with this, never with its own people's past. Rules: a definition of cycling first met in
-- the six months to the index month; the 1 % and 5 % of people with the most contacts in them. Contacts are those of feeds
-- that arrived for all twelve months. People who died or moved away by the index month are left out, and later ones count
-- up to that month.
-- Key: rule, picked
with covered as (
    select max((period || '-01')::date) - interval 12 month as index_month, count(*) as months from staging.months
),

windows as (
    select strftime(month, '%Y-%m') as period, month <= index_month as before
    from (
        select
            index_month,
            unnest(generate_series(index_month - interval 5 month, index_month + interval 6 month, interval 1 month)) as month
        from covered
        where months >= 18
    )
),

feeds as (
    select slots.feed
    from staging.slots as slots
    inner join windows using (period)
    group by slots.feed
    having bool_and(slots.arrived)
),

-- The month in which somebody died or moved counts half.
people as (
    select
        people.person_id,
        least(coalesce(people.death_month, '9999'), coalesce(people.moved_away_month, '9999')) as until_month
    from staging.people as people
    cross join covered
    where people.first_contact_at < covered.index_month + interval 1 month
        and least(coalesce(people.death_month, '9999'), coalesce(people.moved_away_month, '9999'))
        > strftime(covered.index_month, '%Y-%m')
),

months_after as (
    select until_month, sum(case when period < until_month then 1 when period = until_month then 0.5 else 0 end) as months
    from (select distinct until_month from people)
    cross join windows
    where not before
    group by until_month
),

counted as (
    select
        contacts.person_id,
        count(*) filter (windows.before) as before,
        count(*) filter (not windows.before) as after
    from staging.contacts as contacts
    semi join feeds on contacts.feed = feeds.feed
    inner join windows using (period)
    group by contacts.person_id
),

persons as (
    select
        people.person_id,
        coalesce(counted.before, 0) as before,
        coalesce(counted.after, 0) as after,
        months_after.months as months_after
    from people
    inner join months_after using (until_month)
    left join counted using (person_id)
),

ranked as (
    select
        person_id,
        row_number() over (order by before desc, person_id) / count(*) over () as place
    from persons
    where before > 0
),

rules as (
    select distinct definition_id as rule from journeys.cycling where scenario = 'central'
    union all
    select unnest(['top_1_percent', 'top_5_percent'])
),

picks as (
    select cycling.definition_id as rule, cycling.person_key as person_id
    from journeys.cycling as cycling
    cross join covered
    where cycling.scenario = 'central'
        and cycling.first_met_on >= covered.index_month - interval 5 month
        and cycling.first_met_on < covered.index_month + interval 1 month
    union all
    select 'top_1_percent', person_id from ranked where place <= 0.01
    union all
    select 'top_5_percent', person_id from ranked where place <= 0.05
),

picked as (
    select
        picks.rule,
        count(*) as people,
        sum(before) as before, sum(after) as after, sum(months_after) as months_after,
        sum(before * before) as before_squares, sum(after * after) as after_squares, sum(before * after) as products
    from picks
    inner join persons using (person_id)
    group by picks.rule
),

all_people as (
    select
        count(*) as people,
        coalesce(sum(before), 0) as before, coalesce(sum(after), 0) as after,
        coalesce(sum(months_after), 0) as months_after,
        coalesce(sum(before * before), 0) as before_squares, coalesce(sum(after * after), 0) as after_squares,
        coalesce(sum(before * after), 0) as products
    from persons
),

of_rules as (
    select
        rules.rule,
        coalesce(picked.people, 0) as people,
        coalesce(picked.before, 0) as before,
        coalesce(picked.after, 0) as after,
        coalesce(picked.months_after, 0) as months_after,
        coalesce(picked.before_squares, 0) as before_squares,
        coalesce(picked.after_squares, 0) as after_squares,
        coalesce(picked.products, 0) as products
    from rules
    left join picked using (rule)
),

groups as (
    select of_rules.*, true as picked from of_rules
    union all
    select
        of_rules.rule, all_people.people - of_rules.people, all_people.before - of_rules.before,
        all_people.after - of_rules.after, all_people.months_after - of_rules.months_after,
        all_people.before_squares - of_rules.before_squares, all_people.after_squares - of_rules.after_squares,
        all_people.products - of_rules.products, false
    from of_rules
    cross join all_people
),

-- People's contacts before and after belong together, so the error of the ratio is that of people, not of contacts.
rates as (
    select
        *,
        before / nullif(6 * people, 0) as rate_before,
        after / nullif(months_after, 0) as rate_after,
        sqrt(greatest(
            after_squares / nullif(after, 0)::double ^ 2 - 2 * products / nullif(before * after, 0)::double
            + before_squares / nullif(before, 0)::double ^ 2, 0
        )) as error
    from groups
)

select
    rates.rule, -- Definition of cycling, or top_1_percent or top_5_percent of people by contacts in the six months before
    rates.picked, -- Whether these are the people whom the rule picked, or everybody else seen by then
    if(covered.months < 18, null, strftime(covered.index_month, '%Y-%m')) as index_month, -- Last month that the rule saw
    if(covered.months < 18, null, rates.people) as people, -- People
    if(covered.months < 18, null, rates.before::bigint) as contacts_before, -- Contacts in the six months to the index month
    if(covered.months < 18, null, rates.after::bigint) as contacts_after, -- Contacts in the six months after it
    round(rates.rate_before, 4) as rate_before, -- Contacts a person and month before
    round(rates.rate_after, 4) as rate_after, -- Contacts a person and month after, of those who lived there
    round(rates.rate_after / nullif(rates.rate_before, 0) - 1, 4) as change, -- Change of the rate as a share of that before
    round(
        rates.rate_after / nullif(rates.rate_before, 0) * exp(-1.959964 * rates.error) - 1, 4
    ) as change_low, -- Lower end of the 95 % interval of the change
    round(
        rates.rate_after / nullif(rates.rate_before, 0) * exp(1.959964 * rates.error) - 1, 4
    ) as change_high, -- Upper end of the 95 % interval of the change
    if(
        covered.months < 18, 'needs 18 months of records; there are ' || covered.months, null
    ) as not_given -- Why there are no figures; empty where there are
from rates
cross join covered
