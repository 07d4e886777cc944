-- One row per headline figure of the pack, with its linkage interval: the smallest and the largest value when
-- records are joined more readily or less readily than in the central scenario.
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
        max(minutes) filter (scenario = 'central') as minutes,
        max(share) filter (scenario = 'central') as share,
        min(share) as share_low,
        max(share) as share_high
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
        'earlier opportunities'
    )
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
    scenario_range.share, -- [rate] Share from 0 to 1; empty where there is none
    scenario_range.share_low, -- [rate] Smallest share over the linkage scenarios
    scenario_range.share_high -- [rate] Largest share over the linkage scenarios
from wording
inner join scenario_range using (headline_id)
