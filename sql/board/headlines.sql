-- One row per headline figure of the pack, with its linkage interval: the smallest and the largest value when
-- records are joined more readily or less readily than in the central scenario, and what a share of it is a share of.
-- The share itself is left to the reader of the controlled counts.
-- Key: headline_id
with scenario_range as (
    select
        headline_id,
        max(people) filter (scenario = 'central') as people,
        min(people) as people_low,
        max(people) as people_high,
        max(contacts) filter (scenario = 'central') as contacts,
        min(contacts) as contacts_low,
        max(contacts) as contacts_high,
        max(minutes) filter (scenario = 'central') as minutes
    from marts.headline_scenarios
    group by headline_id
),

wording (position, headline_id, label, unit, share_of) as (
    values
    (1, 'people_seen', 'People seen by any of the agencies', 'people', null),
    (2, 'contacts', 'Contacts with those people', 'contacts', null),
    (3, 'people_seen_by_two_agencies', 'People seen by two or more agencies', 'people', 'people seen'),
    (4, 'people_who_cycle', 'People who go round between agencies in crisis', 'people', 'people seen'),
    (5, 'contacts_of_people_who_cycle', 'Contacts of the people who go round', 'contacts', 'contacts'),
    (6, 'ae_stays_12_hours', 'A&E stays of 12 hours or more', 'contacts', 'A&E stays'),
    (7, 'ae_stays_24_hours', 'A&E stays of 24 hours or more', 'contacts', 'A&E stays'),
    (8, 'police_hospital_waits', 'Police time spent waiting in hospitals', 'minutes', null),
    (9, 'earlier_opportunities', 'Contacts with an earlier opportunity to help', 'contacts', null),
    (
        10, 'earlier_opportunities_before_crisis', 'Earlier opportunities followed by a crisis', 'contacts',
        'earlier opportunities whose time to a crisis is all in the records'
    )
),

bases as (
    select 'people seen' as share_of, people, contacts from scenario_range where headline_id = 'people_seen'
    union all
    select 'contacts', people, contacts from scenario_range where headline_id = 'contacts'
    union all
    select 'A&E stays', count(distinct person_id), count(*) from marts.waits where wait_kind = 'ae_stay'
    union all
    select
        'earlier opportunities whose time to a crisis is all in the records', count(distinct person_id), count(*)
    from marts.earlier_opportunities where window_complete
),

-- of these the base has a part only: a crisis can come before the records end and the time to it is complete
parts as (
    select
        'earlier_opportunities_before_crisis' as headline_id,
        count(distinct person_id) as people,
        count(*) as contacts
    from marts.earlier_opportunities where followed_by_crisis and window_complete
)

select
    wording.position, -- [label] Place in the pack
    wording.headline_id, -- [label] Name of the figure
    wording.label, -- [label] The figure in words
    wording.unit, -- [label] Which column is the headline: people or contacts or minutes
    wording.share_of, -- [label] What the share is a share of
    scenario_range.people, -- [people] People behind the figure
    scenario_range.people_low, -- [people] Smallest number of people over the linkage scenarios
    scenario_range.people_high, -- [people] Largest number of people over the linkage scenarios
    scenario_range.contacts, -- [count] Contacts behind the figure
    scenario_range.contacts_low, -- [count] Smallest number of contacts over the linkage scenarios
    scenario_range.contacts_high, -- [count] Largest number of contacts over the linkage scenarios
    scenario_range.minutes, -- [minutes] Minutes behind the figure; empty where time is not the point
    bases.people as people_base, -- [people] People that a share is of; empty where none is given
    bases.contacts as contacts_base, -- [count] Contacts that a share is of; empty where none is given
    if(
        bases.share_of is null, null, coalesce(parts.people, scenario_range.people)
    ) as people_in_base, -- [people] Those of people_base who are behind the figure
    if(
        bases.share_of is null, null, coalesce(parts.contacts, scenario_range.contacts)
    ) as contacts_in_base -- [count] Those of contacts_base that are behind the figure
from wording
inner join scenario_range using (headline_id)
left join bases using (share_of)
left join parts using (headline_id)
