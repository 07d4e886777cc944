-- One row per bounce: a contact whose next contact for the same group of needs was with another agency within 72 hours
-- (three days where a time of day is not known). A person whom the first service passed on did not go round alone.
-- Key: contact_id
select
    contact_id, -- Contact that was followed by one elsewhere for the same need
    next_contact_id, -- The contact elsewhere
    person_key as person_id, -- Linked person
    from_agency, -- Agency of the first contact
    from_feed, -- Feed of the first contact
    to_agency, -- Agency of the next contact
    to_feed, -- Feed of the next contact
    need_group, -- Group of needs of both contacts
    bounced_at, -- Start of the first contact
    hours_between, -- Hours between the starts; empty where a time of day is not known
    days_between, -- Days between the starts
    outcome_group, -- How the first contact ended
    passed_on, -- Whether the first service asked another to help
    to_crisis -- Whether the next contact was a crisis contact
from journeys.bounces
where scenario = 'central'
