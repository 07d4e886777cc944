-- One row per public protection notice that the police raised: whether it was shared with social care, whether social
-- care did anything within 28 days, and the first crisis within 90 days. Compare notices only where window_complete.
-- Key: contact_id
select
    unheard.contact_id, -- Police contact at which the notice was raised
    unheard.person_key as person_id, -- Linked person
    contacts.agency, -- Police force
    contacts.team, -- Team that dealt with the incident
    unheard.at as started_at, -- Start of that contact
    contacts.need, -- Need of the contact
    contacts.lsoa, -- Area of the incident or of the home
    areas.ward, -- Ward of the area; empty for an area outside the region
    unheard.shared_with_social_care, -- Whether the notice was shared with social care
    unheard.social_care_contact_id, -- First social care event within 28 days; empty where there was none
    date_diff('day', unheard.at, unheard.social_care_at) as days_to_social_care, -- Days from the notice to that event
    unheard.heard, -- Whether there was a social care event within 28 days
    unheard.crisis_contact_id, -- First crisis contact within 90 days; empty where there was none
    unheard.crisis_at, -- Start of the crisis contact
    unheard.days_to_crisis, -- Days from the notice to the crisis
    unheard.unheard_before_crisis, -- Whether it was shared, nobody heard it, and a crisis came
    unheard.window_complete -- Whether the records cover the 28 and the 90 days, and the person lived here all the while
from journeys.unheard as unheard
inner join staging.contacts as contacts using (contact_id)
left join reference.areas as areas on contacts.lsoa = areas.lsoa
where unheard.scenario = 'central'
