-- One row per variant of the linkage, measure and number of contacts, with the people who have so many: everybody under
-- the central variant, the low threshold, the high one and each draw of who may be who.
-- Key: variant, measure, contacts
with together as (
    select
        scenario,
        person_key,
        sum(contacts_together)::integer as contacts,
        sum(crises_together)::integer as crises
    from journeys.contact_counts
    group by scenario, person_key
),

counts as (
    select scenario, person_key, feed as measure, contacts from journeys.contact_counts
    union all
    select scenario, person_key, 'all', contacts from together where contacts > 0
    union all
    select scenario, person_key, 'crisis', crises from together where crises > 0
),

central as (
    select measure, contacts, count(*) as people from counts where scenario = 'central' group by measure, contacts
),

variants as (
    select unnest(['central', 'low', 'high']) as variant
    union all
    select unnest(range(1, getvariable('linkage_draws')::bigint + 1))::varchar
),

people as (
    select variants.variant, central.measure, central.contacts, central.people from central cross join variants
    union all
    select changes.variant, counts.measure, counts.contacts, sum(changes.sign)
    from counts
    inner join staging.person_changes as changes using (scenario, person_key)
    group by changes.variant, counts.measure, counts.contacts
)

select
    variant, -- central, low, high or the number of a draw from 1
    measure, -- all contacts, crisis contacts (crisis), or the contacts of one feed
    contacts, -- Number of contacts; all and crisis are of months that no feed is missing from
    sum(people)::bigint as people -- People with exactly so many
from people
group by variant, measure, contacts
having sum(people) > 0
