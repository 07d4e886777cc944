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
changed as (
    select
        changes.variant,
        figures.headline_id,
        sum(changes.sign) as people,
        sum(changes.sign * figures.contacts) as contacts,
        sum(changes.sign * figures.minutes) as minutes,
        sum(changes.sign * figures.amount) as amount
    from journeys.headline_people as figures
    inner join staging.person_changes as changes using (scenario, person_key)
    group by changes.variant, figures.headline_id
),

-- Who has the most contacts is another question under each variant: this figure is no sum over people.
tops as (
    select
        variant,
        sum(people) as people,
        sum(people * contacts) as contacts,
        top_shares(list(contacts order by contacts), list(people order by contacts), null) as shares
    from journeys.contact_histogram
    where measure = 'all'
    group by variant
),

of_tops as (
    select variant, 'contacts_to_share_out' as headline_id, people, contacts from tops
    union all
    select variant, 'contacts_of_top_1_percent', 0.01 * people, shares[1] * contacts from tops
    union all
    select variant, 'contacts_of_top_5_percent', 0.05 * people, shares[2] * contacts from tops
),

figures as (
    select
        headlines.headline_id,
        variants.variant,
        headlines.unit,
        coalesce(of_tops.people, coalesce(central.people, 0) + coalesce(changed.people, 0)) as people,
        coalesce(of_tops.contacts, coalesce(central.contacts, 0) + coalesce(changed.contacts, 0)) as contacts,
        if(headlines.unit = 'minutes', coalesce(central.minutes, 0), central.minutes)
        + coalesce(changed.minutes, 0) as minutes,
        coalesce(central.amount, 0) + coalesce(changed.amount, 0) + coalesce(off.amount, 0) as amount
    from journeys.headlines as headlines
    cross join variants
    left join central using (headline_id)
    left join changed using (headline_id, variant)
    left join of_tops using (headline_id, variant)
    left join journeys.joined_at_random as off using (headline_id, variant)
)

select
    headline_id, -- Name of the figure
    variant, -- central, low, high or the number of a draw from 1
    round(people)::bigint as people, -- People behind the figure
    round(contacts)::bigint as contacts, -- Contacts behind the figure
    minutes::bigint as minutes, -- Minutes behind the figure; empty where time is not the point
    case unit
        when 'people' then round(people)
        when 'contacts' then round(contacts)
        when 'minutes' then minutes
        else amount
    end::double as value -- The figure in its unit
from figures
