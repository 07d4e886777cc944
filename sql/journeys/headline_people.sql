-- One row per headline figure, linkage scenario and person behind it, with what the person adds to the figure. People
-- whose records are implausible as one person wait for a reviewer: they are a figure of their own, and are neither among
-- those seen by two agencies nor among those who cycle. Among alternatives that is whoever has a record of such a person.
-- Key: headline_id, scenario, person_key
with in_review as (
    select 'central' as scenario, person_id as person_key from linkage.person_index where in_review
    union
    select 'alternative', variants.person_key
    from staging.person_variants as variants
    inner join linkage.person_index as person using (agency, feed, person_ref)
    where person.in_review
),

counted as (
    select
        scenarios.scenario,
        scenarios.person_key,
        count(*) as contacts,
        count(*) filter (contacts.crisis) as crisis_contacts,
        min(contacts.agency) <> max(contacts.agency) as by_two_agencies
    from staging.person_scenarios as scenarios
    inner join staging.contacts as contacts using (contact_id)
    group by scenarios.scenario, scenarios.person_key
),

people as (
    select counted.*, in_review.person_key is not null as in_review
    from counted
    left join in_review using (scenario, person_key)
),

cycling as (
    select cycling.definition_id, people.*
    from journeys.cycling as cycling
    inner join people using (scenario, person_key)
),

from_feed_then_to_feed (headline_id, from_feed, to_feed) as (
    values
    ('police_then_ae', 'police_incidents', 'ae_attendances'),
    ('ae_then_police', 'ae_attendances', 'police_incidents')
),

-- One row per person and figure: contacts behind it, and what it counts where these are neither people nor contacts.
of_people as (
    select 'people_seen' as headline_id, scenario, person_key, contacts, null as amount from people
    union all
    select 'contacts', scenario, person_key, contacts, null from people
    union all
    select 'people_seen_by_two_agencies', scenario, person_key, contacts, null
    from people where by_two_agencies and not in_review
    union all
    select 'people_in_crisis', scenario, person_key, contacts, null from people where crisis_contacts > 0
    union all
    select 'crisis_contacts', scenario, person_key, crisis_contacts, null from people where crisis_contacts > 0
    union all
    select 'people_in_review', scenario, person_key, contacts, null from people where in_review
    union all
    select unnest(['people_who_cycle', 'contacts_of_people_who_cycle']), scenario, person_key, contacts, null
    from cycling where definition_id = 'cross_agency_cycle' and not in_review
    union all
    select 'definition_' || definition_id, scenario, person_key, contacts, null from cycling
    union all
    select 'spells', scenario, person_key, sum(contacts), count(*) from journeys.spells group by scenario, person_key
    union all
    select 'spells_with_missed_door', scenario, person_key, sum(spells.contacts), count(*)
    from journeys.spells as spells
    inner join journeys.first_doors as doors using (scenario, person_key, spell_id)
    where doors.first_missed_door_contact_id is not null
    group by scenario, person_key
    union all
    select 'people_of_three_agencies', scenario, person_key, contacts, null
    from journeys.agency_mix where agencies_in_90_days >= 3
    union all
    select from_feed_then_to_feed.headline_id, scenario, person_key, pairs.steps, null
    from journeys.ordered_pairs as pairs
    inner join from_feed_then_to_feed using (from_feed, to_feed)
    where pairs.steps > 0
),

waits as (
    select scenarios.scenario, scenarios.person_key, waits.*
    from marts.waits as waits
    inner join staging.person_scenarios as scenarios using (contact_id)
),

