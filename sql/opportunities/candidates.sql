-- One row per opportunity rule, linkage scenario, person and candidate contact: a contact at which something could have
-- been done (signal), or a contact of the same kind and like people without the signal (comparison), by the rules in
-- sql/opportunities/mo*.sql. A signal is an opportunity where an offer that answers the rule existed there and then.
-- Key: rule_id, scenario, person_key, contact_id
with first_offers as (
    select
        rule_id,
        contact_id,
        arg_min(offer_id, (priority, offer_id)) as offer_id
    from opportunities.offers
    where availability = 'there'
    group by rule_id, contact_id
)

select
    candidates.scenario, -- central (everybody) or alternative (who is another set of records under some variant)
    candidates.person_key, -- Person in that scenario
    candidates.rule_id, -- Opportunity rule
    candidates.contact_id, -- Contact at which something could have been done, or one to compare it with
    candidates.role, -- signal or comparison
    candidates.at, -- Start of that contact
    candidates.crisis_contact_id, -- First crisis contact by the rule within its window; empty where there was none
    candidates.crisis_at, -- Start of the crisis contact
    candidates.lead_days, -- Days from the contact to the crisis
    candidates.need, -- Need of the contact
    candidates.lsoa, -- Area of the contact
    if(candidates.role = 'signal', first_offers.offer_id, null) as offer_id, -- First offer that existed; empty if none
    candidates.followed_by_crisis, -- Whether a crisis came within the window
    candidates.window_complete -- Whether the records cover the window, so that no crisis means none
from rules.candidates as candidates
left join first_offers using (rule_id, contact_id)
