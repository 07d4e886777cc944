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

scenarios (scenario) as (
    values ('central'), ('low'), ('high')
),

thresholds as (
    select variant, person_id, person_key from staging.person_alternatives where variant in ('low', 'high')
),

-- A threshold's figure is the central one without the people that it replaces and with those in their place.
parts_of_figures as (
    select figures.headline_id, scenarios.scenario, 1 as sign, figures.contacts, figures.minutes
    from journeys.headline_people as figures
    cross join scenarios
    where figures.scenario = 'central'
    union all
    select figures.headline_id, replaced.variant, -1, figures.contacts, figures.minutes
    from (select distinct variant, person_id from thresholds) as replaced
    inner join journeys.headline_people as figures
        on figures.scenario = 'central' and replaced.person_id = figures.person_key
    union all
    select figures.headline_id, added.variant, 1, figures.contacts, figures.minutes
    from (select distinct variant, person_key from thresholds) as added
    inner join journeys.headline_people as figures
        on figures.scenario = 'alternative' and added.person_key = figures.person_key
),

figures as (
    select
        headline_id, scenario, sum(sign) as people, sum(sign * contacts) as contacts, sum(sign * minutes) as minutes
    from parts_of_figures
    group by headline_id, scenario
)

select
    headlines.headline_id, -- Name of the figure
    scenarios.scenario, -- low, central or high threshold for joining records
    coalesce(figures.people, 0)::bigint as people, -- People behind the figure
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
