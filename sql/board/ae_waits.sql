-- One row per age band and length of stay, with their totals: A&E stays from arrival to departure. No stay is left out for
-- its length; those without a known end are a row of their own.
-- Counts: ae_stays
-- Adds up: age_label to 'All ages', people once
-- Adds up: wait_label to 'All stays'
-- Within: people in stays
-- Key: age_label, wait_label
with stays as (
    select
        coalesce(people.age_band, 'Not known') as age_label,
        case
            when waits.minutes is null then 'Not known'
            when waits.over_24_hours then '24 hours or more'
            when waits.over_12_hours then '12 to 24 hours'
            when waits.over_4_hours then '4 to 12 hours'
            else 'Up to 4 hours'
        end as wait_label,
        waits.person_id,
        waits.agency,
        waits.minutes
    from marts.waits as waits
    left join marts.people as people using (person_id)
    where waits.wait_kind = 'ae_stay'
)

select
    coalesce(age_label, 'All ages') as age_label, -- [label] Age band of the person, or all ages
    coalesce(wait_label, 'All stays') as wait_label, -- [label] Length of the stay, or all stays
    count(*) as stays, -- [count] A&E stays
    count(distinct person_id) as people, -- [people] People who stayed
    coalesce(sum(minutes), 0)::bigint as minutes, -- [minutes] Minutes of these stays
    count(distinct agency) as agencies -- [agencies] Agencies that run the departments
from stays
group by cube (age_label, wait_label)
having count(*) > 0
