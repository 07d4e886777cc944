-- One row per contact, linkage scenario and person whose contact it is there. In the central scenario is everybody;
-- alternatives are the people who, at the low or the high threshold or under some draw of who may be who, are another
-- set of records than in the central scenario, each such set once. A figure under a variant is the central one less the
-- people that staging.person_alternatives replaces there and with those that it names in their place.
-- Key: contact_id, scenario, person_key
with contacts as (
    select contact_id, hash(agency, feed, person_ref) as record, person_id
    from staging.contact_rows
    where left_out is null
),

alternatives as (
    select distinct hash(agency, feed, person_ref) as record, person_key from staging.person_variants
)

select
    contact_id, -- Contact
    'central' as scenario, -- central (everybody) or alternative (who is another set of records under some variant)
    person_id as person_key -- Person in that scenario; in the central one the person_id
from contacts
union all
select contacts.contact_id, 'alternative', alternatives.person_key
from contacts
inner join alternatives using (record)
