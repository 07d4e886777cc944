-- One row per linkage scenario, person with a contact and feed: the days on which a contact of the person in that feed
-- would be in the records. They begin with the period covered and end with a death or a move away (of whose month half
-- counts) unless contacts go on after the move; months that did not arrive from every agency of the feed do not count,
-- months that arrived in part count to the last day covered. The feed 'all feeds' counts days on which no feed is missing.
-- What nobody delivers cannot be known: births, and moves into the area. Of a child first recorded within the period
-- days_least counts from that month, as if born then; days counts from the start of the period. Others differ in nothing.
-- Key: scenario, person_key, feed
with feed_months as (
    select
        feed,
        period,
        min(case
            when arrived then day(last_day((period || '-01')::date))
            when partial_until is not null then day(partial_until)
            else 0
        end) as days
    from staging.slots
    where agency is not null
    group by feed, period
),

observed as (
    select feed, period, days from feed_months
    union all
    select 'all feeds', period, min(days) from feed_months group by period
),

people as (
    select numbers.scenario, numbers.person_key, strftime(max(sequence.started_at), '%Y-%m') as last_month
    from journeys.sequence as sequence
    inner join journeys.person_numbers as numbers using (person)
    group by numbers.scenario, numbers.person_key
),

lives as (
    select
        people.scenario,
        people.person_key,
        if(attributes.first_age_band = '0-17', attributes.first_recorded_month, '') as born_by,
        coalesce(least(
            attributes.death_month,
            if(attributes.moved_away_month >= people.last_month, attributes.moved_away_month, null)
        ), '9999-12') as until_month
    from people
    left join staging.person_attributes as attributes using (scenario, person_key)
),

spans as (
    select
        born_by,
        until_month,
        feed,
        sum(days * share) as days,
        coalesce(sum(days * share) filter (period >= born_by), 0) as days_least
    from (
        select
            lives.*,
            observed.*,
            case when period < until_month then 1 when period = until_month then 0.5 else 0 end as share
        from (select distinct born_by, until_month from lives) as lives
        cross join observed
    )
    group by born_by, until_month, feed
)

select
    lives.scenario, -- central (everybody) or alternative (who is another set of records under some variant)
    lives.person_key, -- Person in that scenario; in the central one the person_id
    spans.feed, -- Feed, or 'all feeds'
    nullif(lives.until_month, '9999-12') as until_month, -- Month of a death or a move away as YYYY-MM; empty for who is here
    spans.days::double as days, -- Days observed, as if nobody had been born in the period
    spans.days_least::double as days_least -- Days observed, as if born when first recorded where that can be
from lives
inner join spans using (born_by, until_month)
