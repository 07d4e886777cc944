-- One row per opportunity rule: what it looks for, how many signals there were, and what followed, beside how often the
-- same crisis follows without the signal. Shares are of signals whose window is all in the records; the base rate is that
-- of the rule's comparison, with the age bands of the signals. That a crisis follows more often than the base rate does
-- not say that the offer would have prevented it. The intervals take contacts as independent of each other, which those
-- of one person are not.
-- Key: rule_id
with candidates as (
    select
        candidates.*,
        coalesce(people.age_band, 'unknown') as age_band,
        candidates.offer_id is not null as offered
    from opportunities.candidates as candidates
    left join staging.people as people on candidates.person_key = people.person_id
    where candidates.scenario = 'central'
),

signals as (
    select
        rule_id,
        count(*) as signals,
        count(distinct person_key) as people,
        count(*) filter (offered) as signals_with_offer,
        count(*) filter (followed_by_crisis) as followed,
        count(distinct crisis_contact_id) as crises,
        count(distinct person_key) filter (followed_by_crisis) as people_followed,
        median(lead_days) as lead_days_median,
        quantile_cont(lead_days, 0.25) as lead_days_quarter,
        quantile_cont(lead_days, 0.75) as lead_days_three_quarters,
        count(*) filter (window_complete) as complete,
        count(*) filter (window_complete and followed_by_crisis) as complete_followed
    from candidates
    where role = 'signal'
    group by rule_id
),

bands as (
    select
        rule_id,
        age_band,
        count(*) filter (role = 'signal') as signals,
        count(*) filter (role = 'comparison') as compared,
        count(*) filter (role = 'comparison' and followed_by_crisis) as compared_followed
    from candidates
    where window_complete
    group by rule_id, age_band
),

-- Bands of signals without anybody to compare them with are left out of the standard, and told.
standard as (
    select
        *,
        signals / sum(signals) over (partition by rule_id) as weight,
        compared_followed / compared as rate
    from bands
    where signals > 0 and compared > 0
),

base_rates as (
    select
        rule_id,
        sum(weight * rate) as base_rate,
        sum(weight ^ 2 * rate * (1 - rate) / compared) as variance,
        sum(compared) as compared,
        sum(signals) as signals_compared
    from standard
    group by rule_id
),

-- As if so many contacts had been compared without standardising.
base_intervals as (
    select
        *,
        least(compared, coalesce(base_rate * (1 - base_rate) / nullif(variance, 0), compared)) as worth
    from base_rates
)

select
    rules.rule_id, -- Opportunity rule
    rules.version, -- Version of the rule
    rules.label, -- The rule in words
    rules.signal, -- Contact at which something could have been done
    rules.crisis, -- What counts as the crisis that followed
    rules."window", -- Days within which it counts
    rules.exclusions, -- What is left out
    rules.comparison, -- Contacts without the signal that give the base rate
    rules.evidence, -- Where the rule comes from
    rules.offer, -- Community offers that answer it
    rules.confidence, -- How far the rule can be relied on, and why
    coalesce(signals.signals, 0) as signals, -- Signals
    coalesce(signals.people, 0) as people, -- People with a signal
    coalesce(signals.signals_with_offer, 0) as signals_with_offer, -- Signals where an offer existed there and then
    coalesce(signals.followed, 0) as followed_by_crisis, -- Signals that a crisis followed
    coalesce(signals.crises, 0) as crises, -- Crisis contacts that followed; one may follow several signals
    coalesce(signals.people_followed, 0) as people_in_crisis, -- People whose signal a crisis followed
    coalesce(signals.signals - signals.followed, 0) as without_crisis, -- Signals without a crisis in the records
    signals.lead_days_median, -- Median days from signal to crisis
    signals.lead_days_quarter, -- Days within which a quarter of the crises came
    signals.lead_days_three_quarters, -- Days within which three quarters of them came
    coalesce(signals.complete, 0) as complete, -- Signals whose window is all in the records
    coalesce(signals.complete_followed, 0) as complete_followed, -- Those of them that a crisis followed
    complete_followed / nullif(complete, 0) as predictive_value, -- Share of complete signals that a crisis followed
    if(
        complete > 0, wilson_low(complete_followed / complete, complete), null
    ) as predictive_value_low, -- Lower end of its 95 % interval (Wilson)
    if(
        complete > 0, wilson_high(complete_followed / complete, complete), null
    ) as predictive_value_high, -- Upper end of its 95 % interval (Wilson)
    coalesce(base_intervals.compared, 0)::bigint as compared, -- Contacts of the comparison behind the base rate
    coalesce(base_intervals.signals_compared, 0)::bigint as signals_compared, -- Complete signals of the same age bands
    base_intervals.base_rate, -- Share of the comparison that the same crisis followed, with the ages of the signals
    if(
        worth > 0, wilson_low(base_rate, worth), null
    ) as base_rate_low, -- Lower end of its 95 % interval
    if(
        worth > 0, wilson_high(base_rate, worth), null
    ) as base_rate_high, -- Upper end of its 95 % interval
    predictive_value / nullif(base_rate, 0) as times_base_rate -- Predictive value over base rate
from rules.catalogue as rules
left join signals using (rule_id)
left join base_intervals using (rule_id)
