-- One row per linkage scenario, person and measure of which the person has at least one contact: how many, and over how
-- many days the person was observed. Measures: all contacts, crisis contacts, and those of each feed by its name.
-- Key: scenario, person_key, measure
with days_of_feeds as (
    select feed, sum(day(last_day((period || '-01')::date))) as days
    from (select feed, period from staging.slots group by feed, period having bool_and(arrived)) as arrived
    group by feed
),

counted as (
    select
        scenarios.scenario,
        scenarios.person_key,
        contacts.feed,
        count(*) as contacts,
        count(*) filter (contacts.crisis) as crisis_contacts
    from staging.person_scenarios as scenarios
    inner join staging.contacts as contacts using (contact_id)
    group by scenarios.scenario, scenarios.person_key, contacts.feed
),

measured as (
    select scenario, person_key, feed as measure, contacts, days from counted inner join days_of_feeds using (feed)
    union all
    select scenario, person_key, 'all', sum(contacts), max(days)
    from counted inner join days_of_feeds using (feed)
    group by scenario, person_key
    union all
    select scenario, person_key, 'crisis', sum(crisis_contacts), max(days)
    from counted inner join days_of_feeds using (feed)
    group by scenario, person_key
    having sum(crisis_contacts) > 0
)

select
    scenario, -- central, or alternative (another set of records than in the central scenario)
    person_key, -- Person in that scenario
    measure, -- all, crisis, or a feed
    contacts::integer as contacts, -- Contacts
    days::integer as days -- Days on which they would have been seen
from measured
