-- One row per crisis contact with A&E or the police and condition that it shows among those of
-- data/reference/preventable_conditions.csv, for which earlier help in the community can prevent a crisis. A condition
-- with a least age counts where the person's age band begins at it or above.
-- Key: contact_id, condition
with crises as (
    select rows.contact_id, rows.agency, rows.feed, rows.period, rows.row_number, attributes.age_band
    from staging.contact_rows as rows
    left join accepted.attributes as attributes using (agency, feed, period, person_ref)
    where rows.left_out is null and rows.crisis and rows.feed in ('ae_attendances', 'police_incidents')
),

attendances as (
    select crises.contact_id, crises.age_band, delivered.*
    from accepted.ae_attendances as delivered
    inner join crises using (agency, feed, period, row_number)
),

incidents as (
    select crises.contact_id, crises.age_band, delivered.*
    from accepted.police_incidents as delivered
    inner join crises using (agency, feed, period, row_number)
),

coded as (
    select contact_id, age_band, 'ae_diagnosis' as code_list, unnest(code_items(Der_EC_Diagnosis_All)) as code
    from attendances
    union all
    select contact_id, age_band, 'ae_chief_complaint', EC_Chief_Complaint_SNOMED_CT from attendances
    union all
    select contact_id, age_band, 'ae_injury_intent', EC_Injury_Intent_SNOMED_CT from attendances
    union all
    select
        contact_id, age_band, 'ae_legal_status', unnest(code_items(Mental_Health_Act_Legal_Status_Classification_Code))
    from attendances
    union all
    select contact_id, age_band, 'police_category', coalesce(nsir_close, nsir_open) from incidents
    union all
    select contact_id, age_band, 'police_qualifier', unnest(code_items(qualifiers)) from incidents
    union all
    select contact_id, age_band, 'police_rcrp_category', rcrp_category from incidents
    union all
    select contact_id, age_band, 'police_rcrp_category', 's136' from incidents where s136
)

select distinct
    coded.contact_id, -- Crisis contact
    conditions.condition, -- Condition that the record shows
    conditions.condition_group -- ambulatory_care_sensitive, fall, frailty or mental_health
from coded
inner join reference.preventable_conditions as conditions
    on coded.code_list = conditions.code_list and code_key(coded.code) = code_key(conditions.code)
where conditions.least_age is null
    or coalesce(try_cast(regexp_extract(coded.age_band, '^[0-9]+') as integer) >= conditions.least_age, false)
