-- One row per linkage scenario and person, with attributes from their most recent record that has them.
-- Nobody delivers a date of birth: all that is known of a birth is when a record first shows the person, and in which age
-- band.
-- Key: scenario, person_key
with records as (
    select 'central' as scenario, person_id as person_key, hash(agency, feed, person_ref) as record
    from linkage.person_index
    union all
    select distinct 'alternative', person_key, hash(agency, feed, person_ref)
    from staging.person_variants
),

attributes as (
    select
        hash(agency, feed, person_ref) as record,
        period, sex, age_band, ethnic_group, imd_quintile, death_month, moved_away_month,
        row_number() over (order by period, feed, agency, person_ref) as recency
    from accepted.attributes
)

select
    records.scenario, -- central (everybody) or alternative (who is another set of records under some variant)
    records.person_key, -- Person in that scenario; in the central one the person_id
    arg_max(sex, recency) filter (sex is not null) as sex, -- F, M or X
    arg_max(age_band, recency) filter (age_band is not null) as age_band, -- Age band
    arg_max(ethnic_group, recency) filter (ethnic_group is not null) as ethnic_group, -- One of five ethnic groups
    arg_max(
        imd_quintile, recency
    ) filter (imd_quintile is not null) as imd_quintile, -- Deprivation quintile of the home; 1 is the most deprived
    arg_max(death_month, recency) filter (death_month is not null) as death_month, -- Month of death as YYYY-MM
    arg_max(
        moved_away_month, recency
    ) filter (moved_away_month is not null) as moved_away_month, -- Month in which the person left the area as YYYY-MM
    min(period) as first_recorded_month, -- First month for which an agency listed the person as YYYY-MM
    arg_min(age_band, recency) as first_age_band -- Age band in the first record; empty where it does not say
from records
inner join attributes using (record)
group by records.scenario, records.person_key
