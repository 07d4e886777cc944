-- One row per month of the period covered, service and group of people: contacts that started in the month. A month for
-- which a service's records did not arrive, or arrived in part or from some of its agencies only, is a row without
-- figures. People who cycle are those who do so at any time in the data, by the definition that the headlines use. The 95 %
-- band is what linkage leaves open; linkage moves the contacts of people who cycle, and not those of everybody.
-- Counts: contacts
-- Adds up: month, in part
-- Adds up: feed_label to 'All services'
-- Adds up: group_label to 'Everybody', in part
-- Within: people in contacts
-- Key: month, feed_label, group_label
with cycling_people as (
    select person_id from marts.cycling_people where definition_id = 'cross_agency_cycle'
),

months as (
    select
        period as month,
        feed,
        bool_and(measure not in ('missing_delivery', 'partial_delivery')) as arrived
    from marts.data_quality
    where measure in ('accepted', 'missing_delivery', 'partial_delivery')
    group by period, feed
),

rows_of_page as (
    select months.month, months.feed, feeds.label as feed_label, months.arrived
    from months
    inner join reference.feeds as feeds using (feed)
    union all
    select month, 'all', 'All services', bool_and(arrived) from months group by month
),

groups as (
    select unnest(['Everybody', 'People who cycle']) as group_label
),

contacts as (
    select
        strftime(contacts.started_at, '%Y-%m') as month,
        contacts.feed,
        contacts.person_id,
        contacts.agency,
        cycling_people.person_id is not null as cycles
    from marts.contacts as contacts
    left join cycling_people using (person_id)
),

members as (
    select 'Everybody' as group_label, * from contacts
    union all
    select 'People who cycle', * from contacts where cycles
),

counted as (
    select
        month,
        coalesce(feed, 'all') as feed,
        group_label,
        count(*) as contacts,
        count(distinct person_id) as people,
        count(distinct agency) as agencies
    from members
    group by grouping sets ((month, feed, group_label), (month, group_label))
),

-- Only people who are another set of records under a draw are counted anew: out with the ones, in with the others.
changed as (
    select
        changes.variant,
        strftime(contacts.started_at, '%Y-%m') as month,
        coalesce(contacts.feed, 'all') as feed,
        sum(changes.sign) as contacts
    from journeys.cycling as cycling
    inner join staging.person_changes as changes using (scenario, person_key)
    inner join staging.person_scenarios as scenarios using (scenario, person_key)
    inner join staging.contacts as contacts using (contact_id)
    where cycling.definition_id = 'cross_agency_cycle' and changes.variant not in ('low', 'high')
    group by grouping sets ((changes.variant, month, contacts.feed), (changes.variant, month))
),

draws as (
    select unnest(range(1, getvariable('linkage_draws')::bigint + 1))::varchar as variant
),

bands as (
    select
        counted.month, counted.feed, counted.group_label,
        floor(quantile_cont(counted.contacts + coalesce(changed.contacts, 0), 0.025)) as contacts_low,
        ceil(quantile_cont(counted.contacts + coalesce(changed.contacts, 0), 0.975)) as contacts_high
    from counted
    cross join draws
    left join changed
        on counted.month = changed.month and counted.feed = changed.feed and draws.variant = changed.variant
        and counted.group_label = 'People who cycle'
    group by counted.month, counted.feed, counted.group_label
)

select
    rows_of_page.month, -- [label] Month as YYYY-MM
    rows_of_page.feed_label, -- [label] Service, or all services
    groups.group_label, -- [label] Everybody, or the people who cycle among them
    rows_of_page.arrived, -- [label] Whether all of the service's records for the month arrived
    if(rows_of_page.arrived, coalesce(counted.contacts, 0), null) as contacts, -- [count] Contacts that started in the month
    if(
        rows_of_page.arrived, coalesce(bands.contacts_low, 0), null
    )::bigint as contacts_low, -- [count] Lower end of the band of these contacts
    if(
        rows_of_page.arrived, coalesce(bands.contacts_high, 0), null
    )::bigint as contacts_high, -- [count] Upper end of the band of these contacts
    if(rows_of_page.arrived, coalesce(counted.people, 0), null) as people, -- [people] People with at least one of them
    if(rows_of_page.arrived, coalesce(counted.agencies, 0), null) as agencies -- [agencies] Agencies that had them
from rows_of_page
cross join groups
left join counted
    on rows_of_page.month = counted.month and rows_of_page.feed = counted.feed
    and groups.group_label = counted.group_label
left join bands
    on rows_of_page.month = bands.month and rows_of_page.feed = bands.feed
    and groups.group_label = bands.group_label
