-- One row per need, whether officers attended, and whether another service saw the person within 72 hours, with their
-- totals: police contacts for a need that is not crime. Only contacts for which every other feed covers the time. Contacts
-- are no longer attended where Right Care Right Person is why officers did not go.
-- Counts: police_contacts_not_crime
-- Adds up: need_label to 'All needs'
-- Adds up: attended_label to 'All contacts'
-- Adds up: seen_label to 'Seen or not'
-- Within: people in contacts
-- Key: need_label, attended_label, seen_label
with demand as (
    select
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
)

select
    coalesce(need_label, 'All needs') as need_label, -- [label] Need of the contact, or all needs
    coalesce(attended_label, 'All contacts') as attended_label, -- [label] Whether officers attended
    coalesce(seen_label, 'Seen or not') as seen_label, -- [label] Where the demand went within 72 hours
    count(*) as contacts, -- [count] Police contacts
    count(distinct person_id) as people, -- [people] People with at least one of them
    coalesce(sum(staff_minutes), 0)::bigint as minutes, -- [minutes] Minutes of officer time where it is known
    count(distinct agency) + count(distinct seen_by_agency) as agencies -- [agencies] Police forces and who saw them
from demand
group by cube (need_label, attended_label, seen_label)
having count(*) > 0
