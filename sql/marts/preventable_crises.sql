-- One row per crisis contact with A&E or the police, and whether it shows a condition for which earlier help in the
-- community can prevent a crisis: ambulatory care sensitive conditions, falls and frailty of older people, mental health.
-- Which codes these are stands in marts.preventable_conditions, which clinicians can change. This is one of two measures
-- that answer different questions and are never added up; the other is marts.low_acuity_attendances.
-- Key: contact_id
with shown as (
    select
        contact_id,
        bool_or(condition_group = 'ambulatory_care_sensitive') as ambulatory_care_sensitive,
        bool_or(condition_group = 'fall') as fall,
        bool_or(condition_group = 'frailty') as frailty,
        bool_or(condition_group = 'mental_health') as mental_health,
        string_agg(distinct condition, ';' order by condition) as conditions
    from staging.preventable_conditions
    group by contact_id
)

select
    contacts.contact_id, -- Crisis contact
    contacts.person_id, -- Linked person
    contacts.agency, -- Agency
    contacts.feed, -- Kind of extract
    contacts.kind, -- Kind of contact
    contacts.started_at, -- Start
    contacts.need, -- Need of the contact
    contacts.outcome_group, -- How it ended
    contacts.lsoa, -- Area of the home or of the incident
    areas.ward, -- Ward of the area; empty for an area outside the region
    shown.contact_id is not null as preventable_crisis, -- Whether any of the conditions below is shown
    coalesce(shown.ambulatory_care_sensitive, false) as ambulatory_care_sensitive, -- Whether one of these is shown
    coalesce(shown.fall, false) as fall, -- Whether an older person fell
    coalesce(shown.frailty, false) as frailty, -- Whether an older person is frail or confused
    coalesce(shown.mental_health, false) as mental_health, -- Whether mental distress or illness is shown
    shown.conditions -- The conditions, separated by semicolons; empty where there is none
from staging.contacts as contacts
left join shown using (contact_id)
left join reference.areas as areas on contacts.lsoa = areas.lsoa
where contacts.crisis and contacts.feed in ('ae_attendances', 'police_incidents')
