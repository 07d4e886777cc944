-- One row per signal of an opportunity rule: a contact at which something could have been done, with the crisis that
-- followed or with none. An opportunity is not a failing: most signals are followed by no crisis.
-- Key: rule_id, signal_contact_id
with rules as (
    select * from opportunities.mo3
)

select
    rule_id, -- Opportunity rule
    person_id, -- Linked person
    signal_contact_id, -- Contact at which something could have been done
    signal_at, -- Start of that contact
    crisis_contact_id, -- First crisis contact with a sign of the same group of needs within the window; empty if none
    crisis_at, -- Start of the crisis contact
    lead_days, -- Days from signal to crisis
    need, -- Need of the signal
    lsoa, -- Area of the home at the signal
    areas.ward, -- Ward of that area; empty for an area outside the region
    offer_id, -- Community offer that answers the signal
    followed_by_crisis, -- Whether a crisis came within the window
    window_complete -- Whether the signal's agency sent every month of the window, so that no crisis means none there
from rules
left join reference.areas as areas using (lsoa)
where scenario = 'central'
