-- One row per definition of frequent use, with the number of people who ever meet it when records are joined at the
-- central threshold, with the 95 % band of the true number over the draws of who may be who, and when fewer or more
-- records are joined. Without a figure are definitions that the feeds cannot support, those whose feeds nobody delivered
-- and those that are only parts of others. People whose records are implausible as one person (marts.people, in_review)
-- are counted here; the headlines leave them apart.
-- Key: definition_id
with delivered as (
    select list(distinct feed) as feeds from accepted.deliveries where status = 'accepted'
),

parts as (
    select definition_id, unnest(string_split(made_of, ';')) as part_id
    from reference.definitions
    where made_of is not null
),

with_feeds as (
    select
        definitions.definition_id,
        len(delivered.feeds) = 0 or definitions.feeds is null
        or list_has_any(string_split(definitions.feeds, ';'), delivered.feeds) as has_feeds,
        counting.definition_id is not null as has_contacts,
        coalesce(
            definitions.window_days, case definitions.calendar when 'month' then 31 when 'year' then 366 end
        ) as window_days
    from reference.definitions as definitions
    cross join delivered
    left join (select distinct definition_id from journeys.counted_kinds) as counting using (definition_id)
),

-- A definition that is made of others has their feeds and reaches as far back as the longest of them.
worked_out as (
    select
        definitions.definition_id,
        case
            when definitions.status = 'not supported' then definitions.note
            when definitions.only_part then 'It is only a part of other definitions'
            when count(*) filter (with_feeds.has_feeds) < coalesce(any_value(definitions.at_least), 1)
                then 'Nothing was delivered of the feeds that it counts'
            when count(*) filter (with_feeds.has_contacts) < coalesce(any_value(definitions.at_least), 1)
                then 'No contact was recorded of the kind that it counts'
        end as no_figure,
        list(parts.part_id order by parts.part_id) filter (not with_feeds.has_contacts) as parts_not_recorded,
        max(with_feeds.window_days) as longest_window_days
    from reference.definitions as definitions
    left join parts using (definition_id)
    inner join with_feeds on coalesce(parts.part_id, definitions.definition_id) = with_feeds.definition_id
    group by definitions.definition_id, definitions.status, definitions.note, definitions.only_part
),

covered as (
    select count(*) as months from staging.months
),

central as (
    select
        definition_id,
        count(*) as people,
        count(*) filter (
            list_has_any(months_met, (select list(period) from (from staging.months order by period desc limit 12)))
        ) as people_in_last_year
    from journeys.cycling
    where scenario = 'central'
    group by definition_id
),

changed as (
    select changes.variant, cycling.definition_id, sum(changes.sign) as people
    from journeys.cycling as cycling
    inner join staging.person_changes as changes using (scenario, person_key)
    group by changes.variant, cycling.definition_id
),

variants as (
    select unnest(['low', 'high'] || range(1, getvariable('linkage_draws')::bigint + 1)::varchar[]) as variant
),

figures as (
    select
        definitions.definition_id,
        variants.variant,
        coalesce(central.people, 0) + coalesce(changed.people, 0) as people
    from reference.definitions as definitions
    cross join variants
    left join central using (definition_id)
    left join changed on definitions.definition_id = changed.definition_id and variants.variant = changed.variant
),

bands as (
    select
        definition_id,
        floor(quantile_cont(people, 0.025) filter (variant not in ('low', 'high')))::bigint as people_low,
        ceil(quantile_cont(people, 0.975) filter (variant not in ('low', 'high')))::bigint as people_high,
        max(people) filter (variant = 'low')::bigint as people_more_links,
        max(people) filter (variant = 'high')::bigint as people_fewer_links
    from figures
    group by definition_id
)

select
    definitions.definition_id, -- Definition
    definitions.label, -- Definition in words
    definitions.feeds, -- Feeds whose contacts count; empty for all
    definitions.needs, -- Needs whose contacts count; empty for all
    definitions.min_contacts, -- Contacts needed in one window
    definitions.min_crisis, -- Crisis contacts needed among them
    definitions.min_agencies, -- Agencies needed among them
    definitions.window_days, -- Length of the window in days, first and last day counted
    definitions.source, -- Where the definition comes from
    if(worked_out.no_figure is null, coalesce(central.people, 0), null) as people, -- People who meet it
    if(
        worked_out.no_figure is null, bands.people_low, null
    ) as people_low, -- Lower end of the 95 % band of the true number of people
    if(
        worked_out.no_figure is null, bands.people_high, null
    ) as people_high, -- Upper end of the 95 % band of the true number of people
    if(
        worked_out.no_figure is null, bands.people_more_links, null
    ) as people_more_links, -- People who meet it when more records are joined: the low threshold
    if(
        worked_out.no_figure is null, bands.people_fewer_links, null
    ) as people_fewer_links, -- People who meet it when fewer records are joined: the high threshold
    if(
        worked_out.no_figure is null, coalesce(central.people_in_last_year, 0), null
    ) as people_in_last_year, -- People who meet it at a contact in the last 12 months of the records
    worked_out.no_figure, -- Why there is no figure; empty where there is one
    worked_out.longest_window_days <= covered.months * 30.4
        as window_covered, -- Whether the records reach as far back as its longest window; if not, people are missed
    definitions.status, -- published as it is, adapted to what the feeds have, ours, from memory or not supported
    definitions.kinds, -- Kinds of contact that count; empty for all
    definitions.roles, -- Parts in a police incident that count, none for contacts of other feeds; empty for all
    definitions.outcomes, -- Outcomes of the contacts that count; empty for all
    definitions.homeless, -- true where only contacts count at which no home of the person's own was recorded
    definitions.ages, -- Age bands at the contact that count; empty for all
    definitions.calendar, -- month or year where the window is one of the calendar and not of days
    definitions.top, -- People with the most contacts at each site who meet it; empty where the number is not fixed
    definitions.made_of, -- Definitions that it is made of
    definitions.at_least, -- How many of those must hold at once
    array_to_string(
        worked_out.parts_not_recorded, ';'
    ) as parts_not_recorded, -- Those of them that no contact was recorded for: the figure is of the others
    coalesce(definitions.only_part, false) as only_part, -- Whether it is there only for others to be made of
    definitions.note -- How it departs from what was published, or why the feeds cannot support it
from reference.definitions as definitions
inner join worked_out using (definition_id)
inner join bands using (definition_id)
left join central using (definition_id)
cross join covered
