-- One row per definition of frequent use, length of window and class of persistence: how many people are new, ongoing,
-- temporary, resolved or have left; see the table persistence. Bands are where the true number lies, as far as linkage
-- can tell.
-- Key: definition_id, window_months, persistence
with classes (persistence) as (
    values ('new'), ('ongoing'), ('temporary'), ('resolved'), ('left')
),

central as (
    select met.definition_id, met.window_months, classes.persistence, count(people.person_key) as people
    from (select distinct definition_id, window_months from journeys.persistence) as met
    cross join classes
    left join journeys.persistence as people
        on met.definition_id = people.definition_id
        and met.window_months = people.window_months
        and classes.persistence = people.persistence
        and people.scenario = 'central'
    group by all
),

changes as (
    select
        changes.variant::bigint as draw, people.definition_id, people.window_months, people.persistence,
        sum(changes.sign) as people
    from journeys.persistence as people
    inner join staging.person_changes as changes using (scenario, person_key)
    where changes.variant not in ('low', 'high')
    group by all
),

bands as (
    select
        definition_id,
        window_months,
        persistence,
        floor(quantile_cont(central.people + coalesce(changes.people, 0), 0.025)) as people_low,
        ceil(quantile_cont(central.people + coalesce(changes.people, 0), 0.975)) as people_high
    from central
    cross join (select unnest(range(1, getvariable('linkage_draws')::bigint + 1)) as draw) as draws
    left join changes using (definition_id, window_months, persistence, draw)
    group by all
),

-- A quiet last window of which months are missing is not a sign that anything ended.
gaps as (
    select lengths.window_months, count(*) filter (not months.complete) as months
    from (select distinct window_months from journeys.persistence) as lengths
    inner join (
        select
            period,
            bool_and(arrived) as complete,
            row_number() over (order by period desc) as place
        from staging.slots
        group by period
    ) as months on months.place <= lengths.window_months
    group by lengths.window_months
)

select
    definition_id, -- Definition; see the table definitions
    window_months, -- Length of a window in months
    persistence, -- new, ongoing, temporary, resolved or left
    central.people, -- People who met the definition in some window and are of this class
    bands.people_low::bigint as people_low, -- Lower end of the 95 % band of the true number of people
    bands.people_high::bigint as people_high, -- Upper end of the 95 % band of the true number of people
    round(
        central.people / nullif(sum(central.people) over (partition by definition_id, window_months), 0), 4
    ) as share, -- Share of the people who met the definition in some window
    gaps.months as months_missing -- Months of the last window for which a feed did not arrive or arrived in part
from central
inner join bands using (definition_id, window_months, persistence)
inner join gaps using (window_months)
