-- One row per accepted ambulance row: one patient of one call, in the shape of a contact, with how long each part took.
-- A crew often asks no date of birth: where the trust has no age, it is that of the person in other agencies' records.
-- Key: agency, period, row_number
with ages as (
    select person.agency, person.feed, person.person_ref, attributes.age_band
    from linkage.person_index as person
    inner join staging.person_attributes as attributes
        on attributes.scenario = 'central' and person.person_id = attributes.person_key
    where person.feed = 'ambulance_incidents'
),

incidents as (
    select
        incident.*,
        contact_key(incident.agency, incident.feed, incident.Call_Identifier || '|' || incident.person_ref) as contact_id,
        coalesce(coalesce(attributes.age_band, ages.age_band) in ('65-74', '75-84', '85+'), false) as older
    from accepted.ambulance_incidents as incident
    left join accepted.ambulance_incidents_attributes as attributes using (agency, feed, period, person_ref)
    left join ages using (agency, feed, person_ref)
),

coded_needs as (
    select
        agency, period, row_number, older, Time_Call_Connected as event_date, 'amb_ampds_card' as code_list,
        AMPDS_Card as code
    from incidents
    union all
    select agency, period, row_number, older, Time_Call_Connected, 'ae_chief_complaint', Chief_Complaint_SNOMED_CT
    from incidents
),

-- Somebody who falls is frail only where older: a younger person is injured.
first_needs as (
    select
        coded.agency,
        coded.period,
        coded.row_number,
        arg_min(needs.need, needs.priority) as need,
        coalesce(bool_or(known.fall), false) as fall
    from coded_needs as coded
    inner join reference.codes as known
        on known.code_list = coded.code_list and known.code_key = code_key(coded.code)
        and coded.event_date >= known.applies_from and coded.event_date < known.applies_before
    inner join reference.needs on if(known.need = 'frailty' and not coded.older, 'injury', known.need) = needs.need
    group by coded.agency, coded.period, coded.row_number
),

response_types as (
    select incident.agency, incident.period, incident.row_number, bool_or(known.community_team) as community_team
    from (
        select agency, period, row_number, Time_Call_Connected, unnest(code_items(Response_Types)) as code from incidents
    ) as incident
    inner join reference.codes as known
        on known.code_list = 'amb_response_type' and known.code_key = code_key(incident.code)
        and incident.Time_Call_Connected >= known.applies_from and incident.Time_Call_Connected < known.applies_before
    group by incident.agency, incident.period, incident.row_number
),

mapped as (
    select
        incident.*,
        first_needs.need,
        coalesce(first_needs.fall, false) as fall,
        treatment.kind,
        coalesce(treatment.crisis, false) as crisis,
        coalesce(stop.outcome_group, treatment.outcome_group, 'unknown') as outcome_group,
        coalesce(stop.counts_as_contact, true) as counts_as_contact,
        origin.raised_by,
        category.category,
        coalesce(response_types.community_team, false) as community_team
    from incidents as incident
    left join first_needs using (agency, period, row_number)
    left join response_types using (agency, period, row_number)
    left join reference.codes as treatment
        on treatment.code_list = 'amb_treatment_type' and treatment.code_key = code_key(incident.Treatment_Type)
        and incident.Time_Call_Connected >= treatment.applies_from
        and incident.Time_Call_Connected < treatment.applies_before
    left join reference.codes as stop
        on stop.code_list = 'amb_stop_code' and stop.code_key = code_key(incident.Stop_Code)
        and incident.Time_Call_Connected >= stop.applies_from and incident.Time_Call_Connected < stop.applies_before
    left join reference.codes as origin
        on origin.code_list = 'amb_call_origin' and origin.code_key = code_key(incident.Call_Origin)
        and incident.Time_Call_Connected >= origin.applies_from and incident.Time_Call_Connected < origin.applies_before
    left join reference.codes as category
        on category.code_list = 'amb_response_category'
        and category.code_key = code_key(incident.Reporting_Response_Category)
        and incident.Time_Call_Connected >= category.applies_from
        and incident.Time_Call_Connected < category.applies_before
),

counted as (
    select
        *,
        row_number() over (
            partition by contact_id, counts_as_contact order by period desc, row_number desc
        ) as version
    from mapped
)

select
    contact_id, -- Surrogate of the call and the patient in it
    agency, -- Agency that delivered the row
    feed, -- Kind of extract
    period, -- Delivery month as YYYY-MM
    row_number, -- Row in the delivered file
    person_ref, -- The trust's pseudonym for the patient; goes no further than staging
    Team as team, -- Station or control room
    coalesce(kind, 'other_incident') as kind, -- How it was dealt with: hear_and_treat, see_and_treat or see_and_convey
    coalesce(need, 'unknown') as need, -- Need of highest priority among triage card and chief complaint
    Time_Call_Connected as started_at, -- When the call was connected
    coalesce(Time_Clear, Time_Handover, Time_Arrived_Destination) as ended_at, -- When the last resource was clear
    true as time_known, -- Whether the time of day is known
    Incident_LSOA_Code as lsoa, -- Area of the incident as delivered
    if(Incident_LSOA_Code is null, null, 2021) as lsoa_vintage, -- Census year that the area code is meant for
    crisis, -- Whether it is a crisis contact; a patient who is conveyed is in crisis at A&E and is counted there
    outcome_group, -- How it ended; by the stop code where the call was closed without a visit
    coalesce(raised_by, 'unknown') as raised_by, -- Where the call came from
    null::integer as staff_minutes, -- Minutes of staff time; not known, because crews differ in size
    fall, -- Whether the triage card or the chief complaint is a fall
    category, -- Category of the response from 1 (life-threatening) to 5 (advice); empty for transfers
    community_team, -- Whether a falls team or a mental health car was among those sent
    date_diff('minute', Time_Call_Connected, Time_Arrived_Scene) as response_minutes, -- Minutes until somebody arrived
    date_diff('minute', Time_Arrived_Destination, Time_Handover) as handover_minutes, -- Minutes that handing over took
    date_diff('minute', Time_Dispatched, Time_Clear) as job_minutes, -- Minutes that the resource was busy
    case when not counts_as_contact then 'duplicate or hoax call'
        when version > 1 then 'duplicate event' end as left_out -- Why the row is not a contact; empty where it is one
from counted
