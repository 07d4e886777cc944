-- One row per client and group that the client is in: everybody, and one group each by sex, age band, ethnic group and
-- deprivation. A client whose agency did not write it down is in the group 'not recorded'.
-- Key: client_number, grouping
with named as (
    select client_number, person_number, feed, linked, 'everybody' as grouping, 'everybody' as group_name
    from staging.linkage_clients
    union all
    select client_number, person_number, feed, linked, 'sex', sex
    from staging.linkage_clients
    union all
    select client_number, person_number, feed, linked, 'age band', age_band
    from staging.linkage_clients
    union all
    select client_number, person_number, feed, linked, 'ethnic group', ethnic_group
    from staging.linkage_clients
    union all
    select client_number, person_number, feed, linked, 'deprivation quintile', imd_quintile::varchar
    from staging.linkage_clients
)

select
    client_number, -- Client
    person_number, -- Linked person
    feed, -- Kind of extract
    linked, -- Whether the person has a record in another feed
    grouping, -- everybody, sex, age band, ethnic group or deprivation quintile
    coalesce(group_name, 'not recorded') as group_name -- Group of the client
from named
