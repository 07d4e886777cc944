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

people as (
    select
        numbers.scenario,
        numbers.person_key,
        count(*) as contacts,
        count(*) filter (sequence.crisis) as crisis_contacts,
        bit_count(bit_or(sequence.agency_bit)) > 1 as by_two_agencies,
        any_value(in_review.person_key) is not null as in_review
    from journeys.sequence as sequence
    inner join journeys.person_numbers as numbers using (person)
    left join in_review using (scenario, person_key)
    group by numbers.scenario, numbers.person_key
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

-- What is told of a contact by the contact alone: who is who moves the people behind the figure.
of_contacts_alone as (
    select
        hash(contact_id) as contact, wait_kind, over_12_hours, over_24_hours, minutes,
        null::boolean as low_acuity_avoidable, null::boolean as preventable_crisis
    from marts.waits
    union all
    select hash(contact_id), null, null, null, null, low_acuity_avoidable, null from marts.low_acuity_attendances
    union all
    select hash(contact_id), null, null, null, null, null, preventable_crisis from marts.preventable_crises
),

counted_alone as (
    select
        numbers.scenario,
        numbers.person_key,
        count(*) filter (wait_kind = 'ae_stay') as stays,
        sum(minutes) filter (wait_kind = 'ae_stay') as minutes_of_stays,
        count(*) filter (wait_kind = 'ae_stay' and over_12_hours) as stays_12,
        sum(minutes) filter (wait_kind = 'ae_stay' and over_12_hours) as minutes_of_stays_12,
        count(*) filter (wait_kind = 'ae_stay' and over_24_hours) as stays_24,
        sum(minutes) filter (wait_kind = 'ae_stay' and over_24_hours) as minutes_of_stays_24,
        count(*) filter (wait_kind = 'police_hospital_wait') as waits,
        sum(minutes) filter (wait_kind = 'police_hospital_wait') as minutes_of_waits,
        count(low_acuity_avoidable) as attendances,
        count(*) filter (low_acuity_avoidable) as avoidable,
        count(preventable_crisis) as crises,
        count(*) filter (preventable_crisis) as preventable
    from of_contacts_alone
    inner join journeys.sequence as sequence using (contact)
    inner join journeys.person_numbers as numbers using (person)
    group by numbers.scenario, numbers.person_key
),

of_waits as (
    select
        scenario,
        person_key,
        unnest([
            {'headline_id': 'ae_stays', 'contacts': stays, 'minutes': minutes_of_stays},
            {'headline_id': 'ae_stays_12_hours', 'contacts': stays_12, 'minutes': minutes_of_stays_12},
            {'headline_id': 'ae_stays_24_hours', 'contacts': stays_24, 'minutes': minutes_of_stays_24},
            {'headline_id': 'police_hospital_waits', 'contacts': waits, 'minutes': minutes_of_waits}
        ]) as figure
    from counted_alone
),

of_crises as (
    select
        scenario,
        person_key,
        unnest([
            {'headline_id': 'ae_attendances', 'contacts': attendances},
            {'headline_id': 'low_acuity_attendances', 'contacts': avoidable},
            {'headline_id': 'ae_and_police_crises', 'contacts': crises},
            {'headline_id': 'preventable_crises', 'contacts': preventable}
        ]) as figure
    from counted_alone
),

of_handoffs as (
    select
        scenario,
        person_key,
        unnest([
            {'headline_id': 'handoffs_between_agencies', 'contacts': count(*) filter (between_agencies)},
            {
                'headline_id': 'handoffs_between_agencies_for_one_need',
                'contacts': count(*) filter (between_agencies and same_need)
            },
            {'headline_id': 'handoffs_between_teams', 'contacts': count(*) filter (not between_agencies)}
        ]) as figure
    from journeys.handoffs
    group by scenario, person_key
),

of_bounces as (
    select
        scenario,
        person_key,
        unnest([
            {'headline_id': 'bounces', 'contacts': count(*)},
            {'headline_id': 'bounces_not_passed_on', 'contacts': count(*) filter (not passed_on)}
        ]) as figure
    from journeys.bounces
    group by scenario, person_key
),

signals as (
    select * from opportunities.candidates where role = 'signal'
),

of_rules as (
    select
        scenario,
        person_key,
        unnest([
            {'headline_id': 'rule_' || lower(rule_id) || '_signals', 'contacts': count(*)},
            {
                'headline_id': 'rule_' || lower(rule_id) || '_before_crisis',
                'contacts': count(*) filter (followed_by_crisis)
            },
            {
                'headline_id': 'rule_' || lower(rule_id) || '_opportunities',
                'contacts': count(*) filter (offer_id is not null)
            },
            {
                'headline_id': 'rule_' || lower(rule_id) || '_opportunities_before_crisis',
                'contacts': count(*) filter (offer_id is not null and followed_by_crisis)
            }
        ]) as figure
    from signals
    group by scenario, person_key, rule_id
),

-- A contact at which several rules see something that could have been done is one opportunity.
opportunities as (
    select
        scenario,
        person_key,
        contact_id,
        bool_or(followed_by_crisis) as followed_by_crisis,
        bool_or(window_complete) as window_complete,
        bool_or(followed_by_crisis and window_complete) as followed_in_complete_window
    from signals
    where offer_id is not null
    group by scenario, person_key, contact_id
),

of_opportunities as (
    select
        scenario,
        person_key,
        unnest([
            {'headline_id': 'earlier_opportunities', 'contacts': count(*)},
            {'headline_id': 'earlier_opportunities_before_crisis', 'contacts': count(*) filter (followed_by_crisis)},
            {'headline_id': 'complete_opportunities', 'contacts': count(*) filter (window_complete)},
            {
                'headline_id': 'complete_opportunities_before_crisis',
                'contacts': count(*) filter (followed_in_complete_window)
            }
        ]) as figure
    from opportunities
    group by scenario, person_key
    union all
    select
        scenario,
        person_key,
        {'headline_id': 'crises_after_opportunity', 'contacts': count(distinct crisis_contact_id)}
    from signals
    where offer_id is not null and followed_by_crisis
    group by scenario, person_key
),

of_notices as (
    select
        scenario,
        person_key,
        unnest([
            {'headline_id': 'notices_raised', 'contacts': count(*)},
            {'headline_id': 'notices_shared', 'contacts': count(*) filter (shared_with_social_care)},
            {'headline_id': 'notices_not_heard', 'contacts': count(*) filter (shared_with_social_care and not heard)},
            {'headline_id': 'notices_not_heard_before_crisis', 'contacts': count(*) filter (unheard_before_crisis)}
        ]) as figure
    from journeys.unheard
    where window_complete
    group by scenario, person_key
),

of_demand as (
    select
        scenario,
        person_key,
        unnest([
            {'headline_id': 'police_contacts_not_crime', 'contacts': count(*)},
            {'headline_id': 'ended_with_police', 'contacts': count(*) filter (ended_with = 'police')},
            {'headline_id': 'demand_moved', 'contacts': count(*) filter (moved)},
            {'headline_id': 'demand_moved_and_met', 'contacts': count(*) filter (met)}
        ]) as figure
    from journeys.policification
    where window_complete
    group by scenario, person_key
),

of_contacts as (
    from of_handoffs
    union all
    from of_bounces
    union all
    from of_rules
    union all
    from of_opportunities
    union all
    from of_notices
    union all
    from of_demand
),

figures as (
    select headline_id, scenario, person_key, contacts, null as minutes, amount from of_people
    union all
    select figure.headline_id, scenario, person_key, figure.contacts, figure.minutes, figure.contacts
    from of_waits
    where figure.contacts > 0
    union all
    select figure.headline_id, scenario, person_key, figure.contacts, null, null from of_crises where figure.contacts > 0
    union all
    select figure.headline_id, scenario, person_key, figure.contacts, null, figure.contacts
    from of_contacts
    where figure.contacts > 0
)

select
    headline_id, -- Name of the figure
    scenario, -- central (everybody) or alternative (who is another set of records under some variant)
    person_key, -- Person in that scenario
    contacts::bigint as contacts, -- The person's contacts behind the figure
    minutes::bigint as minutes, -- Minutes of those contacts; empty where time is not the point
    amount::double as amount -- What the person adds to a figure that is neither of people, contacts nor minutes
from figures
