-- One row per feed, agency, delivery month and what became of the area codes of its rows: areas are brought to LSOAs of
-- 2021 by the lookup reference.lsoa_changes, and what it does not have is counted, never guessed.
-- Key: feed, agency, period, became
with rows_by_code as (
    select feed, agency, period, lsoa, count(*) as rows
    from feeds.contact_rows
    group by all
),

known as (
    select distinct lsoa_2021 as lsoa from reference.lsoa_changes
    union
    select lsoa from reference.areas
)

select
    given.feed, -- Kind of extract
    given.agency, -- Agency
    given.period, -- Delivery month as YYYY-MM
    case
        when given.lsoa is null then 'no code'
        when areas.lsoa is not null then 'in the region'
        when known.lsoa is not null then 'elsewhere'
        when change.change = 'M' then '2011 code, merged'
        when change.change = 'S' then '2011 code, split: first part taken'
        when change.lsoa_2011 is not null then '2011 code, changed otherwise'
        else 'not a known code'
    end as became, -- What became of the code
    sum(given.rows)::bigint as rows -- Accepted rows
from rows_by_code as given
left join reference.areas as areas on given.lsoa = areas.lsoa
left join known on given.lsoa = known.lsoa
left join reference.lsoa_changes as change on given.lsoa = change.lsoa_2011 and change.best_fit
group by 1, 2, 3, 4
