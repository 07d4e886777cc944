-- One row per draw of who may be who and headline about the time between contacts, with how far the figure counted under
-- the draw is off where whole people are joined. Draws join people at random in place of those whom no blocking rule
-- compared. So many are joined rightly, but they are strangers, whose contacts are not close in time as one person's are:
-- hand-offs and bounces would be too few, spells too many. What such a join brings to these figures is therefore taken
-- from a link drawn at random among those that draws take apart.
-- Key: headline_id, variant
with draws as (
    select * from staging.person_alternatives where variant not in ('low', 'high')
),

keys_of_person as (
    select variant, person_id, list(person_key order by person_key) as keys from draws group by variant, person_id
),

people_of_key as (
    select variant, person_key, list(person_id order by person_id) as people from draws group by variant, person_key
),

-- People who are whole in one key that holds others, too.
joined as (
    select of_key.variant, of_key.person_key, len(any_value(of_key.people)) - 1 as joins
    from people_of_key as of_key
    inner join draws using (variant, person_key)
    inner join keys_of_person as of_person on draws.variant = of_person.variant and draws.person_id = of_person.person_id
    where len(of_key.people) > 1
    group by of_key.variant, of_key.person_key
    having max(len(of_person.keys)) = 1
),

-- A person taken apart into parts that hold nobody else; the same parts count once however many draws have them.
apart as (
    select of_person.person_id, of_person.keys
    from keys_of_person as of_person
    inner join draws using (variant, person_id)
    inner join people_of_key as of_key on draws.variant = of_key.variant and draws.person_key = of_key.person_key
    where len(of_person.keys) > 1
    group by of_person.variant, of_person.person_id, of_person.keys
    having max(len(of_key.people)) = 1
),

links as (
    select person_id, keys, row_number() over (order by person_id, keys) - 1 as link
    from (select distinct person_id, keys from apart)
),

figures as (
    select people.headline_id, people.scenario, people.person_key, people.amount
    from journeys.headline_people as people
    inner join journeys.headlines as headlines using (headline_id)
    where headlines.unit in ('hand-offs', 'bounces', 'spells')
),

brought as (
    select links.link, figures.headline_id, figures.amount / (len(links.keys) - 1) as amount
    from links
    inner join figures on figures.scenario = 'central' and links.person_id = figures.person_key
    union all
    select parts.link, figures.headline_id, -figures.amount / parts.joins
    from (select link, len(keys) - 1 as joins, unnest(keys) as person_key from links) as parts
    inner join figures on figures.scenario = 'alternative' and parts.person_key = figures.person_key
),

by_link as (
    select link, headline_id, sum(amount) as amount from brought group by link, headline_id
),

drawn as (
    select *, (hash(variant, person_key) % (select count(*) from links))::bigint as link from joined
),

off as (
    select drawn.variant, by_link.headline_id, drawn.joins * by_link.amount as amount
    from drawn
    inner join by_link using (link)
    union all
    select drawn.variant, figures.headline_id, -figures.amount
    from drawn
    inner join figures on figures.scenario = 'alternative' and drawn.person_key = figures.person_key
    union all
    select drawn.variant, figures.headline_id, figures.amount
    from drawn
    inner join draws using (variant, person_key)
    inner join figures on figures.scenario = 'central' and draws.person_id = figures.person_key
)

select
    variant, -- Number of the draw from 1
    headline_id, -- Name of the figure
    sum(amount) as amount -- What is to be added to the figure counted under the draw
from off
where exists (from links)
group by variant, headline_id
