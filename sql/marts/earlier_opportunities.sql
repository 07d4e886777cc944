-- One row per signal of an opportunity rule: a contact at which something could have been done, with the crisis that
-- followed or with none. An opportunity is not a failing: most signals are followed by no crisis, and where no offer
-- existed there and then (offer_id is empty) there was nothing to be done with. marts.opportunity_rules says what each
-- rule looks for and how often a crisis follows without the signal.
-- Key: rule_id, signal_contact_id
select
    candidates.rule_id, -- Opportunity rule
    candidates.person_key as person_id, -- Linked person
    candidates.contact_id as signal_contact_id, -- Contact at which something could have been done
    candidates.at as signal_at, -- Start of that contact
    candidates.crisis_contact_id, -- First crisis contact by the rule within its window; empty if none
    candidates.crisis_at, -- Start of the crisis contact
    candidates.lead_days, -- Days from signal to crisis
    candidates.need, -- Need of the signal
    candidates.lsoa, -- Area of the signal
    areas.ward, -- Ward of that area; empty for an area outside the region
    candidates.offer_id, -- Community offer that answers the signal and existed there and then; empty if none did
    candidates.followed_by_crisis, -- Whether a crisis came within the window
    candidates.window_complete -- Whether the records cover the window, so that no crisis means none there
from opportunities.candidates as candidates
left join reference.areas as areas on candidates.lsoa = areas.lsoa
where candidates.scenario = 'central' and candidates.role = 'signal'
