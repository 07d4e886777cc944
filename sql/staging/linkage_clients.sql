-- One row per client of an agency's feed: the person they were linked to, and the attributes that this agency itself
-- wrote down last. Groups are told by the agency's own record, since a linked record would lend its attributes.
-- Key: agency, feed, person_ref
with attributes as (
    select
        agency, feed, person_ref,
        arg_max(sex, period) filter (sex is not null) as sex,
        arg_max(age_band, period) filter (age_band is not null) as age_band,
        arg_max(ethnic_group, period) filter (ethnic_group is not null) as ethnic_group,
        arg_max(imd_quintile, period) filter (imd_quintile is not null) as imd_quintile
    from accepted.attributes
    group by agency, feed, person_ref
),

people as (
    select person_id, row_number() over () as person_number, count(distinct feed) as feeds
    from linkage.person_index
    group by person_id
)

select
    clients.agency, -- Agency that delivered the record
    clients.feed, -- Kind of extract
    clients.person_ref, -- The agency's pseudonym of its client; goes no further than staging
    row_number() over () as client_number, -- Number of the client in this build: joins of millions by three texts are slow
    clients.person_id, -- Linked person
    people.person_number, -- Number of the person in this build
    people.feeds >= 2 as linked, -- Whether the person has a record in another feed
    attributes.sex, -- F, M or X as this agency wrote it down last
    attributes.age_band, -- Age band as this agency wrote it down last
    attributes.ethnic_group, -- One of five ethnic groups as this agency wrote it down last
    attributes.imd_quintile -- Deprivation quintile of the home as this agency wrote it down last; 1 is the most deprived
from linkage.person_index as clients
inner join people using (person_id)
left join attributes using (agency, feed, person_ref)
