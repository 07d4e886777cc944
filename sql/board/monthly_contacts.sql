-- One row per feed and month of the period covered: contacts, and how many of them came from people who cycle. A month
-- for which the feed did not arrive, or arrived in part or from some of its agencies only, is a row without figures.
-- Key: month, feed_label
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

counted as (
    select
        strftime(contacts.started_at, '%Y-%m') as month,
        contacts.feed,
        count(*) as contacts,
        count(distinct contacts.person_id) as people,
        count(cycling_people.person_id) as contacts_of_people_who_cycle,
        count(distinct cycling_people.person_id) as people_who_cycle
    from marts.contacts
    left join cycling_people using (person_id)
    group by 1, 2
)

select
    months.month, -- [label] Month as YYYY-MM
    feeds.label as feed_label, -- [label] Service
    months.arrived, -- [label] Whether all of the service's records for the month arrived
    if(months.arrived, coalesce(counted.contacts, 0), null) as contacts, -- [count] Contacts that started in the month
    if(months.arrived, coalesce(counted.people, 0), null) as people, -- [people] People with at least one of them
    if(
        months.arrived, coalesce(counted.contacts_of_people_who_cycle, 0), null
    ) as contacts_of_people_who_cycle, -- [count] Contacts of people who cycle at any time in the data
    if(
        months.arrived, coalesce(counted.people_who_cycle, 0), null
    ) as people_who_cycle -- [people] People who cycle among those people
from months
inner join reference.feeds using (feed)
left join counted on months.month = counted.month and months.feed = counted.feed
