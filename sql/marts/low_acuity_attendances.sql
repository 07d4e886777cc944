-- One row per A&E attendance, and whether it is an avoidable one by the published measure of low acuity (ScHARR and NHS
-- England, package ESAAvoidableAtt): all six criteria hold. A blank counts as no investigation and no treatment; a blank
-- elsewhere fails its criterion. Police and prison transport count as coming without an ambulance. The measure sees no
-- crisis of frail people, who come by ambulance and stay: that is marts.preventable_crises, never added to this one.
-- Key: contact_id
select
    contacts.contact_id, -- A&E attendance
    contacts.person_id, -- Linked person
    contacts.agency, -- Agency
    contacts.team, -- Site
    contacts.started_at, -- Arrival
    contacts.need, -- Need of the attendance
    contacts.lsoa, -- Area of the home
    areas.ward, -- Ward of the area; empty for an area outside the region
    details.major_department, -- Whether the department is a major one (type 1)
    details.first_visit, -- Whether it is a first attendance and no follow-up
    details.came_without_ambulance, -- Whether the patient came by own means, or by police or prison transport
    details.low_acuity_ending, -- Whether treatment was completed, a GP was to follow up, or the patient left untreated
    details.no_real_investigation, -- Whether every investigation is one of the measure's, or none is given
    details.no_real_treatment, -- Whether every treatment is one of the measure's, or none is given
    details.major_department
    and details.first_visit
    and details.came_without_ambulance
    and details.low_acuity_ending
    and details.no_real_investigation
    and details.no_real_treatment as low_acuity_avoidable -- Whether all six criteria hold
from staging.contacts as contacts
inner join staging.ae_attendances as details using (contact_id)
left join reference.areas as areas on contacts.lsoa = areas.lsoa
where details.left_out is null