-- A contact at which several rules see something that could have been done is one opportunity.
signals as (
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

-- Whether a contact is one of these is told by the contact alone: who is who moves the people behind the figure.
attendances as (
    select
        scenarios.scenario,
        scenarios.person_key,
        count(*) as attendances,
        count(*) filter (contacts.low_acuity_avoidable) as avoidable
    from marts.low_acuity_attendances as contacts
    inner join staging.person_scenarios as scenarios using (contact_id)
    group by scenarios.scenario, scenarios.person_key
),

crises as (
    select
        scenarios.scenario,
        scenarios.person_key,
        count(*) as crises,
        count(*) filter (contacts.preventable_crisis) as preventable
    from marts.preventable_crises as contacts
    inner join staging.person_scenarios as scenarios using (contact_id)
    group by scenarios.scenario, scenarios.person_key
),

notices as (
    select * from journeys.unheard where window_complete
),

demand as (
    select * from journeys.policification where window_complete
),

-- One row per contact and figure.
of_contacts as (
    select 'ae_stays' as headline_id, scenario, person_key, contact_id, minutes from waits where wait_kind = 'ae_stay'
    union all
    select 'ae_stays_12_hours', scenario, person_key, contact_id, minutes
    from waits where wait_kind = 'ae_stay' and over_12_hours
    union all
    select 'ae_stays_24_hours', scenario, person_key, contact_id, minutes
    from waits where wait_kind = 'ae_stay' and over_24_hours
    union all
    select 'police_hospital_waits', scenario, person_key, contact_id, minutes
    from waits where wait_kind = 'police_hospital_wait'
    union all
    select 'handoffs_between_agencies', scenario, person_key, contact_id, null
    from journeys.handoffs where between_agencies
    union all
    select 'handoffs_between_agencies_for_one_need', scenario, person_key, contact_id, null
    from journeys.handoffs where between_agencies and same_need
    union all
    select 'handoffs_between_teams', scenario, person_key, contact_id, null
    from journeys.handoffs where not between_agencies
    union all
    select 'earlier_opportunities', scenario, person_key, contact_id, null from signals
    union all
    select 'earlier_opportunities_before_crisis', scenario, person_key, contact_id, null
    from signals where followed_by_crisis
    union all
    select 'complete_opportunities', scenario, person_key, contact_id, null from signals where window_complete
    union all
    select 'complete_opportunities_before_crisis', scenario, person_key, contact_id, null
    from signals where followed_in_complete_window
    union all
    select 'rule_' || lower(rule_id) || '_signals', scenario, person_key, contact_id, null
    from opportunities.candidates where role = 'signal'
    union all
    select 'rule_' || lower(rule_id) || '_before_crisis', scenario, person_key, contact_id, null
    from opportunities.candidates where role = 'signal' and followed_by_crisis
    union all
    select 'rule_' || lower(rule_id) || '_opportunities', scenario, person_key, contact_id, null
    from opportunities.candidates where role = 'signal' and offer_id is not null
    union all
    select 'rule_' || lower(rule_id) || '_opportunities_before_crisis', scenario, person_key, contact_id, null
    from opportunities.candidates where role = 'signal' and offer_id is not null and followed_by_crisis
    union all
    select distinct 'crises_after_opportunity', scenario, person_key, crisis_contact_id, null::bigint
    from opportunities.candidates where role = 'signal' and offer_id is not null and followed_by_crisis
    union all
    select 'notices_raised', scenario, person_key, contact_id, null from notices
    union all
    select 'notices_shared', scenario, person_key, contact_id, null from notices where shared_with_social_care
    union all
    select 'notices_not_heard', scenario, person_key, contact_id, null
    from notices where shared_with_social_care and not heard
    union all
    select 'notices_not_heard_before_crisis', scenario, person_key, contact_id, null
    from notices where unheard_before_crisis
    union all
    select 'police_contacts_not_crime', scenario, person_key, contact_id, null from demand
    union all
    select 'ended_with_police', scenario, person_key, contact_id, null from demand where ended_with = 'police'
    union all
    select 'demand_moved', scenario, person_key, contact_id, null from demand where moved
    union all
    select 'demand_moved_and_met', scenario, person_key, contact_id, null from demand where met
    union all
    select 'bounces', scenario, person_key, contact_id, null from journeys.bounces
    union all
    select 'bounces_not_passed_on', scenario, person_key, contact_id, null
    from journeys.bounces where not passed_on
),

figures as (
    select headline_id, scenario, person_key, contacts, null as minutes, amount from of_people
    union all
    select 'ae_attendances', scenario, person_key, attendances, null, null from attendances
    union all
    select 'low_acuity_attendances', scenario, person_key, avoidable, null, null from attendances where avoidable > 0
    union all
    select 'ae_and_police_crises', scenario, person_key, crises, null, null from crises
    union all
    select 'preventable_crises', scenario, person_key, preventable, null, null from crises where preventable > 0
    union all
    select headline_id, scenario, person_key, count(*), sum(minutes), count(*)
    from of_contacts
    group by headline_id, scenario, person_key
)

select
    headline_id, -- Name of the figure
    scenario, -- central (everybody) or alternative (who is another set of records under some variant)
    person_key, -- Person in that scenario
    contacts::bigint as contacts, -- The person's contacts behind the figure
    minutes::bigint as minutes, -- Minutes of those contacts; empty where time is not the point
    amount::double as amount -- What the person adds to a figure that is neither of people, contacts nor minutes
from figures
