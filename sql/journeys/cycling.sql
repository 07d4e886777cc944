-- One row per linkage scenario, person and definition of frequent use that the person ever met. A definition in
-- data/reference/definitions.csv is met at a contact when the window of days that ends there, or the calendar month or
-- year up to there, holds enough of the contacts that count, of crisis contacts and of agencies; for the most frequent
-- at each A&E it is the last window of the records at one site. A definition made of others is met at a contact that
-- meets one of them while enough of them hold; each holds until its window no longer has enough contacts.
-- Key: scenario, person_key, definition_id
with counting as (
    select
        definition_id,
        list(hash(feed, kind, need, outcome_group, role, age_band, homeless) order by all) as kind_keys
    from journeys.counted_kinds
    group by definition_id
),

-- Definitions that count the same kinds of contacts in windows of one length are worked out on the same windows.
definitions as (
    select
        definition_id,
        definitions.min_contacts,
        coalesce(definitions.min_crisis, 0) as min_crisis,
        coalesce(definitions.min_agencies, 1) as min_agencies,
        definitions.window_days,
        definitions.calendar,
        definitions.top,
        coalesce(definitions.only_part, false) as only_part,
        dense_rank() over (order by counting.kind_keys) as counted,
        dense_rank() over (
            order by counting.kind_keys, definitions.window_days, definitions.calendar, definitions.top
        ) as window_id
    from reference.definitions as definitions
    inner join counting using (definition_id)
),

window_kinds as (
    select
        window_id, counted, window_days, calendar, top,
        min(min_contacts) as min_contacts,
        min(min_crisis) as min_crisis,
        min(min_agencies) as min_agencies,
        bool_and(only_part) as only_parts
    from definitions
    group by all
),

kinds as (
    select kind_key, counted, dense_rank() over (order by counted)::integer as counted_set
    from (
        select
            unnest(counting.kind_keys) as kind_key,
            list(distinct definitions.counted order by definitions.counted) as counted
        from counting
        inner join definitions using (definition_id)
        group by kind_key
    )
),

-- Sets of what a contact counts for are few, and contacts are many.
counted_sets as (
    select distinct counted_set, unnest(counted) as counted from kinds
),

contacts as (
    select
        hash(contacts.contact_id) as contact,
        hash(coalesce(contacts.team, contacts.agency)) as site,
        kinds.counted_set
    from staging.contacts as contacts
    left join staging.contact_traits as traits using (contact_id)
    inner join kinds
        on kinds.kind_key = hash(
            contacts.feed, contacts.kind, contacts.need, contacts.outcome_group, coalesce(traits.role, 'none'),
            coalesce(traits.age_band, 'not known'), coalesce(traits.homeless, false)
        )
),

persons_contacts as materialized (
    select
        sequence.person,
        sequence.central,
        sequence.contact,
        sequence.crisis,
        sequence.started_at::date as day,
        contacts.site,
        sequence.agency_bit,
        contacts.counted_set
    from journeys.sequence as sequence
    inner join contacts using (contact)
),

eligible as not materialized (
    select persons_contacts.*, counted_sets.counted
    from persons_contacts
    inner join counted_sets using (counted_set)
),

totals_of_sets as (
    select
        person, counted_set,
        count(*) as contacts,
        count(*) filter (crisis) as crisis_contacts,
        bit_or(agency_bit) as agency_bits
    from persons_contacts
    group by person, counted_set
),

totals as (
    select
        totals_of_sets.person, counted_sets.counted,
        sum(totals_of_sets.contacts) as contacts,
        sum(totals_of_sets.crisis_contacts) as crisis_contacts,
        bit_count(bit_or(totals_of_sets.agency_bits)) as agencies
    from totals_of_sets
    inner join counted_sets using (counted_set)
    group by totals_of_sets.person, counted_sets.counted
),

last_windows as (
    select
        window_kinds.*,
        last_day(period.last_month) - (window_kinds.window_days - 1)::integer as first_day,
        last_day(period.last_month) as last_day
    from window_kinds
    cross join (select max((period || '-01')::date) as last_month from staging.months) as period
    where window_kinds.top is not null
),

at_sites as (
    select eligible.person, eligible.central, last_windows.window_id, eligible.site, count(*) as contacts
    from eligible
    inner join last_windows
        on eligible.counted = last_windows.counted
        and eligible.day between last_windows.first_day and last_windows.last_day
    group by all
),

ranked as (
    select
        window_id, site, contacts,
        row_number() over (partition by window_id, site order by contacts desc) as place
    from at_sites
    where central
),

-- Whoever has as many as the last of the top is among them: whether somebody is then hangs on no other person, and an
-- alternative to a person can be held against the same number.
entries as (
    select ranked.window_id, ranked.site, ranked.contacts as min_contacts
    from ranked
    inner join last_windows on ranked.window_id = last_windows.window_id and ranked.place = last_windows.top
),

made_of as (
    select definition_id, at_least, unnest(string_split(made_of, ';')) as part_id
    from reference.definitions
    where made_of is not null
),

-- Nobody meets a definition in a window who does not meet it over all their contacts.
possible as (
    select
        totals.person, window_kinds.window_id, window_kinds.counted, window_kinds.window_days, window_kinds.calendar,
        window_kinds.only_parts,
        null::ubigint as site,
        null::date as first_day
    from totals
    inner join window_kinds
        on totals.counted = window_kinds.counted
        and totals.contacts >= window_kinds.min_contacts
        and totals.crisis_contacts >= window_kinds.min_crisis
        and totals.agencies >= window_kinds.min_agencies
    where window_kinds.top is null
    union all
    select
        at_sites.person, window_id, last_windows.counted, last_windows.window_days, null, false, at_sites.site,
        last_windows.first_day
    from at_sites
    inner join last_windows using (window_id)
    left join entries using (window_id, site)
    where at_sites.contacts >= greatest(last_windows.min_contacts, coalesce(entries.min_contacts, 0))
),

