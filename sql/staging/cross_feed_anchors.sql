-- One row per event that must have a counterpart of the same person in another feed: patients whom the police brought to
-- A&E, officers who waited in a hospital, people detained under section 136 and taken to A&E, requests to social care that
-- came from the police, social care that ended because the person was admitted to hospital. Events near a month in which
-- the other feed did not arrive are left out.
-- Key: agency, feed, period, row_number, anchor
with events as (
    select
        'police brought the patient to A&E' as anchor, 'police_incidents' as other_feed, 28 as moved_by_days,
        agency, feed, period, row_number, person_ref, started_at,
        started_at - interval 24 hour as window_start, started_at + interval 1 hour as window_end
    from staging.ae_attendances
    where raised_by = 'police' and time_known and left_out is null
    union all
    select
        'officers waited in a hospital', 'ae_attendances', 28,
        agency, feed, period, row_number, person_ref, started_at,
        started_at - interval 1 hour, started_at + interval 24 hour
    from staging.police_incidents
    where hospital_wait_minutes > 0 and left_out is null
    union all
    select
        'police asked social care', 'police_incidents', 56,
        agency, feed, period, row_number, person_ref, started_at,
        started_at - interval 28 day, started_at + interval 1 day
    from staging.social_care_events
    where kind = 'request' and raised_by = 'police' and left_out is null
    union all
    select
        'detained under section 136 and taken to A&E', 'ae_attendances', 28,
        incident.agency, incident.feed, incident.period, incident.row_number, incident.person_ref, incident.started_at,
        incident.started_at - interval 1 hour, incident.started_at + interval 24 hour
    from staging.police_incidents as incident
    inner join accepted.police_incidents as delivered using (agency, period, row_number)
    where delivered.s136 and code_key(delivered.s136_place_of_safety) = 'ed' and incident.left_out is null
    union all
    select
        'social care ended with admission to hospital', 'ae_attendances', 28,
        agency, feed, period, row_number, person_ref, coalesce(ended_at, started_at),
        coalesce(ended_at, started_at) - interval 3 day, coalesce(ended_at, started_at) + interval 4 day
    from staging.social_care_events
    where outcome_group = 'admitted' and left_out is null
),

arrived as (
    select feed, period from staging.slots group by feed, period having bool_and(arrived)
),

ends as (
    select feed, min(started_at) as first_at, max(started_at) as last_at from staging.contact_rows group by feed
),

placed as (
    select events.*, clients.person_id
    from events
    inner join staging.linkage_clients as clients using (agency, feed, person_ref)
    inner join arrived as at_start
        on events.other_feed = at_start.feed and strftime(events.window_start, '%Y-%m') = at_start.period
    inner join arrived as at_end
        on events.other_feed = at_end.feed and strftime(events.window_end, '%Y-%m') = at_end.period
),

windows as (
    select
        placed.*,
        moves.moved,
        placed.window_start + to_days(moves.moved * placed.moved_by_days) as opens,
        placed.window_end + to_days(moves.moved * placed.moved_by_days) as closes
    from placed
    cross join (values (-1), (0), (1)) as moves (moved)
),

seen as (
    select
        windows.*,
        exists (
            select 1
            from staging.contact_rows as counterpart
            where counterpart.person_id = windows.person_id
                and counterpart.feed = windows.other_feed
                and counterpart.started_at between windows.opens and windows.closes
        ) as found
    from windows
    inner join ends on windows.other_feed = ends.feed
    where windows.moved = 0 or (windows.opens >= ends.first_at and windows.closes <= ends.last_at)
)

select
    agency, -- Agency of the event
    feed, -- Feed of the event
    period, -- Delivery month as YYYY-MM
    row_number, -- Row in the delivered file
    anchor, -- What must have a counterpart
    other_feed, -- Feed in which the counterpart must be
    person_ref, -- The agency's pseudonym of its client; goes no further than staging
    person_id, -- Linked person
    bool_or(found) filter (moved = 0) as found, -- Whether the person has an event in the other feed near in time
    count(*) filter (moved <> 0) as moved_windows, -- Windows of the same length weeks earlier and later within the data
    count(*) filter (moved <> 0 and found) as found_by_chance -- Those of them in which there is such an event too
from seen
group by agency, feed, period, row_number, anchor, other_feed, person_ref, person_id
