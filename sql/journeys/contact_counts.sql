-- One row per linkage scenario, person and feed with which the person has at least one contact in months that every agency
-- of the feed sent something for: how many contacts, and how many in months that no feed is missing from, when contacts of
-- different feeds can be added up.
-- Key: scenario, person_key, feed
with months as (
    select
        feed,
        period,
        bool_and(bool_and(arrived or partial_until is not null)) over (partition by period) as of_all_feeds
    from staging.slots
    where agency is not null
    group by feed, period
    qualify bool_and(arrived or partial_until is not null)
),

contacts as (
    select 'central' as scenario, person_id as person_key, feed, period, crisis from staging.contacts
    union all
    select scenarios.scenario, scenarios.person_key, contacts.feed, contacts.period, contacts.crisis
    from staging.person_scenarios as scenarios
    inner join staging.contacts as contacts using (contact_id)
    where scenarios.scenario = 'alternative'
)

select
    contacts.scenario, -- central, or alternative (another set of records than in the central scenario)
    contacts.person_key, -- Person in that scenario
    contacts.feed, -- Kind of extract
    count(*)::integer as contacts, -- Contacts
    count(*) filter (months.of_all_feeds)::integer as contacts_together, -- Those in months that no feed is missing from
    count(*) filter (months.of_all_feeds and contacts.crisis)::integer as crises_together -- Crisis contacts of those
from contacts
inner join months using (feed, period)
group by contacts.scenario, contacts.person_key, contacts.feed
