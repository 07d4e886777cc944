-- One row per rule, contact that is its signal under some linkage scenario, and community offer that answers the rule:
-- whether the offer existed there and then. It counts at the start of the contact; a contact without a time of day is
-- held against days only. A place is in an offer's area by its LSOA, ward or district; an offer without an area is
-- everywhere. An offer that closes after midnight is open on the weekday on which it opened.
-- Key: rule_id, contact_id, offer_id
with signals as (
    select distinct candidates.rule_id, candidates.contact_id, candidates.at, candidates.lsoa, contacts.time_known
    from rules.candidates as candidates
    inner join staging.contacts as contacts using (contact_id)
    where candidates.role = 'signal'
),

offers as (
    select
        offer_id,
        priority,
        string_split(rule_ids, ';') as rule_ids,
        string_split(areas, ';') as areas,
        string_split(weekdays, ';') as weekdays,
        coalesce(opens::time, time '00:00') as opens,
        coalesce(closes::time, time '00:00') as closes,
        valid_from::date as valid_from,
        valid_to::date as valid_to
    from reference.offers
),

-- The day that an offer's opening hours belong to, and the minutes since it opened.
signals_and_offers as (
    select
        signals.*,
        offers.*,
        areas.ward,
        areas.district,
        if(
            signals.time_known and signals.at::time < offers.opens, signals.at - interval 1 day, signals.at
        )::date as opened_on,
        date_diff('minute', offers.opens, signals.at::time) % 1440 as minute
    from signals
    inner join offers on list_contains(offers.rule_ids, signals.rule_id)
    left join reference.areas as areas on signals.lsoa = areas.lsoa
)

select
    rule_id, -- Opportunity rule
    contact_id, -- Contact that is a signal of the rule
    offer_id, -- Community offer that answers the rule
    priority, -- Place of the offer among those for the rule; 1 is offered first
    case
        when not coalesce(opened_on >= valid_from, true) or not coalesce(opened_on <= valid_to, true) then 'not_then'
        when areas is not null and lsoa is null then 'place_not_known'
        when not coalesce(list_has_any(areas, [lsoa, ward, district]), true) then 'elsewhere'
        when not coalesce(list_contains(weekdays, strftime(opened_on, '%a')), true) then 'closed'
        when time_known and (minute + 1440) % 1440 >= (
            date_diff('minute', opens, closes) + 1439
        ) % 1440 + 1 then 'closed'
        else 'there'
    end as availability -- there, elsewhere, closed at the time, not_then (not yet or no longer) or place_not_known
from signals_and_offers
