-- One row per linked person with two or more contacts: how the contacts spread over agencies and over time.
-- Key: person_id
select
    person_key as person_id, -- Linked person
    contacts, -- Contacts
    agencies, -- Agencies with a contact
    agencies_in_90_days, -- Most agencies in any 90 days, first and last day counted
    switches, -- Contacts whose next contact was with another agency
    entropy, -- Entropy of the agencies' shares of contacts in bits; 0 for one agency
    median_days_between, -- Median days from a contact to the next
    burstiness -- (s - m) / (s + m) of days between contacts: -1 regular, 0 by chance, 1 bursts; empty under three contacts
from journeys.agency_mix
where scenario = 'central'
