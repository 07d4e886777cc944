-- One row per hand-off: a contact whose next contact, within 28 days, was with another agency, or with another team of
-- the same agency where both teams are known.
-- Key: contact_id
select
    contact_id, -- Contact that was followed by one elsewhere
    next_contact_id, -- The contact elsewhere
    person_key as person_id, -- Linked person
    between_agencies, -- Whether the two contacts were with different agencies
    from_agency, -- Agency of the first contact
    from_feed, -- Feed of the first contact
    from_team, -- Team of the first contact
    to_agency, -- Agency of the next contact
    to_feed, -- Feed of the next contact
    to_team, -- Team of the next contact
    handed_off_at, -- Start of the first contact
    days_between, -- Days between the starts of the two contacts
    need, -- Need of the first contact
    next_need, -- Need of the next contact
    same_need, -- Whether both contacts were for one group of needs
    outcome_group -- How the first contact ended
from journeys.handoffs
where scenario = 'central'
