-- One row per way that spells went over their first three services: a run of contacts with one service is one step. Spells
-- that met one service only are left out.
-- Counts: spells that met two services
-- Adds up: first_label
-- Adds up: second_label
-- Adds up: third_label
-- Within: people in spells
-- Key: first_label, second_label, third_label
with contacts as (
    select
        sequence.spell as spell_id,
        sequence.person as person_id,
        sequence.position,
        sequence.feed,
        sequence.agency_bit as agency,
        sequence.feed is distinct from lag(sequence.feed) over (
            partition by sequence.spell order by sequence.position
        ) as starts_step
    from journeys.sequence as sequence
    where sequence.central
),

steps as (
    select *, row_number() over (partition by spell_id order by position) as step
    from contacts
    where starts_step
    qualify step <= 3
),

labelled as (
    select steps.spell_id, steps.person_id, steps.agency, steps.step, feeds.label
    from steps
    inner join reference.feeds as feeds using (feed)
),

spells as (
    select
        spell_id,
        any_value(person_id) as person_id,
        any_value(label) filter (step = 1) as first_label,
        any_value(label) filter (step = 2) as second_label,
        coalesce(any_value(label) filter (step = 3), 'Nobody else') as third_label,
        list(distinct agency) as agencies
    from labelled
    group by spell_id
    having count(*) > 1
)

select
    first_label, -- [label] First service of the spell
    second_label, -- [label] Next other service
    third_label, -- [label] Service after that, or nobody else
    count(*) as spells, -- [count] Spells that went this way
    count(distinct person_id) as people, -- [people] People with such a spell
    len(list_distinct(flatten(list(agencies)))) as agencies -- [agencies] Agencies that they met
from spells
group by first_label, second_label, third_label
