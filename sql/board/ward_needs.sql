-- One row per need, district and ward, with their totals: contacts of the whole period by where they took place or where the
-- person lives. All months count, also those for which some records are missing.
-- Counts: contacts
-- Adds up: need_label to 'All needs'
-- Adds up: district_label to 'Whole partnership'
-- Adds up: ward_label to 'All wards'
-- Within: people in contacts
-- Key: need_label, district_label, ward_label
with contacts as (
    select
        needs.label as need_label,
        coalesce(areas.district_name, 'Elsewhere or not known') as district_label,
        coalesce(areas.ward_name, 'Elsewhere or not known') as ward_label,
        contacts.person_id,
        contacts.agency
    from staging.contacts as contacts
    inner join reference.needs as needs using (need)
    left join reference.areas as areas using (lsoa)
)

select
    coalesce(need_label, 'All needs') as need_label, -- [label] Need of the contact, or all needs
    coalesce(district_label, 'Whole partnership') as district_label, -- [label] District, or the whole partnership
    coalesce(ward_label, 'All wards') as ward_label, -- [label] Ward, or all wards
    count(*) as contacts, -- [count] Contacts
    count(distinct person_id) as people, -- [people] People with at least one of them
    count(distinct agency) as agencies -- [agencies] Agencies that had them
from contacts
group by grouping sets (
    (need_label, district_label, ward_label), (district_label, ward_label),
    (need_label, district_label), (district_label), (need_label), ()
)
having count(*) > 0
