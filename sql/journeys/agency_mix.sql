-- One row per linkage scenario and person with two or more contacts: how the person's contacts spread over agencies and
-- over time.
-- Key: scenario, person_key
with people as (
    select
        person,
        count(*) as contacts,
        bit_count(bit_or(agency_bit)) as agencies,
        count(*) filter (agency_bit <> next_agency_bit) as switches,
        if(bit_count(bit_or(agency_bit)) = 1, 0, entropy(agency_bit)) as entropy,
        median(days_to_next) as median_days_between,
        case when count(*) > 2 and max(days_to_next) > 0
            then (stddev_pop(days_to_next) - avg(days_to_next)) / (stddev_pop(days_to_next) + avg(days_to_next))
        end as burstiness
    from journeys.sequence
    group by person
    having count(*) > 1
),

-- The window ends on the day of a contact: the most agencies are met in one that does.
windows as (
    select
        sequence.person,
        bit_count(bit_or(sequence.agency_bit) over (
            partition by sequence.person
            order by sequence.started_at::date
            range between to_days((getvariable('agency_mix_days') - 1)::integer) preceding and current row
        )) as agencies
    from journeys.sequence as sequence
    semi join (select person from people where agencies > 1) using (person)
),

most_in_windows as (
    select person, max(agencies) as agencies from windows group by person
)

select
    numbers.scenario, -- central (everybody) or alternative (who is another set of records under some variant)
    numbers.person_key, -- Person in that scenario; in the central one the person_id
    people.contacts, -- Contacts
    people.agencies::bigint as agencies, -- Agencies with a contact
    coalesce(most_in_windows.agencies, 1)::bigint as agencies_in_90_days, -- Most agencies in any 90 days, first and last day counted
    people.switches, -- Contacts whose next contact was with another agency
    round(people.entropy, 4) as entropy, -- Entropy of the agencies' shares of contacts in bits; 0 for one agency
    people.median_days_between, -- Median days from a contact to the next
    round(people.burstiness, 4) as burstiness -- (s - m) / (s + m) of days between contacts: -1 regular, 0 by chance, 1 bursts; empty under three
from people
inner join journeys.person_numbers as numbers using (person)
left join most_in_windows using (person)
