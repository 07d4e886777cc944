-- One row per agency, feed, delivery month, coded column and code that was given. What is in no code list is one row
-- without a code, because such a value may be free text.
-- Key: agency, feed, period, column_name, code_key
with values_given as (
    select agency, feed, period, event_date, column_name, value, count(*) as times
    from feeds.coded_values
    group by all
),

-- Materialized, because DuckDB 2.0 now and then takes offence at a column that comes from one join, is unnested and goes
-- into another join: "global dictionary column changed identity".
codes_given as materialized (
    select
        given.agency,
        given.feed,
        given.period,
        given.event_date,
        given.column_name,
        given.times,
        columns.code_list,
        unnest(if(columns.type = 'codes', code_items(given.value), [given.value])) as code
    from values_given as given
    inner join reference.feed_columns as columns
        on given.feed = columns.feed and given.column_name = columns."column"
)

select
    given.agency, -- Agency
    given.feed, -- Kind of extract
    given.period, -- Delivery month as YYYY-MM
    given.column_name, -- Coded column of the feed
    given.code_list, -- Code list of the column
    known.code_key, -- Code as it is compared; empty for what is in no list
    max(known.code) as code, -- Code as the list spells it; empty for what is in no list
    arg_max(known.label, known.valid_from) as label, -- Code in words; empty for what is in no list
    known.code_key is not null as listed, -- Whether it is in the code list
    coalesce(bool_and(known.mapped), false) as mapped, -- Whether the list says all that it stands for
    sum(given.times)::bigint as codes, -- Codes given
    coalesce(
        sum(given.times) filter (given.event_date not between known.valid_from and coalesce(known.valid_to, 'infinity')), 0
    )::bigint as outside_validity -- Those of them at an event before the code was valid or after
from codes_given as given
left join reference.codes as known
    on given.code_list = known.code_list and known.code_key = code_key(given.code)
    and given.event_date >= known.applies_from and given.event_date < known.applies_before
where code_key(given.code) <> ''
group by given.agency, given.feed, given.period, given.column_name, given.code_list, known.code_key
