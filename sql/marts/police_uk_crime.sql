-- One row per month, area, type of crime and last outcome that police.uk publishes: context about areas, not about
-- people. Areas are those of anonymised map points, so that a crime near a border may be counted in the next LSOA; compare
-- areas, never place a crime. Not every force publishes every month, and outcomes change in later downloads.
-- Key: month, force, lsoa, crime_type, last_outcome
with crimes as (
    select
        crime.month,
        crime.force,
        coalesce(change.lsoa_2021, crime.lsoa) as lsoa,
        crime.crime_type,
        coalesce(crime.last_outcome, 'None recorded') as last_outcome,
        sum(crime.crimes)::bigint as crimes,
        coalesce(sum(crime.crimes) filter (change.change = 'S'), 0)::bigint as crimes_of_split_areas
    from context.police_uk_crime as crime
    left join reference.lsoa_changes as change
        on change.lsoa_2011 = crime.lsoa and change.best_fit
    group by 1, 2, 3, 4, 5
)

select
    crimes.month, -- Month as YYYY-MM
    crimes.force, -- Police force area that the crime falls within
    crimes.lsoa, -- Area (LSOA 2021) of the anonymised point; empty where police.uk gives none
    areas.ward, -- Ward of the area; empty for an area outside the region
    areas.district, -- District of the area; empty for an area outside the region
    crimes.crime_type, -- Type of crime
    crimes.last_outcome, -- Last outcome at the time of the download; None recorded for anti-social behaviour
    crimes.crimes, -- Crimes and incidents
    crimes.crimes_of_split_areas -- Those of them whose 2011 area was split, put into the first of its parts
from crimes
left join reference.areas as areas on crimes.lsoa = areas.lsoa
