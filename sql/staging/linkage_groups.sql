-- One row per client and group that the client is in: everybody, and one group each by sex, age band, ethnic group and
-- deprivation. A client whose agency did not write it down is in the group 'not recorded'.
-- Key: agency, feed, person_ref, grouping
with named as (
    select agency, feed, person_ref, person_id, linked, 'everybody' as grouping, 'everybody' as group_name
    from staging.linkage_clients
    union all
    select agency, feed, person_ref, person_id, linked, 'sex', sex
    from staging.linkage_clients
    union all
    select agency, feed, person_ref, person_id, linked, 'age band', age_band
    from staging.linkage_clients
    union all
    select agency, feed, person_ref, person_id, linked, 'ethnic group', ethnic_group
    from staging.linkage_clients
    union all
    select agency, feed, person_ref, person_id, linked, 'deprivation quintile', imd_quintile::varchar
    from staging.linkage_clients
)

select
    agency, -- Agency that delivered the record
    feed, -- Kind of extract
    person_ref, -- The agency's pseudonym of its client; goes no further than staging
    person_id, -- Linked person
    linked, -- Whether the person has a record in another feed
    grouping, -- everybody, sex, age band, ethnic group or deprivation quintile
    coalesce(group_name, 'not recorded') as group_name -- Group of the client
from named
