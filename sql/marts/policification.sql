-- One row per police contact whose need is known and is not crime: whether it ended with the police, or another service
-- saw the person within 72 hours; and the reverse, demand that the police no longer attend and whether it was met
-- elsewhere. The police are often the right service: these are figures of where demand goes, not of mistakes.
-- Key: contact_id
select
    demand.contact_id, -- Police contact
    demand.person_key as person_id, -- Linked person
    contacts.agency, -- Police force
    contacts.team, -- Team that dealt with the incident
    contacts.kind, -- Kind of incident
    contacts.need, -- Need of the contact
    contacts.need_group, -- Group of that need
    demand.at as started_at, -- Start of the contact
    contacts.lsoa, -- Area of the incident or of the home
    areas.ward, -- Ward of the area; empty for an area outside the region
    contacts.crisis, -- Whether it is a crisis contact
    contacts.outcome_group, -- How it ended
    contacts.staff_minutes, -- Minutes of officer time
    details.deployed, -- Whether officers attended
    known.code as rcrp_category, -- Right Care Right Person category; empty where there is none in the code list
    demand.ended_with, -- another_service, passed_on_not_seen (by anybody in time) or police
    demand.ended_with = 'police' as ended_with_police, -- Whether nobody else saw the person and nobody was asked to
    demand.moved, -- Whether the police did not attend under Right Care Right Person
    demand.met, -- Whether demand that moved was met: another service saw the person in time
    demand.seen_contact_id, -- First contact with another service within 72 hours; empty where there was none
    elsewhere.feed as seen_in_feed, -- Kind of extract that it is in
    demand.window_complete -- Whether every other feed covers the time, so that nobody seen means nobody
from journeys.policification as demand
inner join staging.contacts as contacts using (contact_id)
inner join staging.police_incidents as details on contacts.contact_id = details.contact_id and details.left_out is null
left join staging.contacts as elsewhere on demand.seen_contact_id = elsewhere.contact_id
left join reference.areas as areas on contacts.lsoa = areas.lsoa
left join reference.codes as known
    on known.code_list = 'police_rcrp_category' and known.code_key = code_key(details.rcrp_category)
    and contacts.started_at >= known.applies_from and contacts.started_at < known.applies_before
where demand.scenario = 'central'
