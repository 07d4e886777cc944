-- One row per code that counts as a condition for which earlier help in the community can prevent a crisis: the map
-- behind marts.preventable_crises, kept in data/reference/preventable_conditions.csv. A clinician may change it.
-- Key: code_list, code
select
    code_list, -- Code list
    code, -- Code as the list spells it
    label, -- Code in words
    condition, -- Condition that it stands for
    condition_group, -- ambulatory_care_sensitive, fall, frailty or mental_health
    least_age, -- Youngest age in years at which it counts; empty where any does
    status, -- published: the condition is in the source's list; proposed: ours, for a clinician to confirm
    source -- Where the condition is from
from reference.preventable_conditions