with_enough_parts as (
    select possible.person, made_of.definition_id
    from possible
    inner join definitions as parts using (window_id)
    inner join made_of on parts.definition_id = made_of.part_id
    group by possible.person, made_of.definition_id
    having count(distinct made_of.part_id) >= any_value(made_of.at_least)
),

windows_of_parts as (
    select distinct with_enough_parts.person, parts.window_id
    from with_enough_parts
    inner join made_of using (definition_id)
    inner join definitions as parts on made_of.part_id = parts.definition_id
),

candidates as (
    select * from possible where not only_parts
    union all
    select possible.*
    from possible
    semi join windows_of_parts using (person, window_id)
    where possible.only_parts
),

opened as (
    select
        eligible.person,
        eligible.contact,
        eligible.crisis,
        eligible.agency_bit,
        eligible.day,
        candidates.window_id,
        coalesce(candidates.site, 0) as site,
        if(
            candidates.calendar is null, candidates.window_days - 1,
            date_diff('day', date_trunc(candidates.calendar, eligible.day), eligible.day)
        )::integer as days_back
    from eligible
    inner join candidates
        on eligible.person = candidates.person and eligible.counted = candidates.counted
    where candidates.site is null or eligible.site = candidates.site and eligible.day >= candidates.first_day
),

windows as (
    select
        person, contact, day, window_id, site,
        count(*) over in_window as contacts_in_window,
        count(*) filter (crisis) over in_window as crisis_in_window,
        bit_count(bit_or(agency_bit) over in_window) as agencies_in_window
    from opened
    window in_window as (
        partition by person, window_id, site
        order by day
        range between to_days(days_back) preceding and current row
    )
),

met as (
    select windows.person, definitions.definition_id, windows.contact, windows.day, windows.contacts_in_window
    from windows
    inner join definitions
        on windows.window_id = definitions.window_id
        and windows.contacts_in_window >= definitions.min_contacts
        and windows.crisis_in_window >= definitions.min_crisis
        and windows.agencies_in_window >= definitions.min_agencies
    left join entries on windows.window_id = entries.window_id and windows.site = entries.site
    where windows.contacts_in_window >= coalesce(entries.min_contacts, 0) and not definitions.only_part
),

-- Of as many contacts as are needed the earliest: a window of days has enough until that one falls out of it.
held as (
    select
        windows.person, windows.contact, windows.day, windows.contacts_in_window,
        made_of.definition_id, made_of.part_id, made_of.at_least, parts.min_contacts, parts.calendar, parts.window_days,
        lag(windows.day, parts.min_contacts - 1) over (
            partition by windows.person, made_of.definition_id, made_of.part_id order by windows.day, windows.contact
        ) as enough_since
    from windows
    inner join definitions as parts using (window_id)
    inner join made_of on parts.definition_id = made_of.part_id
),

met_parts as (
    select
        person, contact, day, contacts_in_window, definition_id, part_id, at_least,
        case calendar
            when 'month' then last_day(day)
            when 'year' then make_date(year(day), 12, 31)
            else enough_since + (window_days - 1)::integer
        end as holds_until
    from held
    where contacts_in_window >= min_contacts
),

starts as (
    select
        *,
        day > max(holds_until) over (
            partition by person, definition_id, part_id
            order by day, contact
            rows between unbounded preceding and 1 preceding
        ) as starts_anew
    from met_parts
),

numbered as (
    select
        *,
        count(*) filter (starts_anew) over (
            partition by person, definition_id, part_id
            order by day, contact
            rows between unbounded preceding and current row
        ) as stretch
    from starts
),

stretches as (
    select person, definition_id, part_id, min(day) as holds_from, max(holds_until) as holds_until
    from numbered
    group by person, definition_id, part_id, stretch
),

met_together as (
    select
        met_parts.person, met_parts.definition_id, met_parts.contact, met_parts.day,
        max(met_parts.contacts_in_window) as contacts_in_window
    from met_parts
    inner join stretches
        on met_parts.person = stretches.person
        and met_parts.definition_id = stretches.definition_id
        and met_parts.day between stretches.holds_from and stretches.holds_until
    group by met_parts.person, met_parts.definition_id, met_parts.contact, met_parts.day
    having count(distinct stretches.part_id) >= any_value(met_parts.at_least)
),

met_in_months as (
    select
        person, definition_id,
        strftime(day, '%Y-%m') as month,
        min(day) as first_met_on,
        max(day) as last_met_on,
        count(*) as times_met,
        max(contacts_in_window) as most_contacts_in_window
    from (
        select person, definition_id, day, contacts_in_window from met
        union all
        select person, definition_id, day, contacts_in_window from met_together
    )
    group by all
)

select
    people.scenario, -- central (everybody) or alternative (who is another set of records under some variant)
    people.person_key, -- Person in that scenario; in the central one the person_id
    met_in_months.definition_id, -- Definition
    min(met_in_months.first_met_on) as first_met_on, -- Day of the first contact at which the definition was met
    max(met_in_months.last_met_on) as last_met_on, -- Day of the last contact at which it was met
    sum(met_in_months.times_met)::bigint as times_met, -- Contacts at which it was met
    max(met_in_months.most_contacts_in_window) as most_contacts_in_window, -- Most contacts in one window in which it was met; of a definition made of others in a window of one of them
    list(met_in_months.month order by met_in_months.month) as months_met -- Months with a contact at which it was met, as YYYY-MM
from met_in_months
inner join journeys.person_numbers as people using (person)
group by people.scenario, people.person_key, met_in_months.definition_id
