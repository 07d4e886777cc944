-- One row per linkage scenario and person with two or more contacts: how the person's contacts spread over agencies and
-- over time.
-- Key: scenario, person_key
with agencies as (
    select agency, 1::bigint << (row_number() over (order by agency) - 1)::integer as agency_bit
    from (select distinct agency from staging.contacts)
),

contacts as (
    select
        sequence.scenario,
        sequence.person_key,
        sequence.position,
        sequence.days_to_next,
        contacts.agency,
        contacts.started_at::date as day,
        agencies.agency_bit
    from journeys.sequence as sequence
    inner join staging.contacts as contacts using (contact_id)
    inner join agencies using (agency)
),

-- The window ends on the day of a contact: the most agencies are met in one that does.
placed as (
    select
        scenario,
        person_key,
        agency,
        days_to_next,
        agency <> lead(agency) over (partition by scenario, person_key order by position) as switches,
        bit_count(bit_or(agency_bit) over (
            partition by scenario, person_key
            order by day
            range between to_days((getvariable('agency_mix_days') - 1)::integer) preceding and current row
        )) as agencies_in_window
    from contacts
)

select
    scenario, -- central (everybody) or alternative (who is another set of records under some variant)
    person_key, -- Person in that scenario; in the central one the person_id
    count(*) as contacts, -- Contacts
    count(distinct agency) as agencies, -- Agencies with a contact
    max(agencies_in_window)::bigint as agencies_in_90_days, -- Most agencies in any 90 days, first and last day counted
    count(*) filter (switches) as switches, -- Contacts whose next contact was with another agency
    round(entropy(agency), 4) as entropy, -- Entropy of the agencies' shares of contacts in bits; 0 for one agency
    median(days_to_next) as median_days_between, -- Median days from a contact to the next
    case when count(*) > 2 and max(days_to_next) > 0
        then round(
            (stddev_pop(days_to_next) - avg(days_to_next)) / (stddev_pop(days_to_next) + avg(days_to_next)), 4
        )
    end as burstiness -- (s - m) / (s + m) of days between contacts: -1 regular, 0 by chance, 1 bursts; empty under three
from placed
group by scenario, person_key
having count(*) > 1
