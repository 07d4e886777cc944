-- One row per month of the period covered, service and group of people: contacts that started in the month. A month for
-- which a service's records did not arrive, or arrived in part or from some of its agencies only, is a row without
-- figures. People who cycle are those who do so at any time in the data, by the definition that the headlines use.
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
)

select
    rows_of_page.month, -- [label] Month as YYYY-MM
    rows_of_page.feed_label, -- [label] Service, or all services
    groups.group_label, -- [label] Everybody, or the people who cycle among them
    rows_of_page.arrived, -- [label] Whether all of the service's records for the month arrived
    if(rows_of_page.arrived, coalesce(counted.contacts, 0), null) as contacts, -- [count] Contacts that started in the month
    if(rows_of_page.arrived, coalesce(counted.people, 0), null) as people, -- [people] People with at least one of them
    if(rows_of_page.arrived, coalesce(counted.agencies, 0), null) as agencies -- [agencies] Agencies that had them
from rows_of_page
cross join groups
left join counted
    on rows_of_page.month = counted.month and rows_of_page.feed = counted.feed
    and groups.group_label = counted.group_label
