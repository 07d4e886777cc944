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

eligible as (
    select
        definitions.definition_id,
        definitions.min_contacts,
        definitions.min_crisis,
        definitions.min_agencies,
        scenarios.scenario,
        scenarios.person_key,
        contacts.agency,
        contacts.crisis,
        contacts.started_at::date as day,
        to_days(definitions.window_days - 1) as days_before
    from staging.person_scenarios as scenarios
    inner join staging.contacts as contacts using (contact_id)
    inner join definitions
        on (definitions.feeds is null or list_contains(definitions.feeds, contacts.feed))
        and (definitions.needs is null or list_contains(definitions.needs, contacts.need))
    qualify count(*) over (
        partition by scenarios.scenario, scenarios.person_key, definitions.definition_id
    ) >= definitions.min_contacts
),

windows as (
    select
        *,
        count(*) over in_window as contacts_in_window,
        count(*) filter (crisis) over in_window as crisis_in_window,
        count(distinct agency) over in_window as agencies_in_window
    from eligible
    window in_window as (
        partition by scenario, person_key, definition_id
        order by day
        range between days_before preceding and current row
    )
)

select
    scenario, -- low, central or high threshold for joining records
    person_key, -- Person in that scenario; in the central one the person_id
    definition_id, -- Definition
    min(day) as first_met_on, -- Day of the first contact at which the definition was met
    max(day) as last_met_on, -- Day of the last contact at which it was met
    count(*) as times_met, -- Contacts at which it was met
    max(contacts_in_window) as most_contacts_in_window -- Most contacts in one window
from windows
where contacts_in_window >= min_contacts and crisis_in_window >= min_crisis and agencies_in_window >= min_agencies
group by scenario, person_key, definition_id
