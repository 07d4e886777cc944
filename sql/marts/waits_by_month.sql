-- One row per month, agency and kind of wait: how long A&E stays were and how many took 12 or 24 hours, and how long
-- officers waited in hospitals. No wait is left out for its length. Waits without a known end are counted apart.
-- Key: month, agency, wait_kind
select
    strftime(started_at, '%Y-%m') as month, -- Month of the start as YYYY-MM
    agency, -- Agency
    wait_kind, -- ae_stay from arrival to departure; police_hospital_wait while officers waited in a hospital
    count(minutes) as waits, -- Waits of known length
    count(*) - count(minutes) as length_not_known, -- Waits without a known end
    count(distinct person_id) as people, -- People who waited
    median(minutes) as median_minutes, -- Half of the waits were longer
    round(quantile_cont(minutes, 0.95), 1) as minutes_95, -- One wait in twenty was longer
    count(*) filter (over_4_hours) as over_4_hours, -- Waits longer than 4 hours
    count(*) filter (over_12_hours) as over_12_hours, -- Waits of 12 hours or longer
    count(*) filter (over_24_hours) as over_24_hours, -- Waits of 24 hours or longer
    round(count(*) filter (over_12_hours) / nullif(count(minutes), 0), 4) as over_12_hours_share, -- Share of the waits
    round(sum(officer_hospital_minutes) / 60, 1) as officer_hours -- Hours of officers in hospitals; empty for A&E stays
from marts.waits
group by 1, 2, 3
