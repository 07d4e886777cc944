-- One row per month, police force and group of needs other than crime: police contacts, those that ended with the
-- police, and those that the police no longer attend, with how many of them were seen elsewhere within 72 hours. Beside
-- these stands how many were seen after the police did attend: fewer contacts with the police are no gain where nobody
-- else came. Only contacts for which every other feed covers the time.
-- Key: month, agency, need_group
with counted as (
    select
        strftime(started_at, '%Y-%m') as month,
        agency,
        need_group,
        count(*) as contacts,
        count(distinct person_id) as people,
        count(*) filter (ended_with_police) as ended_with_police,
        coalesce(sum(staff_minutes) filter (ended_with_police), 0) as officer_minutes,
        count(*) filter (moved) as moved,
        count(*) filter (met) as met,
        count(*) filter (deployed) as attended,
        count(*) filter (deployed and seen_contact_id is not null) as attended_and_seen
    from marts.policification
    where window_complete
    group by all
)

select
    month, -- Month of the start as YYYY-MM
    agency, -- Police force
    need_group, -- Group of needs
    contacts, -- Police contacts
    people, -- People with at least one of them
    ended_with_police, -- Those that ended with the police: nobody else saw the person, and nobody was asked to
    round(officer_minutes / 60, 1) as ended_with_police_officer_hours, -- Hours of officers spent on these
    moved, -- Contacts that the police did not attend under Right Care Right Person
    met, -- Those of them that another service saw within 72 hours
    round(met / nullif(moved, 0), 4) as met_share, -- Share of those that moved; empty where none did
    if(moved = 0, null, round(wilson_low(met / nullif(moved, 0), moved), 4)) as met_low, -- Lower end of 95 % interval
    if(moved = 0, null, round(wilson_high(met / nullif(moved, 0), moved), 4)) as met_high, -- Upper end of 95 % interval
    attended, -- Contacts that officers attended
    attended_and_seen, -- Those of them that another service saw within 72 hours
    round(attended_and_seen / nullif(attended, 0), 4) as attended_seen_share -- Share of those that officers attended
from counted
