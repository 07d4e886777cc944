-- One row per accepted children's row: one referral, assessment, enquiry, plan, episode of care or time missing, in the
-- shape of a contact.
-- Key: agency, period, row_number
with events as (
    select
        *,
        contact_key(agency, feed, event_ref) as contact_id,
        contact_key(agency, feed, episode_ref) as episode_id,
        row_number() over (partition by agency, event_ref order by period desc, row_number desc) as version
    from accepted.children_in_need
),

coded_needs as (
    select agency, period, row_number, start_date, 'cin_primary_need' as code_list, PrimaryNeedCode as code from events
    union all
    select agency, period, row_number, start_date, 'cin_assessment_factor', unnest(code_items(AssessmentFactors))
    from events
),

first_needs as (
    select coded.agency, coded.period, coded.row_number, arg_min(needs.need, needs.priority) as need
    from coded_needs as coded
    inner join reference.codes as known
        on known.code_list = coded.code_list and known.code_key = code_key(coded.code)
        and coded.start_date >= known.applies_from and coded.start_date < known.applies_before
    inner join reference.needs on known.need = needs.need
    group by coded.agency, coded.period, coded.row_number
),

mapped as (
    select
        event.*,
        first_needs.need,
        module.kind,
        if(event.ReferralNFA, 'no_further_action', coalesce(closure.outcome_group, module.outcome_group)) as outcome_group,
        source.raised_by,
        coalesce(reason.begins_care, true) as begins_care
    from events as event
    left join first_needs using (agency, period, row_number)
    left join reference.codes as module
        on module.code_list = 'cin_module' and module.code_key = code_key(event.module)
        and event.start_date >= module.applies_from and event.start_date < module.applies_before
    left join reference.codes as closure
        on closure.code_list = 'cin_closure_reason' and closure.code_key = code_key(event.ReasonForClosure)
        and event.start_date >= closure.applies_from and event.start_date < closure.applies_before
    left join reference.codes as source
        on source.code_list = 'cin_referral_source' and source.code_key = code_key(event.ReferralSource)
        and event.start_date >= source.applies_from and event.start_date < source.applies_before
    left join reference.codes as reason
        on reason.code_list = 'cla_reason_new_episode' and reason.code_key = code_key(event.RNE)
        and event.start_date >= reason.applies_from and event.start_date < reason.applies_before
)

select
    contact_id, -- Surrogate of the event
    agency, -- Agency that delivered the row
    feed, -- Kind of extract
    period, -- Delivery month as YYYY-MM
    row_number, -- Row in the delivered file
    person_ref, -- The council's pseudonym for the child; goes no further than staging
    Team as team, -- Team that dealt with the event
    coalesce(kind, 'other_event') as kind, -- Referral, assessment, section_47, plan, looked_after and so on
    coalesce(need, 'unknown') as need, -- Need of highest priority among the factors and the primary need
    start_date::timestamp as started_at, -- First day
    end_date::timestamp as ended_at, -- Last day; empty where it goes on
    false as time_known, -- Whether the time of day is known
    Der_Postcode_LSOA_2021_Code as lsoa, -- Area of the home as delivered
    if(Der_Postcode_LSOA_2021_Code is null, null, 2021) as lsoa_vintage, -- Census year that the area code is meant for
    false as crisis, -- Children's services contacts are never counted as crisis
    coalesce(outcome_group, 'unknown') as outcome_group, -- What came of the episode, or of the event while it is open
    coalesce(raised_by, 'unknown') as raised_by, -- Who referred the child
    null::integer as staff_minutes, -- Minutes of staff time; not known for children's services
    episode_id, -- Surrogate of the episode of need that the event belongs to
    coalesce(ReferralNFA, false) as referral_nfa, -- Whether the referral led to no further action
    ReasonForClosure as closure_reason, -- Why the episode was closed; RC8 is after assessment without further action
    case when version > 1 then 'duplicate event'
        when not begins_care then 'change within a time of care'
        end as left_out -- Why the row is not a contact; empty where it is one
from mapped
