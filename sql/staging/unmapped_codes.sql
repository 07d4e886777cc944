-- One row per agency, feed, delivery month and coded column: how many codes were given, and how many of them are in no
-- code list. The codes themselves are not kept, because such a value may be free text.
-- Key: agency, feed, period, column_name
with given as (
    select agency, feed, period, column_name, value
    from accepted.police_incidents unpivot (
        value for column_name in (
            role, call_source, grade, nsir_open, nsir_close, qualifiers, closing_outcome, rcrp_category,
            s136_place_of_safety, ppn_outcome, team
        )
    )
    union all
    select agency, feed, period, column_name, value
    from accepted.ae_attendances unpivot (
        value for column_name in (
            EC_Arrival_Mode_SNOMED_CT, EC_Attendance_Source_SNOMED_CT, EC_Acuity_SNOMED_CT,
            EC_Chief_Complaint_SNOMED_CT, EC_Injury_Intent_SNOMED_CT, EC_Discharge_Status_SNOMED_CT,
            Discharge_Destination_SNOMED_CT, Der_EC_Diagnosis_All, Der_Provider_Site_Code
        )
    )
    union all
    select agency, feed, period, column_name, value
    from accepted.social_care_events unpivot (
        value for column_name in (
            Event_Type, Event_Outcome, Request_Route_of_Access, Primary_Support_Reason, Service_Type, Requested_By,
            Team
        )
    )
),

values_given as (
    select agency, feed, period, column_name, value, count(*) as times
    from given
    group by all
),

codes_given as (
    select
        given.agency,
        given.feed,
        given.period,
        given.column_name,
        given.times,
        columns.code_list,
        unnest(if(columns.type = 'codes', code_items(given.value), [given.value])) as code
    from values_given as given
    inner join reference.feed_columns as columns
        on columns.feed = given.feed and columns."column" = given.column_name
)

select
    given.agency, -- Agency
    given.feed, -- Kind of extract
    given.period, -- Delivery month as YYYY-MM
    given.column_name, -- Coded column of the feed
    given.code_list, -- Code list of the column
    sum(given.times)::bigint as codes, -- Codes given
    coalesce(
        sum(given.times) filter (known.code_key is null), 0
    )::bigint as unmapped -- Codes given that are in no code list of that month
from codes_given as given
left join staging.codes as known
    on known.code_list = given.code_list and known.code_key = code_key(given.code) and known.period = given.period
where code_key(given.code) <> ''
group by given.agency, given.feed, given.period, given.column_name, given.code_list
