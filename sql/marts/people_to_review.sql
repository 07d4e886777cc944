-- One row per linked person and kind of fact that no one person can show, told by the records of more than one client: a
-- contact after the month of death, two A&E departments at once, ages far apart. The next linkage run reads this list,
-- persons and kinds and nothing else, and puts the person's links into the review queue.
-- Key: person_id, reason
with clients as (
    select person.person_id, person.agency, person.feed, person.person_ref, attributes.age_band, attributes.death_month
    from linkage.person_index as person
    inner join accepted.attributes as attributes using (agency, feed, person_ref)
    where person.records > 1
),

-- Dead by one client's record, there in person by another's: calls and social care paperwork do come after a death.
after_death as (
    select distinct clients.person_id
    from clients
    inner join staging.contact_rows as contacts using (person_id)
    where contacts.left_out is null
        and (contacts.agency, contacts.feed, contacts.person_ref)
        is distinct from (clients.agency, clients.feed, clients.person_ref)
        and clients.death_month is not null
        and strftime(contacts.started_at, '%Y-%m') > clients.death_month
        and contacts.kind in ('ae_attendance', 'section_136')
),

several_ae_records as (
    select person_id from linkage.person_index where feed = 'ae_attendances' group by person_id having count(*) > 1
),

stays as (
    select contacts.person_id, contacts.agency, contacts.team, contacts.person_ref, contacts.started_at,
        contacts.ended_at
    from staging.contact_rows as contacts
    inner join several_ae_records using (person_id)
    where contacts.left_out is null and contacts.kind = 'ae_attendance' and contacts.time_known
        and contacts.ended_at is not null
),

-- A transfer overlaps by minutes, and clocks differ: an hour in both places is somebody else.
at_once as (
    select distinct one.person_id
    from stays as one
    inner join stays as other
        on one.person_id = other.person_id
        and (one.agency, one.person_ref) < (other.agency, other.person_ref)
        and (one.agency, one.team) is distinct from (other.agency, other.team)
        and least(one.ended_at, other.ended_at) - greatest(one.started_at, other.started_at) >= interval 1 hour
),

bands (age_band, place) as (
    values ('0-17', 1), ('18-24', 2), ('25-44', 3), ('45-64', 4), ('65-74', 5), ('75-84', 6), ('85+', 7)
),

-- Bands that do not touch, written down in the same month.
ages_apart as (
    select clients.person_id
    from linkage.person_index as clients
    inner join accepted.attributes as attributes using (agency, feed, person_ref)
    inner join bands using (age_band)
    where clients.records > 1
    group by clients.person_id, attributes.period
    having max(bands.place) - min(bands.place) >= 2
),

facts as (
    select person_id, 'contact_after_death' as reason from after_death
    union
    select person_id, 'two_stays_at_once' from at_once
    union
    select person_id, 'ages_apart' from ages_apart
)

select
    person_id, -- Linked person
    reason -- contact_after_death, two_stays_at_once or ages_apart
from facts
