-- One row per headline figure of the pack, with the 95 % band in which the true figure lies as far as linkage can tell
-- (the middle of its draws, rounded outwards; the figure itself may lie outside), and what a share of it is a share of.
-- The share itself is left to the reader of the controlled counts.
-- Key: headline_id
with bands as (
    select
        headline_id,
        floor(quantile_cont(people, 0.025))::bigint as people_low,
        ceil(quantile_cont(people, 0.975))::bigint as people_high,
        floor(quantile_cont(contacts, 0.025))::bigint as contacts_low,
        ceil(quantile_cont(contacts, 0.975))::bigint as contacts_high
    from marts.headline_draws
    group by headline_id
),

figures as (
    select
        headline_id,
        central.people,
        coalesce(bands.people_low, central.people) as people_low,
        coalesce(bands.people_high, central.people) as people_high,
        central.contacts,
        coalesce(bands.contacts_low, central.contacts) as contacts_low,
        coalesce(bands.contacts_high, central.contacts) as contacts_high,
        central.minutes
    from marts.headline_scenarios as central
    left join bands using (headline_id)
    where central.scenario = 'central'
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
    ),
    (11, 'people_in_review', 'People left apart until a reviewer looks', 'people', null)
),

bases as (
    select 'people seen' as share_of, people, contacts from figures where headline_id = 'people_seen'
    union all
    select 'contacts', people, contacts from figures where headline_id = 'contacts'
    union all
    select 'A&E stays', count(distinct person_id), count(*) from marts.waits where wait_kind = 'ae_stay'
    union all
    select
        'earlier opportunities whose time to a crisis is all in the records',
        count(distinct person_id),
        count(distinct signal_contact_id)
    from marts.earlier_opportunities where window_complete and offer_id is not null
),

-- of these the base has a part only: a crisis can come before the records end and the time to it is complete
parts as (
    select
        'earlier_opportunities_before_crisis' as headline_id,
        count(distinct person_id) as people,
        count(distinct signal_contact_id) as contacts
    from marts.earlier_opportunities where followed_by_crisis and window_complete and offer_id is not null
)

select
    wording.position, -- [label] Place in the pack
    wording.headline_id, -- [label] Name of the figure
    wording.label, -- [label] The figure in words
    wording.unit, -- [label] Which column is the headline: people or contacts or minutes
    wording.share_of, -- [label] What the share is a share of
    figures.people, -- [people] People behind the figure
    figures.people_low, -- [people] Lower end of the band of people
    figures.people_high, -- [people] Upper end of the band of people
    figures.contacts, -- [count] Contacts behind the figure
    figures.contacts_low, -- [count] Lower end of the band of contacts
    figures.contacts_high, -- [count] Upper end of the band of contacts
    figures.minutes, -- [minutes] Minutes behind the figure; empty where time is not the point
    bases.people as people_base, -- [people] People that a share is of; empty where none is given
    bases.contacts as contacts_base, -- [count] Contacts that a share is of; empty where none is given
    if(
        bases.share_of is null, null, coalesce(parts.people, figures.people)
    ) as people_in_base, -- [people] Those of people_base who are behind the figure
    if(
        bases.share_of is null, null, coalesce(parts.contacts, figures.contacts)
    ) as contacts_in_base -- [count] Those of contacts_base that are behind the figure
from wording
inner join figures using (headline_id)
left join bases using (share_of)
left join parts using (headline_id)
