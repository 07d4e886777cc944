-- One row per headline figure, linkage scenario and person behind it, with what the person adds to the figure. The
-- figures that have no words on the board are what shares are worked out from. People whose records are implausible as
-- one person wait for a reviewer: they are a figure of their own, and are in none that hangs on several records being
-- one person. Under a scenario that is whoever has a record of such a person.
-- Key: headline_id, scenario, person_key
with in_review as (
    select 'central' as scenario, person_id as person_key from linkage.person_index where in_review
    union
    select 'alternative', variants.person_key
    from staging.person_variants as variants
    inner join linkage.person_index as person using (agency, feed, person_ref)
    where person.in_review
),

contacts as (
    select
        scenarios.scenario,
        scenarios.person_key,
        contacts.agency,
        cycling.person_key is not null as cycles,
        in_review.person_key is not null as in_review
    from staging.person_scenarios as scenarios
    inner join staging.contacts as contacts using (contact_id)
    left join journeys.cycling as cycling
        on scenarios.scenario = cycling.scenario
        and scenarios.person_key = cycling.person_key
        and cycling.definition_id = 'cross_agency_cycle'
    left join in_review
        on scenarios.scenario = in_review.scenario and scenarios.person_key = in_review.person_key
),

people as (
    select
        scenario,
        person_key,
        count(*) as contacts,
        count(distinct agency) >= 2 and not any_value(in_review) as by_two_agencies,
        any_value(cycles) and not any_value(in_review) as cycles,
        any_value(in_review) as in_review
    from contacts
    group by scenario, person_key
),

waits as (
    select scenarios.scenario, scenarios.person_key, waits.*
    from marts.waits as waits
    inner join staging.person_scenarios as scenarios using (contact_id)
),

-- A contact at which two rules see something that could have been done is one opportunity.
opportunities as (
    select
        scenario,
        person_key,
        contact_id,
        bool_or(followed_by_crisis) as followed_by_crisis,
        bool_or(window_complete) as window_complete,
        bool_or(followed_by_crisis and window_complete) as followed_in_complete_window
    from opportunities.candidates
    where role = 'signal' and offer_id is not null
    group by scenario, person_key, contact_id
),

events as (
    select 'ae_stays' as headline_id, scenario, person_key, minutes from waits where wait_kind = 'ae_stay'
    union all
    select 'ae_stays_12_hours', scenario, person_key, minutes
    from waits where wait_kind = 'ae_stay' and over_12_hours
    union all
    select 'ae_stays_24_hours', scenario, person_key, minutes
    from waits where wait_kind = 'ae_stay' and over_24_hours
    union all
    select 'police_hospital_waits', scenario, person_key, minutes from waits where wait_kind = 'police_hospital_wait'
    union all
    select 'earlier_opportunities', scenario, person_key, null from opportunities
    union all
    select 'earlier_opportunities_before_crisis', scenario, person_key, null
    from opportunities where followed_by_crisis
    union all
    select 'complete_opportunities', scenario, person_key, null from opportunities where window_complete
    union all
    select 'complete_opportunities_before_crisis', scenario, person_key, null
    from opportunities where followed_in_complete_window
),

figures as (
    select 'people_seen' as headline_id, scenario, person_key, contacts, null::bigint as minutes from people
    union all
    select 'contacts', scenario, person_key, contacts, null from people
    union all
    select 'people_seen_by_two_agencies', scenario, person_key, contacts, null from people where by_two_agencies
    union all
    select 'people_who_cycle', scenario, person_key, contacts, null from people where cycles
    union all
    select 'contacts_of_people_who_cycle', scenario, person_key, contacts, null from people where cycles
    union all
    select 'people_in_review', scenario, person_key, contacts, null from people where in_review
    union all
    select headline_id, scenario, person_key, count(*), sum(minutes)::bigint from events group by all
)

select
    headline_id, -- Name of the figure
    scenario, -- central (everybody) or alternative (who is another set of records under some variant)
    person_key, -- Person in that scenario
    contacts, -- The person's contacts behind the figure
    minutes -- Minutes of those contacts; empty where time is not the point
from figures
