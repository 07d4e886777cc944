-- One row per headline figure and variant of the linkage, with the figure worked out under the variant: the central one,
-- records joined at the low threshold (more links) or the high one (fewer links), and each draw of who may be who.
-- Key: headline_id, variant
with variants as (
    select unnest(['central', 'low', 'high']) as variant
    union all
    select unnest(range(1, getvariable('linkage_draws')::bigint + 1))::varchar
),

central as (
    select
        headline_id, count(*) as people, sum(contacts) as contacts, sum(minutes) as minutes, sum(amount) as amount
    from journeys.headline_people
    where scenario = 'central'
    group by headline_id
),

-- Only people who are another set of records under a variant are counted anew: out with the ones, in with the others.
changes as (
    select replaced.variant, -1 as sign, figures.headline_id, figures.contacts, figures.minutes, figures.amount
    from (select distinct variant, person_id from staging.person_alternatives) as replaced
    inner join journeys.headline_people as figures
        on figures.scenario = 'central' and replaced.person_id = figures.person_key
    union all
    select added.variant, 1, figures.headline_id, figures.contacts, figures.minutes, figures.amount
    from (select distinct variant, person_key from staging.person_alternatives) as added
    inner join journeys.headline_people as figures
        on figures.scenario = 'alternative' and added.person_key = figures.person_key
),

changed as (
    select
        variant,
        headline_id,
        sum(sign) as people,
        sum(sign * contacts) as contacts,
        sum(sign * minutes) as minutes,
        sum(sign * amount) as amount
    from changes
    group by variant, headline_id
)

select
    headlines.headline_id, -- Name of the figure
    variants.variant, -- central, low, high or the number of a draw from 1
    (coalesce(central.people, 0) + coalesce(changed.people, 0))::bigint as people, -- People behind the figure
    (coalesce(central.contacts, 0) + coalesce(changed.contacts, 0))::bigint as contacts, -- Contacts behind the figure
    (
        central.minutes + coalesce(changed.minutes, 0)
    )::bigint as minutes, -- Minutes behind the figure; empty where time is not the point
    case headlines.unit
        when 'people' then coalesce(central.people, 0) + coalesce(changed.people, 0)
        when 'contacts' then coalesce(central.contacts, 0) + coalesce(changed.contacts, 0)
        when 'minutes' then coalesce(central.minutes, 0) + coalesce(changed.minutes, 0)
        else coalesce(central.amount, 0) + coalesce(changed.amount, 0)
    end::double as value -- The figure in its unit
from journeys.headlines as headlines
cross join variants
left join central using (headline_id)
left join changed using (headline_id, variant)
