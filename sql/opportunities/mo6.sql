-- Rule MO6, version 1: Domestic abuse known to the police and hurt at A&E. One row per police contact for domestic
-- abuse or A&E attendance after an assault or for domestic abuse, and person who was harmed, under each linkage
-- scenario.
-- Signal: such a contact after one of the other service in the 90 days before; that number of days is ours, because no
-- source gives one.
-- Crisis: the next such contact with either service.
-- Window: 90 days from the contact.
-- Exclusions: acuity 1; suspects; people who died or moved away within the window without a crisis.
-- Comparison: contacts of the same kinds without one of the other service in the 90 days before or the 3 days after,
-- when both may be of one event.
-- Evidence: independent domestic violence advisers in A&E and multi-agency risk assessment conferences (NICE public
-- health guideline PH50, domestic violence and abuse: multi-agency working).
-- Offer: an independent domestic violence adviser in A&E, or a multi-agency risk assessment conference.
-- Confidence: medium, because A&E often records the injury and not who did it.
-- Key: scenario, person_key, contact_id
with contacts as (
    select contact_id, person_id, feed, need, lsoa, started_at, null::integer as acuity
    from staging.contacts as contacts
    anti join (select contact_id from staging.police_incidents where suspect) as suspects using (contact_id)
    where feed = 'police_incidents' and need = 'domestic_abuse'
    union all
    select
        contact_id, contacts.person_id, contacts.feed, contacts.need, contacts.lsoa, contacts.started_at, details.acuity
    from staging.contacts as contacts
    inner join staging.ae_attendances as details using (contact_id)
    where details.left_out is null and (contacts.need = 'domestic_abuse' or details.assault)
),

in_order as (
    select
        scenarios.scenario,
        scenarios.person_key,
        contacts.*,
        started_at as at,
        90 as pair_days,
        90 as crisis_days,
        3 as one_event_days,
        if(
            feed = 'police_incidents',
            max(started_at) filter (feed = 'ae_attendances') over earlier,
            max(started_at) filter (feed = 'police_incidents') over earlier
        ) as other_before,
        if(
            feed = 'police_incidents',
            min(started_at) filter (feed = 'ae_attendances') over later,
            min(started_at) filter (feed = 'police_incidents') over later
        ) as other_after,
        lead(contact_id) over in_time as next_contact_id,
        lead(started_at) over in_time as next_at
    from contacts
    inner join staging.person_scenarios as scenarios using (contact_id)
    window
        in_time as (partition by scenarios.scenario, scenarios.person_key order by started_at, contact_id),
        earlier as (
            partition by scenarios.scenario, scenarios.person_key order by started_at, contact_id
            rows between unbounded preceding and 1 preceding
        ),
        later as (
            partition by scenarios.scenario, scenarios.person_key order by started_at, contact_id
            rows between 1 following and unbounded following
        )
),

roles as (
    select
        *,
        case
            when date_diff('day', other_before, started_at) <= pair_days then 'signal'
            when date_diff('day', started_at, other_after) <= one_event_days then null
            else 'comparison'
        end as role,
        coalesce(
            next_at > started_at and date_diff('day', started_at, next_at) <= crisis_days, false
        ) as came_again
    from in_order
    where coalesce(acuity, 5) > 1
),

candidates as (
    select
        roles.*,
        if(roles.came_again, roles.next_contact_id, null) as crisis_contact_id,
        if(roles.came_again, roles.next_at, null) as crisis_at,
        strftime(roles.at, '%Y-%m') as first_month,
        strftime(roles.at + to_days(roles.crisis_days), '%Y-%m') as last_month,
        people.death_month,
        people.moved_away_month
    from roles
    inner join staging.people as people using (person_id)
    where roles.role is not null
),

covered as (
    select period as first_month, min(through) as through
    from staging.unbroken_months
    where feed in ('ae_attendances', 'police_incidents') and agency is null
    group by period
    having count(*) = 2
)

select
    candidates.scenario, -- central (everybody) or alternative (who is another set of records under some variant)
    candidates.person_key, -- Person in that scenario
    'MO6' as rule_id, -- Rule
    candidates.contact_id, -- Contact at which something could have been done, or one to compare it with
    candidates.role, -- signal or comparison
    candidates.at, -- Start of that contact
    candidates.crisis_contact_id, -- First crisis contact within the window; empty where there was none
    candidates.crisis_at, -- Start of the crisis contact
    date_diff('day', candidates.at, candidates.crisis_at) as lead_days, -- Days to the crisis
    candidates.need, -- Need of the contact
    candidates.lsoa, -- Area of the home or of the incident
    candidates.crisis_contact_id is not null as followed_by_crisis, -- Whether a crisis came within the window
    coalesce(
        candidates.last_month <= covered.through, false
    ) as window_complete -- Whether every agency's records cover the window
from candidates
left join covered using (first_month)
where candidates.crisis_contact_id is not null
    or not (
        coalesce(candidates.death_month between candidates.first_month and candidates.last_month, false)
        or coalesce(candidates.moved_away_month between candidates.first_month and candidates.last_month, false)
    )
