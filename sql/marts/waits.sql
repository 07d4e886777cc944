-- One row per wait: every A&E stay, however long, and every incident at which officers waited in a hospital.
-- Key: contact_id
with stays as (
    select
        contact_id,
        'ae_stay' as wait_kind,
        stay_minutes as minutes,
        stay_minutes > 4 * 60 as over_4_hours,
        stay_minutes >= 12 * 60 as over_12_hours,
        stay_minutes >= 24 * 60 as over_24_hours,
        null::integer as officer_minutes,
        null::integer as officer_hospital_minutes
    from staging.ae_attendances
    where left_out is null
),

officer_waits as (
    select
        contact_id,
        'police_hospital_wait' as wait_kind,
        hospital_wait_minutes as minutes,
        hospital_wait_minutes > 4 * 60 as over_4_hours,
        hospital_wait_minutes >= 12 * 60 as over_12_hours,
        hospital_wait_minutes >= 24 * 60 as over_24_hours,
        staff_minutes as officer_minutes,
        officer_hospital_minutes
    from staging.police_incidents
    where left_out is null and hospital_wait_minutes > 0
),

waits as (
    select * from stays
    union all
    select * from officer_waits
)

select
    waits.contact_id, -- Contact that was the wait
    contacts.person_id, -- Linked person
    contacts.agency, -- Agency
    contacts.feed, -- Kind of extract
    waits.wait_kind, -- ae_stay from arrival to departure; police_hospital_wait while officers waited in a hospital
    contacts.started_at, -- Start of the contact
    contacts.need, -- Need of the contact
    contacts.lsoa, -- Area
    areas.ward, -- Ward of the area; empty for an area outside the region
    contacts.crisis, -- Whether it was a crisis contact
    contacts.outcome_group, -- How it ended
    waits.minutes, -- Minutes of the wait
    waits.over_4_hours, -- Whether the wait was longer than 4 hours
    waits.over_12_hours, -- Whether the wait was 12 hours or longer
    waits.over_24_hours, -- Whether the wait was 24 hours or longer
    waits.officer_minutes, -- Minutes of officer time for the whole incident; empty for A&E stays
    waits.officer_hospital_minutes -- Minutes of the wait times the officers who waited; empty for A&E stays
from waits
inner join staging.contacts as contacts using (contact_id)
left join reference.areas as areas on contacts.lsoa = areas.lsoa
