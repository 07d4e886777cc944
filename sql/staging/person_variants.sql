-- One row per variant of the linkage and agency record whose person is there another set of records than in the central
-- scenario. Variants are the low threshold (more links), the high one (fewer links) and each draw of who may be who.
-- Key: variant, agency, feed, person_ref
with records as materialized (
    select
        hash(agency, feed, person_ref) as record, agency, feed, person_ref, person_id, person_id_low, person_id_high
    from linkage.person_index
),

thresholds as (
    select 'low' as variant, record, agency, feed, person_ref, person_id, person_id_low as person_key from records
    union all
    select 'high', record, agency, feed, person_ref, person_id, person_id_high from records
),

central_sizes as (
    select person_id, count(*) as records from records group by person_id
),

changed as (
    select thresholds.variant, thresholds.person_key
    from thresholds
    inner join central_sizes using (person_id)
    group by thresholds.variant, thresholds.person_key
    having min(thresholds.person_id) <> max(thresholds.person_id) or count(*) <> any_value(central_sizes.records)
),

variants as (
    select thresholds.*
    from thresholds
    semi join changed using (variant, person_key)
    union all
    select drawn.draw::varchar, records.record, agency, feed, person_ref, records.person_id, drawn.person_key
    from linkage.person_draws as drawn
    inner join records using (agency, feed, person_ref)
),

-- Two keys with as many records and the same sum of their hashes name one set of records.
sets as (
    select person_key, count(*) as records, sum(record) as fingerprint
    from (select distinct person_key, record from variants)
    group by person_key
),

names as (
    select person_key, min(person_key) over (partition by records, fingerprint) as name from sets
)

select
    variants.variant, -- low, high or the number of the draw from 1
    variants.agency, -- Agency that delivered the record
    variants.feed, -- Kind of extract
    variants.person_ref, -- The agency's pseudonym of its client; goes no further than staging
    variants.person_id, -- Person in the central scenario
    names.name as person_key -- Person under the variant; the same set of records has the same key under every variant
from variants
inner join names using (person_key)
