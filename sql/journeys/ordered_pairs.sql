-- One row per linkage scenario, person and ordered pair of services: how often a contact with the first was followed by
-- one with the second. Police then A&E is another pair than A&E then police. A step goes to the person's next contact
-- within the hand-off window (28 days), with the same service too; a spell in order is one in which the first contact with
-- the one service came before the first with the other.
-- Key: scenario, person_key, from_feed, to_feed
with contacts as (
    select
        sequence.scenario,
        sequence.person_key,
        sequence.spell_id,
        sequence.position,
        contacts.feed,
        if(
            sequence.days_to_next <= getvariable('handoff_days'),
            lead(contacts.feed) over (
                partition by sequence.scenario, sequence.person_key order by sequence.position
            ),
            null
        ) as next_feed
    from journeys.sequence as sequence
    inner join staging.contacts as contacts using (contact_id)
),

steps as (
    select scenario, person_key, feed as from_feed, next_feed as to_feed, count(*) as steps
    from contacts
    where next_feed is not null
    group by all
),

first_contacts as (
    select scenario, person_key, spell_id, feed, min(position) as position
    from contacts
    group by all
),

spells as (
    select one.scenario, one.person_key, one.feed as from_feed, other.feed as to_feed, count(*) as spells_in_order
    from first_contacts as one
    inner join first_contacts as other
        on one.scenario = other.scenario
        and one.person_key = other.person_key
        and one.spell_id = other.spell_id
        and one.position < other.position
    group by all
)

select
    scenario, -- central (everybody) or alternative (who is another set of records under some variant)
    person_key, -- Person in that scenario; in the central one the person_id
    from_feed, -- Service of the first contact
    to_feed, -- Service of the contact after it
    coalesce(steps.steps, 0) as steps, -- Contacts with the one whose next contact was with the other
    coalesce(spells.spells_in_order, 0) as spells_in_order -- Spells in which the one was met before the other
from steps
full join spells using (scenario, person_key, from_feed, to_feed)
