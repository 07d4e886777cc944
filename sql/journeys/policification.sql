-- One row per linkage scenario, person and police contact whose need is known and is not crime: whether another service
-- saw the person within the time to be met (72 hours; where only the day is known, three days), and so where the demand
-- ended. Demand that the police do not attend under Right Care Right Person has moved; it is met where another service
-- saw the person in that time.
-- Key: scenario, person_key, contact_id
with incidents as (
    select
        scenarios.scenario,
        scenarios.person_key,
        contacts.contact_id,
        contacts.started_at,
        contacts.outcome_group,
        not details.deployed
        and details.rcrp_category is not null
        and not coalesce(details.rcrp_threshold_met, false) as moved
    from staging.contacts as contacts
    inner join staging.police_incidents as details using (contact_id)
    inner join staging.person_scenarios as scenarios using (contact_id)
    where details.left_out is null and contacts.need_group not in ('crime', 'other')
),

known as (
    select distinct scenario, person_key from incidents
),

elsewhere as (
    select scenarios.scenario, scenarios.person_key, contacts.contact_id, contacts.started_at, contacts.time_known
    from staging.contacts as contacts
    inner join staging.person_scenarios as scenarios using (contact_id)
    semi join known using (scenario, person_key)
    where contacts.feed <> 'police_incidents'
),

seen as (
    select
        incidents.scenario,
        incidents.person_key,
        incidents.contact_id,
        arg_min(elsewhere.contact_id, (elsewhere.started_at, elsewhere.contact_id)) as seen_contact_id
    from incidents
    inner join elsewhere
        on incidents.scenario = elsewhere.scenario
        and incidents.person_key = elsewhere.person_key
        and elsewhere.started_at >= incidents.started_at::date
        and elsewhere.started_at <= incidents.started_at + to_hours(getvariable('met_hours')::integer)
        and (elsewhere.started_at >= incidents.started_at or not elsewhere.time_known)
    group by incidents.scenario, incidents.person_key, incidents.contact_id
),

covered as (
    select period, min(through) as through
    from staging.unbroken_months
    where agency is null and feed in (
        select feed from staging.slots where feed <> 'police_incidents'
    )
    group by period
    having count(*) = (select count(distinct feed) from staging.slots where feed <> 'police_incidents')
)

select
    incidents.scenario, -- central (everybody) or alternative (who is another set of records under some variant)
    incidents.person_key, -- Person in that scenario; in the central one the person_id
    incidents.contact_id, -- Police contact
    incidents.started_at as at, -- Start of the contact
    seen.seen_contact_id, -- First contact with another service within the time; empty where there was none
    case
        when seen.seen_contact_id is not null then 'another_service'
        when incidents.outcome_group = 'passed_on' then 'passed_on_not_seen'
        else 'police'
    end as ended_with, -- another_service, passed_on_not_seen or police
    incidents.moved, -- Whether the police did not attend under Right Care Right Person
    incidents.moved and seen.seen_contact_id is not null as met, -- Whether demand that moved was met elsewhere in time
    coalesce(
        strftime(incidents.started_at + to_hours(getvariable('met_hours')::integer), '%Y-%m') <= covered.through, false
    ) as window_complete -- Whether every other feed covers the time
from incidents
left join seen using (scenario, person_key, contact_id)
left join covered on strftime(incidents.started_at, '%Y-%m') = covered.period
