-- One row per accepted A&E row: one attendance, in the shape of a contact, with what the opportunity rules need.
-- Key: agency, period, row_number
with attendances as (
    select
        *,
        contact_key(agency, feed, EC_Ident) as contact_id,
        Arrival_Date + try_cast(Arrival_Time as time) as arrived_at,
        EC_Departure_Date + try_cast(EC_Departure_Time as time) as departed_at
    from accepted.ae_attendances
),

coded_needs as (
    select
        agency, period, row_number, Arrival_Date as event_date,
        'ae_chief_complaint' as code_list, EC_Chief_Complaint_SNOMED_CT as code
    from attendances
    union all
    select agency, period, row_number, Arrival_Date, 'ae_injury_intent', EC_Injury_Intent_SNOMED_CT from attendances
    union all
    select agency, period, row_number, Arrival_Date, 'ae_diagnosis', unnest(code_items(Der_EC_Diagnosis_All))
    from attendances
    union all
    select
        agency, period, row_number, Arrival_Date, 'ae_legal_status',
        unnest(code_items(Mental_Health_Act_Legal_Status_Classification_Code))
    from attendances
),

first_needs as (
    select
        coded.agency,
        coded.period,
        coded.row_number,
        arg_min(needs.need, needs.priority) as need,
        arg_min(needs.need, needs.priority) filter (
            needs.need_group = 'later_life' or known.frailty_signal
        ) as later_life_need,
        coalesce(bool_or(known.crisis) filter (needs.need is not null), false) as held,
        coalesce(bool_or(known.assault), false) as assault
    from coded_needs as coded
    inner join reference.codes as known
        on known.code_list = coded.code_list and known.code_key = code_key(coded.code)
        and coded.event_date >= known.applies_from and coded.event_date < known.applies_before
    left join reference.needs on known.need = needs.need
    where needs.need is not null or known.assault
    group by coded.agency, coded.period, coded.row_number
),

-- Few attendances are delivered twice.
repeated as (
    select contact_id from attendances group by contact_id having count(*) > 1
),

versions as (
    select
        agency, period, row_number,
        row_number() over (
            partition by contact_id, coalesce(Der_Dupe_Flag, false), coalesce(Finished_Indicator, true)
            order by period desc, row_number desc
        ) as version
    from attendances
    semi join repeated using (contact_id)
),

-- The lists of the published measure of avoidable attendances; a blank counts as no investigation and no treatment.
low_acuity as (
    select
        list(code_key) filter (code_list = 'ae_department_type') as departments,
        list(code_key) filter (code_list = 'ae_attendance_category') as categories,
        list(code_key) filter (code_list = 'ae_investigation') as investigations,
        list(code_key) filter (code_list = 'ae_treatment') as treatments
    from reference.codes
    where low_acuity
),

