-- One row per community offer and whether it was there, with the total: contacts at which a rule sees that the offer could
-- have answered. An offer is there where its area covers the contact and it is open at the time. Several offers may answer
-- one contact. Most such contacts are followed by no crisis.
-- Counts: signals by offer
-- Adds up: there_label to 'All signals'
-- Within: people in signals
-- Key: offer_label, there_label
with signals as (
    select distinct
        named.label as offer_label,
        named.capacity_per_month,
        case offers.availability
            when 'there' then 'There and open'
            when 'closed' then 'There and closed'
            when 'elsewhere' then 'Not in that place'
            when 'not_then' then 'Not at that time'
            else 'Place not known'
        end as there_label,
        signals.contact_id,
        signals.person_key,
        contacts.agency
    from opportunities.offers as offers
    inner join opportunities.candidates as signals
        on offers.rule_id = signals.rule_id and offers.contact_id = signals.contact_id
    inner join reference.offers as named on offers.offer_id = named.offer_id
    inner join staging.contacts as contacts on signals.contact_id = contacts.contact_id
    where signals.scenario = 'central' and signals.role = 'signal'
)

select
    offer_label, -- [label] Community offer
    coalesce(there_label, 'All signals') as there_label, -- [label] Whether the offer was there, or all signals
    any_value(capacity_per_month) as places_a_month, -- [label] People whom the offer can take in a month; empty where not known
    (select count(*) from staging.months)::bigint as months, -- [label] Months of the period covered
    count(distinct contact_id) as signals, -- [count] Contacts that the offer could have answered
    count(distinct person_key) as people, -- [people] People with such a contact
    count(distinct agency) as agencies -- [agencies] Agencies that had these contacts
from signals
group by grouping sets ((offer_label, there_label), (offer_label))
