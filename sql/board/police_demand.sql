-- One row per need, whether officers attended, and whether another service saw the person within 72 hours, with their
-- totals: police contacts for a need that is not crime. Only contacts for which every other feed covers the time. Contacts
-- are no longer attended where Right Care Right Person is why officers did not go. The 95 % band is what linkage leaves
-- open: whether the person whom another service saw is the same one. Ends of bands never add up.
-- Counts: police_contacts_not_crime
-- Adds up: need_label to 'All needs'
-- Adds up: attended_label to 'All contacts'
-- Adds up: seen_label to 'Seen or not'
-- Within: people in contacts
-- Key: need_label, attended_label, seen_label
with demand as (
    select
        demand.contact_id,
        needs.label as need_label,
        case
            when demand.moved then 'No longer attended'
            when demand.deployed then 'Attended'
            else 'Not attended for another reason'
        end as attended_label,
        case demand.ended_with
            when 'another_service' then 'Seen by another service'
            when 'passed_on_not_seen' then 'Passed on and not seen'
            else 'Ended with the police'
        end as seen_label,
        demand.person_id,
        demand.staff_minutes,
        demand.agency,
        elsewhere.agency as seen_by_agency
    from marts.policification as demand
    inner join reference.needs as needs using (need)
    left join staging.contacts as elsewhere on demand.seen_contact_id = elsewhere.contact_id
    where demand.window_complete
),

central as (
    select
        coalesce(need_label, 'All needs') as need_label,
        coalesce(attended_label, 'All contacts') as attended_label,
        coalesce(seen_label, 'Seen or not') as seen_label,
        count(*) as contacts,
        count(distinct person_id) as people,
        coalesce(sum(staff_minutes), 0)::bigint as minutes,
        count(distinct agency) + count(distinct seen_by_agency) as agencies
    from demand
    group by cube (need_label, attended_label, seen_label)
    having count(*) > 0
),

-- Where demand ended hangs on who the person is; the need and whether officers went do not.
of_scenarios as (
    select
        ends.scenario,
        ends.person_key,
        demand.need_label,
        demand.attended_label,
        case ends.ended_with
            when 'another_service' then 'Seen by another service'
            when 'passed_on_not_seen' then 'Passed on and not seen'
            else 'Ended with the police'
        end as seen_label
    from journeys.policification as ends
    inner join demand using (contact_id)
    where ends.window_complete
),

-- Only people who are another set of records under a draw are counted anew: out with the ones, in with the others.
changed as (
    select
        changes.variant,
        coalesce(need_label, 'All needs') as need_label,
        coalesce(attended_label, 'All contacts') as attended_label,
        coalesce(seen_label, 'Seen or not') as seen_label,
        sum(changes.sign) as contacts
    from of_scenarios
    inner join staging.person_changes as changes using (scenario, person_key)
    where changes.variant not in ('low', 'high')
    group by variant, cube (need_label, attended_label, seen_label)
),

draws as (
    select unnest(range(1, getvariable('linkage_draws')::bigint + 1))::varchar as variant
),

bands as (
    select
        need_label, attended_label, seen_label,
        floor(quantile_cont(central.contacts + coalesce(changed.contacts, 0), 0.025)) as contacts_low,
        ceil(quantile_cont(central.contacts + coalesce(changed.contacts, 0), 0.975)) as contacts_high
    from central
    cross join draws
    left join changed using (need_label, attended_label, seen_label, variant)
    group by need_label, attended_label, seen_label
)

select
    need_label, -- [label] Need of the contact, or all needs
    attended_label, -- [label] Whether officers attended
    seen_label, -- [label] Where the demand went within 72 hours
    central.contacts, -- [count] Police contacts
    bands.contacts_low::bigint as contacts_low, -- [count] Lower end of the band of contacts
    bands.contacts_high::bigint as contacts_high, -- [count] Upper end of the band of contacts
    central.people, -- [people] People with at least one of them
    central.minutes, -- [minutes] Minutes of officer time where it is known
    central.agencies -- [agencies] Police forces and who saw them
from central
inner join bands using (need_label, attended_label, seen_label)
