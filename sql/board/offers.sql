-- One row per community offer and whether it was there, with the total: contacts at which a rule sees that the offer could
-- have answered. An offer is there where its area covers the contact and it is open at the time. Several offers may answer
-- one contact. Most such contacts are followed by no crisis. The 95 % bands are what linkage leaves open; their ends never
-- add up.
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
        signals.scenario,
        signals.person_key,
        contacts.agency
    from opportunities.offers as offers
    inner join opportunities.candidates as signals
        on offers.rule_id = signals.rule_id and offers.contact_id = signals.contact_id
    inner join reference.offers as named on offers.offer_id = named.offer_id
    inner join staging.contacts as contacts on signals.contact_id = contacts.contact_id
    where signals.role = 'signal'
),

central as (
    select
        offer_label,
        coalesce(there_label, 'All signals') as there_label,
        any_value(capacity_per_month) as places_a_month,
        count(distinct contact_id) as signals,
        count(distinct person_key) as people,
        count(distinct agency) as agencies
    from signals
    where scenario = 'central'
    group by grouping sets ((offer_label, there_label), (offer_label))
),

persons as (
    select
        offer_label,
        coalesce(there_label, 'All signals') as there_label,
        scenario,
        person_key,
        count(distinct contact_id) as signals
    from signals
    group by grouping sets ((offer_label, scenario, person_key, there_label), (offer_label, scenario, person_key))
),

-- Only people who are another set of records under a draw are counted anew: out with the ones, in with the others.
changed as (
    select
        changes.variant,
        persons.offer_label,
        persons.there_label,
        sum(changes.sign * persons.signals) as signals,
        sum(changes.sign) as people
    from persons
    inner join staging.person_changes as changes using (scenario, person_key)
    where changes.variant not in ('low', 'high')
    group by changes.variant, persons.offer_label, persons.there_label
),

draws as (
    select unnest(range(1, getvariable('linkage_draws')::bigint + 1))::varchar as variant
),

bands as (
    select
        offer_label, there_label,
        floor(quantile_cont(central.signals + coalesce(changed.signals, 0), 0.025)) as signals_low,
        ceil(quantile_cont(central.signals + coalesce(changed.signals, 0), 0.975)) as signals_high,
        floor(quantile_cont(central.people + coalesce(changed.people, 0), 0.025)) as people_low,
        ceil(quantile_cont(central.people + coalesce(changed.people, 0), 0.975)) as people_high
    from central
    cross join draws
    left join changed using (offer_label, there_label, variant)
    group by offer_label, there_label
)

select
    offer_label, -- [label] Community offer
    there_label, -- [label] Whether the offer was there, or all signals
    central.places_a_month, -- [label] People whom the offer can take in a month; empty where not known
    (select count(*) from staging.months)::bigint as months, -- [label] Months of the period covered
    central.signals, -- [count] Contacts that the offer could have answered
    bands.signals_low::bigint as signals_low, -- [count] Lower end of the band of these contacts
    bands.signals_high::bigint as signals_high, -- [count] Upper end of the band of these contacts
    central.people, -- [people] People with such a contact
    bands.people_low::bigint as people_low, -- [people] Lower end of the band of people
    bands.people_high::bigint as people_high, -- [people] Upper end of the band of people
    central.agencies -- [agencies] Agencies that had these contacts
from central
inner join bands using (offer_label, there_label)
