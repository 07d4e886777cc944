-- One row per ward: crisis contacts in months for which every service's records arrived, and the years that the ward's
-- residents were observed in these months. Rates are left to the reader, and are crude: wards with older people have more.
-- Counts: crisis contacts in complete months
-- Adds up: district_label
-- Adds up: ward_label
-- Within: people in crisis_contacts
-- Key: district_label, ward_label
with months as (
    select period, day(last_day((period || '-01')::date)) as days
    from staging.slots
    group by period
    having bool_and(arrived)
),

wards as (
    select
        ward, any_value(district_name) as district_label, any_value(ward_name) as ward_label, sum(residents) as residents
    from reference.areas
    group by ward
),

observed as (
    select coalesce(sum(days), 0) as days from months
),

counted as (
    select
        areas.ward,
        count(*) as crisis_contacts,
        count(distinct contacts.person_id) as people,
        count(distinct contacts.agency) as agencies
    from staging.contacts as contacts
    semi join months using (period)
    inner join reference.areas as areas using (lsoa)
    where contacts.crisis
    group by areas.ward
)

select
    wards.ward, -- [label] Code of the ward
    wards.ward_label, -- [label] Ward
    wards.district_label, -- [label] District of the ward
    round(wards.residents * observed.days / 365.25)::bigint as resident_years, -- [label] Residents' years observed; public
    coalesce(counted.crisis_contacts, 0) as crisis_contacts, -- [count] Crisis contacts
    coalesce(counted.people, 0) as people, -- [people] People with at least one of them
    coalesce(counted.agencies, 0) as agencies -- [agencies] Agencies that had them
from wards
cross join observed
left join counted using (ward)
