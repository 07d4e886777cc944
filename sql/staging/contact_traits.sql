-- One row per contact, with what definitions of frequent use ask of it that is not in the shape of a contact: the
-- person's age and home as recorded with the contact, and the person's part in it.
-- Key: contact_id
with contacts as (
    select contact_id, agency, feed, period, row_number, person_ref
    from staging.contact_rows
    where left_out is null
),

roles as (
    select incidents.agency, 'police_incidents' as feed, incidents.period, incidents.row_number, known.code as role
    from accepted.police_incidents as incidents
    inner join reference.codes as known
        on known.code_list = 'police_role' and known.code_key = code_key(incidents.role)
        and incidents.created_ts >= known.applies_from and incidents.created_ts < known.applies_before
),

homes as (
    select
        agency, 'social_care_events' as feed, period, row_number, Event_Start_Date as on_day,
        'sc_accommodation_status' as code_list, Accommodation_Status as code
    from accepted.social_care_events
    where Accommodation_Status is not null
    union all
    select
        agency, 'ae_attendances', period, row_number, Arrival_Date, 'ae_accommodation_status',
        Accommodation_Status_SNOMED_CT
    from accepted.ae_attendances
    where Accommodation_Status_SNOMED_CT is not null
),

homeless as (
    select homes.agency, homes.feed, homes.period, homes.row_number, known.homeless
    from homes
    inner join reference.codes as known
        on known.code_list = homes.code_list and known.code_key = code_key(homes.code)
        and homes.on_day >= known.applies_from and homes.on_day < known.applies_before
    where known.homeless
)

select
    contacts.contact_id, -- Contact
    attributes.age_band, -- Age band as delivered with the contact's month
    roles.role, -- Part in a police incident; empty for other feeds
    coalesce(homeless.homeless, false) as homeless -- Whether no home of the person's own was recorded at the contact
from contacts
left join accepted.attributes as attributes using (agency, feed, period, person_ref)
left join roles using (agency, feed, period, row_number)
left join homeless using (agency, feed, period, row_number)
