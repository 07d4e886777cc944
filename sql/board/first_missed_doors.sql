-- One row per need, service and district, with their totals: spells that came to a crisis after a first door that ended
-- without help, counted at that door, with the 95 % band in which the true number lies as far as linkage can tell. The
-- district is that of the door's contact. Ends of bands are of draws of who may be who, so they never add up.
-- Counts: spells_with_missed_door
-- Adds up: need_label to 'All needs'
-- Adds up: door_label to 'All services'
-- Adds up: district_label to 'Whole partnership'
-- Within: people in spells
-- Key: need_label, door_label, district_label
with missed_doors as (
    select
        doors.scenario,
        doors.person_key,
        needs.label as need_label,
        feeds.label as door_label,
        coalesce(areas.district_name, 'Elsewhere or not known') as district_label,
        doors.first_missed_door_agency as agency
    from journeys.first_doors as doors
    inner join journeys.spells as spells using (scenario, person_key, spell_id)
    inner join staging.contacts as contacts on doors.first_missed_door_contact_id = contacts.contact_id
    inner join reference.needs as needs on spells.need = needs.need
    inner join reference.feeds as feeds on doors.first_missed_door_feed = feeds.feed
    left join reference.areas as areas on contacts.lsoa = areas.lsoa
),

central as (
    select
        coalesce(need_label, 'All needs') as need_label,
        coalesce(door_label, 'All services') as door_label,
        coalesce(district_label, 'Whole partnership') as district_label,
        count(*) as spells,
        count(distinct person_key) as people,
        count(distinct agency) as agencies
    from missed_doors
    where scenario = 'central'
    group by cube (need_label, door_label, district_label)
    having count(*) > 0
),

-- Only people who are another set of records under a draw are counted anew: out with the ones, in with the others.
changed as (
    select
        changes.variant,
        coalesce(need_label, 'All needs') as need_label,
        coalesce(door_label, 'All services') as door_label,
        coalesce(district_label, 'Whole partnership') as district_label,
        sum(changes.sign) as spells
    from missed_doors
    inner join staging.person_changes as changes using (scenario, person_key)
    where changes.variant not in ('low', 'high')
    group by variant, cube (need_label, door_label, district_label)
),

draws as (
    select unnest(range(1, getvariable('linkage_draws')::bigint + 1))::varchar as variant
),

bands as (
    select
        need_label, door_label, district_label,
        floor(quantile_cont(central.spells + coalesce(changed.spells, 0), 0.025)) as spells_low,
        ceil(quantile_cont(central.spells + coalesce(changed.spells, 0), 0.975)) as spells_high
    from central
    cross join draws
    left join changed using (need_label, door_label, district_label, variant)
    group by need_label, door_label, district_label
)

select
    need_label, -- [label] Need of the spell, or all needs
    door_label, -- [label] Service that was the first missed door, or all services
    district_label, -- [label] District of the missed door's contact, or the whole partnership
    central.spells, -- [count] Spells with their first missed door at this service and a crisis after it
    bands.spells_low::bigint as spells_low, -- [count] Lower end of the band of spells
    bands.spells_high::bigint as spells_high, -- [count] Upper end of the band of spells
    central.people, -- [people] People with such a spell
    central.agencies -- [agencies] Agencies whose door it was
from central
inner join bands using (need_label, door_label, district_label)
