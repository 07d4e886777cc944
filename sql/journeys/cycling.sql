-- One row per linkage scenario, person and definition of cycling that the person ever met. Every definition in
-- data/reference/definitions.csv is a window of days that ends on the day of a contact: it is met at a contact when the
-- window holds enough contacts, crisis contacts and agencies.
-- Key: scenario, person_key, definition_id
with definitions as (
    select
        definition_id, min_contacts, min_crisis, min_agencies, window_days,
        string_split(feeds, ';') as feeds,
        string_split(needs, ';') as needs
    from reference.definitions
),

-- Agencies of a window are counted as bits of one number, which is much faster than counting distinct names.
agencies as (
    select agency, 1::bigint << (row_number() over (order by agency) - 1)::integer as agency_bit
    from (select distinct agency from staging.contacts)
),

eligible as (
    select
        definitions.definition_id,
        scenarios.scenario,
        scenarios.person_key,
        agencies.agency_bit,
        contacts.crisis,
        contacts.started_at::date as day
    from staging.person_scenarios as scenarios
    inner join staging.contacts as contacts using (contact_id)
    inner join agencies using (agency)
    inner join definitions
        on (definitions.feeds is null or list_contains(definitions.feeds, contacts.feed))
        and (definitions.needs is null or list_contains(definitions.needs, contacts.need))
),

-- Nobody meets a definition in a window who does not meet it over all their contacts.
candidates as (
    select eligible.scenario, eligible.person_key, eligible.definition_id
    from eligible
    inner join definitions using (definition_id)
    group by all
    having count(*) >= any_value(definitions.min_contacts)
        and count(*) filter (eligible.crisis) >= any_value(definitions.min_crisis)
        and bit_count(bit_or(eligible.agency_bit)) >= any_value(definitions.min_agencies)
),

windows as (
    select
        eligible.*,
        definitions.min_contacts,
        definitions.min_crisis,
        definitions.min_agencies,
        count(*) over in_window as contacts_in_window,
        count(*) filter (eligible.crisis) over in_window as crisis_in_window,
        bit_count(bit_or(eligible.agency_bit) over in_window) as agencies_in_window
    from eligible
    inner join candidates using (scenario, person_key, definition_id)
    inner join definitions using (definition_id)
    window in_window as (
        partition by eligible.scenario, eligible.person_key, eligible.definition_id
        order by eligible.day
        range between to_days(definitions.window_days - 1) preceding and current row
    )
)

select
    scenario, -- central (everybody) or alternative (who is another set of records under some variant)
    person_key, -- Person in that scenario; in the central one the person_id
    definition_id, -- Definition
    min(day) as first_met_on, -- Day of the first contact at which the definition was met
    max(day) as last_met_on, -- Day of the last contact at which it was met
    count(*) as times_met, -- Contacts at which it was met
    max(contacts_in_window) as most_contacts_in_window, -- Most contacts in one window in which it was met
    list(distinct strftime(day, '%Y-%m')) as months_met -- Months with a contact at which it was met, as YYYY-MM
from windows
where contacts_in_window >= min_contacts and crisis_in_window >= min_crisis and agencies_in_window >= min_agencies
group by scenario, person_key, definition_id
