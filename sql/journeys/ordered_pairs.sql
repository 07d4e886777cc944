-- One row per linkage scenario, person and ordered pair of services: how often a contact with the first was followed by
-- one with the second. Police then A&E is another pair than A&E then police. A step goes to the person's next contact
-- within the hand-off window (28 days), with the same service too; a spell in order is one in which the first contact with
-- the one service came before the first with the other.
-- Key: scenario, person_key, from_feed, to_feed
with steps as (
    select person, feed as from_feed, next_feed as to_feed, count(*) as steps
    from journeys.sequence
    where days_to_next <= getvariable('handoff_days')
    group by all
),

-- A spell of one contact has no order.
first_contacts as (
    select person, spell, feed, min(position) as position
    from journeys.sequence
    where least(days_since_previous, days_to_next) < getvariable('spell_gap_days')
    group by all
),

spells as (
    select one.person, one.feed as from_feed, other.feed as to_feed, count(*) as spells_in_order
    from first_contacts as one
    inner join first_contacts as other
        on one.person = other.person
        and one.spell = other.spell
        and one.position < other.position
    group by all
),

pairs as (
    select
        person,
        from_feed,
        to_feed,
        coalesce(steps.steps, 0) as steps,
        coalesce(spells.spells_in_order, 0) as spells_in_order
    from steps
    full join spells using (person, from_feed, to_feed)
)

select
    people.scenario, -- central (everybody) or alternative (who is another set of records under some variant)
    people.person_key, -- Person in that scenario; in the central one the person_id
    pairs.from_feed, -- Service of the first contact
    pairs.to_feed, -- Service of the contact after it
    pairs.steps, -- Contacts with the one whose next contact was with the other
    pairs.spells_in_order -- Spells in which the one was met before the other
from pairs
inner join journeys.person_numbers as people using (person)
