-- One row per headline figure and linkage scenario: the figure computed with records joined at the low (more links),
-- the central or the high threshold (fewer links).
-- Key: headline_id, scenario
with contacts as (
    select
        scenarios.scenario,
        scenarios.person_key,
        contacts.contact_id,
        contacts.agency,
        cycling.person_key is not null as cycles
    from staging.person_scenarios as scenarios
    inner join staging.contacts as contacts using (contact_id)
    left join journeys.cycling as cycling
        on scenarios.scenario = cycling.scenario
        and scenarios.person_key = cycling.person_key
        and cycling.definition_id = 'cross_agency_cycle'
),

people as (
    select
        scenario,
        person_key,
        count(*) as contacts,
        count(distinct agency) as agencies,
        any_value(cycles) as cycles
    from contacts
    group by scenario, person_key
),

waits as (
    select scenarios.scenario, scenarios.person_key, waits.*
    from marts.waits as waits
    inner join staging.person_scenarios as scenarios using (contact_id)
),

opportunities as (
    select scenarios.scenario, scenarios.person_key, mo3.followed_by_crisis, mo3.window_complete
    from opportunities.mo3 as mo3
    inner join staging.person_scenarios as scenarios
        on mo3.scenario = scenarios.scenario and mo3.signal_contact_id = scenarios.contact_id
),

figures as (
    select
        'people_seen' as headline_id, scenario, count(*) as people, sum(contacts) as contacts,
        null as minutes, null as share
    from people group by scenario
    union all
    select 'contacts', scenario, count(*), sum(contacts), null, null
    from people group by scenario
    union all
    select
        'people_seen_by_two_agencies', scenario, count(*) filter (agencies >= 2),
        sum(contacts) filter (agencies >= 2), null, count(*) filter (agencies >= 2) / count(*)
    from people group by scenario
    union all
    select
        'people_who_cycle', scenario, count(*) filter (cycles),
        sum(contacts) filter (cycles), null, count(*) filter (cycles) / count(*)
    from people group by scenario
    union all
    select
        'contacts_of_people_who_cycle', scenario, count(*) filter (cycles),
        sum(contacts) filter (cycles), null,
        coalesce(sum(contacts) filter (cycles), 0) / sum(contacts)
    from people group by scenario
    union all
    select
        'ae_stays_12_hours', scenario, count(distinct person_key) filter (over_12_hours),
        count(*) filter (over_12_hours), sum(minutes) filter (over_12_hours), count(*) filter (over_12_hours) / count(*)
    from waits where wait_kind = 'ae_stay' group by scenario
    union all
    select
        'ae_stays_24_hours', scenario, count(distinct person_key) filter (over_24_hours),
        count(*) filter (over_24_hours), sum(minutes) filter (over_24_hours), count(*) filter (over_24_hours) / count(*)
    from waits where wait_kind = 'ae_stay' group by scenario
    union all
    select 'police_hospital_waits', scenario, count(distinct person_key), count(*), sum(minutes), null
    from waits where wait_kind = 'police_hospital_wait' group by scenario
    union all
    select 'earlier_opportunities', scenario, count(distinct person_key), count(*), null, null
    from opportunities group by scenario
    union all
    select
        'earlier_opportunities_before_crisis', scenario, count(distinct person_key) filter (followed_by_crisis),
        count(*) filter (followed_by_crisis), null,
        count(*) filter (followed_by_crisis and window_complete) / nullif(count(*) filter (window_complete), 0)
    from opportunities group by scenario
)

select
    headline_id, -- Name of the figure
    scenario, -- low, central or high threshold for joining records
    people, -- People behind the figure
    coalesce(contacts, 0)::bigint as contacts, -- Contacts behind the figure
    minutes::bigint as minutes, -- Minutes behind the figure; empty where time is not the point
    round(share, 4) as share -- Share of all people, contacts or A&E stays, or of the signals with a complete window
from figures
