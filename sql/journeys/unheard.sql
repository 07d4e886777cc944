-- One row per linkage scenario, person and public protection notice that the police raised for them: whether it was
-- shared with social care, whether a social care event (of adults or children) followed within the time to be heard (28
-- days), and the first crisis contact within the time that is looked at (90 days). A crisis after a notice that was not
-- heard is one that came before or without social care.
-- Key: scenario, person_key, contact_id
with notices as (
    select
        scenarios.scenario,
        scenarios.person_key,
        contacts.contact_id,
        contacts.started_at,
        details.shared_with_social_care,
        if(
            details.notice_for_child or coalesce(people.age_band, '') = '0-17', 'children_in_need', 'social_care_events'
        ) as heard_in_feed,
        strftime(contacts.started_at, '%Y-%m') as first_month,
        strftime(contacts.started_at + to_days(getvariable('unheard_days')), '%Y-%m') as heard_by_month,
        strftime(contacts.started_at + to_days(getvariable('unheard_crisis_days')), '%Y-%m') as last_month,
        people.death_month,
        people.moved_away_month
    from staging.police_incidents as details
    inner join staging.contacts as contacts using (contact_id)
    inner join staging.people as people using (person_id)
    inner join staging.person_scenarios as scenarios using (contact_id)
    where details.left_out is null and details.notice
),

known as (
    select distinct scenario, person_key from notices
),

later as (
    select
        scenarios.scenario, scenarios.person_key, contacts.contact_id, contacts.started_at, contacts.crisis
    from staging.contacts as contacts
    inner join staging.person_scenarios as scenarios using (contact_id)
    semi join known using (scenario, person_key)
    where contacts.crisis or contacts.feed in ('social_care_events', 'children_in_need')
),

-- Social care tells days, so that what is told of the day of the notice follows it; a crisis must come after it.
followed as (
    select
        notices.scenario,
        notices.person_key,
        notices.contact_id,
        arg_min(later.contact_id, (later.started_at, later.contact_id)) filter (
            not later.crisis and date_diff('day', notices.started_at, later.started_at) <= getvariable('unheard_days')
        ) as social_care_contact_id,
        min(later.started_at) filter (
            not later.crisis and date_diff('day', notices.started_at, later.started_at) <= getvariable('unheard_days')
        ) as social_care_at,
        arg_min(later.contact_id, (later.started_at, later.contact_id)) filter (
            later.crisis and later.started_at > notices.started_at
        ) as crisis_contact_id,
        min(later.started_at) filter (later.crisis and later.started_at > notices.started_at) as crisis_at
    from notices
    inner join later
        on notices.scenario = later.scenario
        and notices.person_key = later.person_key
        and later.started_at::date >= notices.started_at::date
        and date_diff('day', notices.started_at, later.started_at) <= getvariable('unheard_crisis_days')
    group by notices.scenario, notices.person_key, notices.contact_id
),

crises_covered as (
    select period as first_month, min(through) as through
    from staging.unbroken_months
    where feed in ('ae_attendances', 'police_incidents') and agency is null
    group by period
    having count(*) = 2
)

select
    notices.scenario, -- central (everybody) or alternative (who is another set of records under some variant)
    notices.person_key, -- Person in that scenario; in the central one the person_id
    notices.contact_id, -- Police contact at which the notice was raised
    notices.started_at as at, -- Start of that contact
    notices.shared_with_social_care, -- Whether the notice was shared with social care
    followed.social_care_contact_id, -- First social care event in time to be heard; empty where there was none
    followed.social_care_at, -- Day of that event
    followed.social_care_contact_id is not null as heard, -- Whether social care did anything in that time
    followed.crisis_contact_id, -- First crisis contact within the time looked at; empty where there was none
    followed.crisis_at, -- Start of the crisis contact
    date_diff('day', notices.started_at, followed.crisis_at) as days_to_crisis, -- Days from the notice to the crisis
    notices.shared_with_social_care
    and not heard
    and followed.crisis_contact_id is not null as unheard_before_crisis, -- Shared, not heard, and a crisis came
    coalesce(notices.heard_by_month <= hearing.through, false)
    and coalesce(notices.last_month <= crises_covered.through, false)
    and (
        followed.crisis_contact_id is not null
        or not (
            coalesce(notices.death_month between notices.first_month and notices.last_month, false)
            or coalesce(notices.moved_away_month between notices.first_month and notices.last_month, false)
        )
    ) as window_complete -- Whether the records cover both times, and the person lived here all the while
from notices
left join followed using (scenario, person_key, contact_id)
left join staging.unbroken_months as hearing
    on hearing.agency is null and notices.heard_in_feed = hearing.feed and notices.first_month = hearing.period
left join crises_covered on notices.first_month = crises_covered.first_month