mapped as (
    select
        attendance.*,
        first_needs.need,
        first_needs.later_life_need,
        coalesce(arrival_mode.crisis or first_needs.held, false) as in_crisis,
        if(
            'died' in (destination.outcome_group, status.outcome_group),
            'died',
            coalesce(destination.outcome_group, status.outcome_group, 'unknown')
        ) as outcome_group,
        coalesce(destination.went_home, false) as went_home,
        coalesce(source.raised_by, arrival_mode.raised_by, 'unknown') as raised_by,
        acuity.acuity,
        coalesce(destination.care_home, false) or coalesce(accommodation.care_home, false) as care_home,
        coalesce(first_needs.assault, false) as assault,
        versions.version,
        coalesce(list_contains(low_acuity.departments, lpad(attendance.EC_Department_Type, 2, '0')), false) as major,
        coalesce(
            list_contains(low_acuity.categories, ltrim(attendance.EC_AttendanceCategory, '0')), false
        ) as first_visit,
        coalesce(arrival_mode.low_acuity, false) as came_without_ambulance,
        coalesce(status.low_acuity, false) as low_acuity_ending,
        coalesce(
            list_has_all(
                low_acuity.investigations, code_items(nullif(trim(attendance.Der_EC_Investigation_All, ' ,;'), ''))
            ),
            true
        ) as no_real_investigation,
        coalesce(
            list_has_all(
                low_acuity.treatments, code_items(nullif(trim(attendance.Der_EC_Treatment_All, ' ,;'), ''))
            ),
            true
        ) as no_real_treatment,
        attributes.age_band
    from attendances as attendance
    cross join low_acuity
    left join versions using (agency, period, row_number)
    left join reference.codes as accommodation
        on accommodation.code_list = 'ae_accommodation_status'
        and accommodation.code_key = code_key(attendance.Accommodation_Status_SNOMED_CT)
        and attendance.Arrival_Date >= accommodation.applies_from
        and attendance.Arrival_Date < accommodation.applies_before
    left join first_needs using (agency, period, row_number)
    left join accepted.ae_attendances_attributes as attributes using (agency, feed, period, person_ref)
    left join reference.codes as arrival_mode
        on arrival_mode.code_list = 'ae_arrival_mode'
        and arrival_mode.code_key = code_key(attendance.EC_Arrival_Mode_SNOMED_CT)
        and attendance.Arrival_Date >= arrival_mode.applies_from and attendance.Arrival_Date < arrival_mode.applies_before
    left join reference.codes as source
        on source.code_list = 'ae_attendance_source'
        and source.code_key = code_key(attendance.EC_Attendance_Source_SNOMED_CT)
        and attendance.Arrival_Date >= source.applies_from and attendance.Arrival_Date < source.applies_before
    left join reference.codes as acuity
        on acuity.code_list = 'ae_acuity' and acuity.code_key = code_key(attendance.EC_Acuity_SNOMED_CT)
        and attendance.Arrival_Date >= acuity.applies_from and attendance.Arrival_Date < acuity.applies_before
    left join reference.codes as status
        on status.code_list = 'ae_discharge_status'
        and status.code_key = code_key(attendance.EC_Discharge_Status_SNOMED_CT)
        and attendance.Arrival_Date >= status.applies_from and attendance.Arrival_Date < status.applies_before
    left join reference.codes as destination
        on destination.code_list = 'ae_discharge_destination'
        and destination.code_key = code_key(attendance.Discharge_Destination_SNOMED_CT)
        and attendance.Arrival_Date >= destination.applies_from and attendance.Arrival_Date < destination.applies_before
)

select
    contact_id, -- Surrogate of the attendance
    agency, -- Agency that delivered the row
    feed, -- Kind of extract
    period, -- Delivery month as YYYY-MM
    row_number, -- Row in the delivered file
    person_ref, -- The trust's pseudonym for the patient; goes no further than staging
    Der_Provider_Site_Code as team, -- Site or department
    'ae_attendance' as kind, -- Kind of contact
    coalesce(need, 'unknown') as need, -- Need of highest priority among complaint, diagnoses, injury intent and legal status
    coalesce(arrived_at, Arrival_Date) as started_at, -- Arrival
    coalesce(departed_at, arrived_at + to_minutes(EC_Departure_Time_Since_Arrival)) as ended_at, -- Departure
    arrived_at is not null as time_known, -- Whether the time of day is known
    coalesce(Der_Postcode_LSOA_2021_Code, Der_Postcode_LSOA_2011_Code) as lsoa, -- Area of the home at the time
    case
        when Der_Postcode_LSOA_2021_Code is not null then 2021
        when Der_Postcode_LSOA_2011_Code is not null then 2011 end as lsoa_vintage, -- Census year of the area code
    in_crisis or outcome_group = 'admitted' as crisis, -- Whether brought by ambulance or police, held, or admitted
    outcome_group, -- How it ended; by the destination where that says more than the status
    raised_by, -- Who sent the patient
    null::integer as staff_minutes, -- Minutes of staff time; not known for A&E
    EC_Departure_Time_Since_Arrival::integer as stay_minutes, -- Minutes from arrival to departure
    acuity, -- Acuity at first assessment from 1 (immediate) to 5 (low)
    went_home, -- Whether the patient left for their own home or a care home
    care_home, -- Whether the record says that the patient lives in, or left for, a residential or nursing home
    assault, -- Whether a diagnosis or the injury intent says that somebody hurt the patient
    major as major_department, -- Whether the department is a major one (type 1)
    first_visit, -- Whether it is a first attendance and no follow-up
    came_without_ambulance, -- Whether the patient came by own means, or by police or prison transport
    low_acuity_ending, -- Whether it ended with treatment completed, streaming to a GP or leaving before treatment
    no_real_investigation, -- Whether every investigation is one of the published rule's, or none is given
    no_real_treatment, -- Whether every treatment is one of the published rule's, or none is given
    later_life_need, -- Need of later life among complaint and diagnoses; empty where there is none
    age_band, -- Age band as delivered with the attendance
    case
        when Der_Dupe_Flag then 'flagged as a duplicate'
        when not Finished_Indicator then 'attendance not finished'
        when version > 1 then 'duplicate event' end as left_out -- Why the row is not a contact; empty where it is one
from mapped
