-- One row per police force and step of the way that a notice takes to social care: raised, shared with social care, not
-- heard within 28 days, a crisis within 90 days; and beside these the crises that came although somebody heard, because
-- most crises have other causes than silence. Only notices whose times the records cover.
-- Key: agency, step
with notices as (
    select * from marts.unheard where window_complete
),

steps as (
    select 1 as position, 'raised' as step, null as step_before, * from notices
    union all
    select 2, 'shared', 'raised', * from notices where shared_with_social_care
    union all
    select 3, 'shared_not_heard', 'shared', * from notices where shared_with_social_care and not heard
    union all
    select 4, 'shared_not_heard_crisis', 'shared_not_heard', * from notices where unheard_before_crisis
    union all
    select 5, 'shared_heard', 'shared', * from notices where shared_with_social_care and heard
    union all
    select 6, 'shared_heard_crisis', 'shared_heard', *
    from notices
    where shared_with_social_care and heard and crisis_contact_id is not null
),

counted as (
    select agency, position, step, step_before, count(*) as notices, count(distinct person_id) as people
    from steps
    group by agency, position, step, step_before
)

select
    counted.agency, -- Police force
    counted.position, -- Place of the step, from 1
    counted.step, -- raised, shared, shared_not_heard, shared_not_heard_crisis, shared_heard or shared_heard_crisis
    counted.step_before, -- Step that this one is a part of; empty for the first
    counted.notices, -- Notices that came to this step
    counted.people, -- People whose notices these are
    round(counted.notices / of_before.notices, 4) as share, -- Share of the notices of the step before
    if(
        of_before.notices is null, null, round(wilson_low(counted.notices / of_before.notices, of_before.notices), 4)
    ) as share_low, -- Lower end of its 95 % interval
    if(
        of_before.notices is null, null, round(wilson_high(counted.notices / of_before.notices, of_before.notices), 4)
    ) as share_high -- Upper end of its 95 % interval
from counted
left join counted as of_before on counted.agency = of_before.agency and counted.step_before = of_before.step
