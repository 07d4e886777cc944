-- One row per community offer and month of the period covered: how many signals it would have been the first offer for,
-- beside how many people it can take. A signal of several rules needs the offer once. What is needed is counted at the
-- signals, of which most are followed by no crisis.
-- Key: offer_id, period
with needed as (
    select
        offer_id,
        strftime(candidates.at, '%Y-%m') as period,
        count(distinct contact_id) as signals,
        count(distinct person_key) as people,
        count(distinct contact_id) filter (followed_by_crisis) as followed
    from opportunities.candidates as candidates
    where scenario = 'central' and role = 'signal' and offer_id is not null
    group by all
)

select
    offers.offer_id, -- Community offer
    offers.label, -- The offer in words
    months.period, -- Month as YYYY-MM
    coalesce(needed.signals, 0) as signals, -- Signals that the offer would have answered first
    coalesce(needed.people, 0) as people, -- People with such a signal
    coalesce(needed.followed, 0) as followed_by_crisis, -- Such signals that a crisis followed
    offers.capacity_per_month as capacity, -- People whom the offer can take in a month; empty where not known
    greatest(coalesce(needed.people, 0) - capacity, 0) as people_over_capacity, -- People beyond what the offer can take
    coalesce(needed.people, 0) / nullif(capacity, 0) as share_of_capacity -- People needing it over people it can take
from reference.offers as offers
cross join staging.months as months
left join needed on offers.offer_id = needed.offer_id and months.period = needed.period
where months.period >= coalesce(strftime(offers.valid_from::date, '%Y-%m'), months.period)
    and months.period <= coalesce(strftime(offers.valid_to::date, '%Y-%m'), months.period)
