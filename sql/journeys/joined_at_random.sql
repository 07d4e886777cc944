-- One row per draw of who may be who and headline about the time between contacts, with how far the figure counted under
-- the draw is off where whole people are joined. Draws join people at random in place of those whom no blocking rule
-- compared. So many are joined rightly, but they are strangers, whose contacts are not close in time as one person's are:
-- hand-offs and bounces would be too few, spells too many. What such a join brings to these figures is therefore taken
-- from a link drawn at random among those that draws take apart.
-- Key: headline_id, variant
with draws as (
    select
        variant, person_id, person_key,
        hash(variant, person_id) as person, hash(variant, person_key) as key
    from staging.person_alternatives
    where variant not in ('low', 'high')
),

people_in_parts as (
    select person from draws group by person having count(*) > 1
),

keys_of_several as (
    select key from draws group by key having count(*) > 1
),

-- People who are whole in one key that holds others, too.
joined as (
    select draws.variant, draws.person_key, count(*) - 1 as joins
    from draws
    semi join keys_of_several using (key)
    left join people_in_parts as parts using (person)
    group by draws.variant, draws.person_key
    having count(parts.person) = 0
),

-- A person taken apart into parts that hold nobody else; the same parts count once however many draws have them.
apart as (
    select draws.person_id, list(draws.person_key order by draws.person_key) as keys
    from draws
    semi join people_in_parts using (person)
    left join keys_of_several as several using (key)
    group by draws.variant, draws.person_id
    having count(several.key) = 0
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
