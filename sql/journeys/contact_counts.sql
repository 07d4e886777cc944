-- One row per linkage scenario, person and measure of which the person has at least one contact: how many, and over how
-- many days the person was observed. Measures: all contacts, crisis contacts, and those of each feed by its name. Months
-- that an agency of a feed sent nothing for count neither contacts nor days: of that feed, and of all and crisis.
-- Key: scenario, person_key, measure
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

counted as (
    select
        scenarios.scenario,
        scenarios.person_key,
        contacts.feed,
        count(*) as contacts,
        count(*) filter (months.of_all_feeds) as of_all_feeds,
        count(*) filter (months.of_all_feeds and contacts.crisis) as crises
    from staging.person_scenarios as scenarios
    inner join staging.contacts as contacts using (contact_id)
    inner join months using (feed, period)
    group by scenarios.scenario, scenarios.person_key, contacts.feed
),

measured as (
    select scenario, person_key, feed as measure, feed, contacts from counted
    union all
    select scenario, person_key, 'all', 'all feeds', sum(of_all_feeds)
    from counted
    group by scenario, person_key
    union all
    select scenario, person_key, 'crisis', 'all feeds', sum(crises)
    from counted
    group by scenario, person_key
)

select
    scenario, -- central, or alternative (another set of records than in the central scenario)
    person_key, -- Person in that scenario
    measured.measure, -- all, crisis, or a feed
    measured.contacts::integer as contacts, -- Contacts
    greatest(round(exposure.days), 1)::integer as days -- Days on which they would have been seen
from measured
inner join journeys.exposure as exposure using (scenario, person_key, feed)
where measured.contacts > 0
