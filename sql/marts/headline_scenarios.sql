-- One row per headline figure and linkage scenario: the figure computed with records joined at the low (more links),
-- the central or the high threshold (fewer links). How sure a figure is, is said by headline_draws.
-- Key: headline_id, scenario
with headlines (headline_id, share_of_people, part, whole) as (
    values
    ('people_seen', null, null, null),
    ('contacts', null, null, null),
    ('people_seen_by_two_agencies', true, 'people_seen_by_two_agencies', 'people_seen'),
    ('people_who_cycle', true, 'people_who_cycle', 'people_seen'),
    ('contacts_of_people_who_cycle', false, 'contacts_of_people_who_cycle', 'contacts'),
    ('ae_stays_12_hours', false, 'ae_stays_12_hours', 'ae_stays'),
    ('ae_stays_24_hours', false, 'ae_stays_24_hours', 'ae_stays'),
    ('police_hospital_waits', null, null, null),
    ('earlier_opportunities', null, null, null),
    (
        'earlier_opportunities_before_crisis', false,
        'complete_opportunities_before_crisis', 'complete_opportunities'
    ),
    ('people_in_review', null, null, null)
),

scenarios as (
    select distinct scenario from journeys.headline_people where scenario <> 'draws'
),

figures as (
    select headline_id, scenario, count(*) as people, sum(contacts) as contacts, sum(minutes) as minutes
    from journeys.headline_people
    where scenario <> 'draws'
    group by headline_id, scenario
)

select
    headlines.headline_id, -- Name of the figure
    scenarios.scenario, -- low, central or high threshold for joining records
    coalesce(figures.people, 0) as people, -- People behind the figure
    coalesce(figures.contacts, 0)::bigint as contacts, -- Contacts behind the figure
    figures.minutes::bigint as minutes, -- Minutes behind the figure; empty where time is not the point
    round(
        if(
            headlines.share_of_people,
            coalesce(parts.people, 0) / wholes.people,
            coalesce(parts.contacts, 0) / wholes.contacts
        ), 4
    ) as share -- Share of all people, contacts or A&E stays, or of the signals with a complete window
from headlines
cross join scenarios
left join figures
    on headlines.headline_id = figures.headline_id and scenarios.scenario = figures.scenario
left join figures as parts
    on headlines.part = parts.headline_id and scenarios.scenario = parts.scenario
left join figures as wholes
    on headlines.whole = wholes.headline_id and scenarios.scenario = wholes.scenario
