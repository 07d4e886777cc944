-- One row per accepted social care row: one request, assessment, service or review, in the shape of a contact.
-- Key: agency, period, row_number
with events as (
    select
        *,
        contact_key(agency, feed, Event_Reference_Number) as contact_id,
        row_number() over (
            partition by agency, Event_Reference_Number order by period desc, ImportDate desc nulls last, row_number desc
        ) as version_of_reference
    from accepted.social_care_events
),

-- References are unreliable: requests and services are the same event where the published fields agree.
counted as (
    select
        *,
        case code_key(Event_Type)
            when 'request' then row_number() over (
                partition by agency, version_of_reference > 1, code_key(Event_Type), person_ref, code_key(Client_Type),
                    Event_Start_Date, code_key(Request_Route_of_Access)
                order by period desc, ImportDate desc nulls last, row_number desc
            )
            when 'service' then row_number() over (
                partition by agency, version_of_reference > 1, code_key(Event_Type), person_ref, code_key(Client_Type),
                    Event_Start_Date, code_key(Service_Type), code_key(Service_Component),
                    code_key(Delivery_Mechanism)
                order by period desc, ImportDate desc nulls last, row_number desc
            )
            else 1
        end as version_of_event
    from events
),

mapped as (
    select
        event.*,
        event_type.kind,
        coalesce(client_type.need, reason.need) as need,
        coalesce(client_type.need = 'carer_strain', false) as of_a_carer,
        outcome.outcome_group,
        outcome.nothing_offered,
        coalesce(outcome.end_of_life, false) as end_of_life,
        coalesce(accommodation.care_home, false) or coalesce(service_type.care_home, false) as care_home,
        coalesce(requested_by.raised_by, route.raised_by) as raised_by
    from counted as event
    left join reference.codes as event_type
        on event_type.code_list = 'sc_event_type' and event_type.code_key = code_key(event.Event_Type)
        and event.Event_Start_Date >= event_type.applies_from and event.Event_Start_Date < event_type.applies_before
    left join reference.codes as client_type
        on client_type.code_list = 'sc_client_type' and client_type.code_key = code_key(event.Client_Type)
        and event.Event_Start_Date >= client_type.applies_from and event.Event_Start_Date < client_type.applies_before
    left join reference.codes as reason
        on reason.code_list = 'sc_primary_support_reason' and reason.code_key = code_key(event.Primary_Support_Reason)
        and event.Event_Start_Date >= reason.applies_from and event.Event_Start_Date < reason.applies_before
    left join reference.codes as outcome
        on outcome.code_list = 'sc_event_outcome' and outcome.code_key = code_key(event.Event_Outcome)
        and event.Event_Start_Date >= outcome.applies_from and event.Event_Start_Date < outcome.applies_before
    left join reference.codes as accommodation
        on accommodation.code_list = 'sc_accommodation_status'
        and accommodation.code_key = code_key(event.Accommodation_Status)
        and event.Event_Start_Date >= accommodation.applies_from
        and event.Event_Start_Date < accommodation.applies_before
    left join reference.codes as service_type
        on service_type.code_list = 'sc_service_type' and service_type.code_key = code_key(event.Service_Type)
        and event.Event_Start_Date >= service_type.applies_from and event.Event_Start_Date < service_type.applies_before
    left join reference.codes as requested_by
        on requested_by.code_list = 'sc_requested_by' and requested_by.code_key = code_key(event.Requested_By)
        and event.Event_Start_Date >= requested_by.applies_from and event.Event_Start_Date < requested_by.applies_before
    left join reference.codes as route
        on route.code_list = 'sc_request_route' and route.code_key = code_key(event.Request_Route_of_Access)
        and event.Event_Start_Date >= route.applies_from and event.Event_Start_Date < route.applies_before
)

select
    contact_id, -- Surrogate of the event
    agency, -- Agency that delivered the row
    feed, -- Kind of extract
    period, -- Delivery month as YYYY-MM
    row_number, -- Row in the delivered file
    person_ref, -- The council's pseudonym for the person; goes no further than staging
    Team as team, -- Team that dealt with the event
    coalesce(kind, 'other_event') as kind, -- Request, assessment, service or review
    coalesce(need, 'unknown') as need, -- Need by the kind of client, else by the primary support reason
    Event_Start_Date::timestamp as started_at, -- First day
    Event_End_Date::timestamp as ended_at, -- Last day; empty where a service is open
    false as time_known, -- Whether the time of day is known
    coalesce(Der_Postcode_LSOA_2021_Code, Der_Postcode_LSOA_2011_Code) as lsoa, -- Area of the home at the time
    case
        when Der_Postcode_LSOA_2021_Code is not null then 2021
        when Der_Postcode_LSOA_2011_Code is not null then 2011 end as lsoa_vintage, -- Census year of the area code
    false as crisis, -- Social care contacts are never counted as crisis
    coalesce(outcome_group, 'unknown') as outcome_group, -- What the event led to
    coalesce(raised_by, 'unknown') as raised_by, -- Who asked; by the route of access where the request does not say
    null::integer as staff_minutes, -- Minutes of staff time; not known for social care
    care_home, -- Whether accommodation or service say that the person lives in a residential or nursing home
    end_of_life, -- Whether it led to end of life care
    of_a_carer, -- Whether the record is that of an unpaid carer, and not of the person cared for
    coalesce(nothing_offered, false) as nothing_offered, -- Whether the outcome is advice, signposting or no services
    case when version_of_reference > 1 then 'duplicate event'
        when version_of_event > 1 then 'duplicate event under another reference'
        end as left_out -- Why the row is not a contact; empty where it is one
from mapped
