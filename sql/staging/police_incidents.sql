-- One row per accepted police row: one person's part in one incident, in the shape of a contact.
-- Key: agency, period, row_number
with incidents as (
    select
        *,
        contact_key(agency, feed, incident_ref || '|' || person_ref) as contact_id,
        coalesce(nsir_close, nsir_open) as category
    from accepted.police_incidents
),

coded_needs as (
    select agency, period, row_number, created_ts as event_date, 'police_category' as code_list, category as code
    from incidents
    union all
    select agency, period, row_number, created_ts, 'police_rcrp_category', rcrp_category from incidents
    union all
    select agency, period, row_number, created_ts, 'police_rcrp_category', 's136' from incidents where s136
    union all
    select agency, period, row_number, created_ts, 'police_ppn_type', ppn_type from incidents
    union all
    select agency, period, row_number, created_ts, 'police_qualifier', unnest(code_items(qualifiers))
    from incidents
),

first_needs as (
    select coded.agency, coded.period, coded.row_number, arg_min(needs.need, needs.priority) as need
    from coded_needs as coded
    inner join reference.codes as known
        on known.code_list = coded.code_list and known.code_key = code_key(coded.code)
        and coded.event_date >= known.applies_from and coded.event_date < known.applies_before
    inner join reference.needs on known.need = needs.need
    group by coded.agency, coded.period, coded.row_number
),

mapped as (
    select
        incident.*,
        first_needs.need,
        category.kind,
        coalesce(grade.crisis, false) or coalesce(missing_risk.crisis, false) or incident.s136 as crisis,
        coalesce(closing.outcome_group, notice.outcome_group, 'unknown') as outcome_group,
        call_source.raised_by,
        coalesce(role.counts_as_subject, true) as counts_as_subject,
        coalesce(role.suspect, false) as suspect,
        incident.ppn and coalesce(
            case when code_key(incident.ppn_shared_with) <> '' then coalesce(shared_with.social_care, false) end,
            notice.shared,
            false
        ) as shared_with_social_care,
        least(
            incident.officer_minutes,
            incident.hospital_wait_minutes * greatest(
                1,
                coalesce(
                    incident.units,
                    round(
                        incident.officer_minutes
                        / nullif(date_diff('minute', incident.first_unit_arrive_ts, incident.cleared_ts), 0)
                    )
                )
            )
        ) as officer_hospital_minutes
    from incidents as incident
    left join first_needs using (agency, period, row_number)
    left join reference.codes as role
        on role.code_list = 'police_role' and role.code_key = code_key(incident.role)
        and incident.created_ts >= role.applies_from and incident.created_ts < role.applies_before
    left join reference.codes as category
        on category.code_list = 'police_category' and category.code_key = code_key(incident.category)
        and incident.created_ts >= category.applies_from and incident.created_ts < category.applies_before
    left join reference.codes as grade
        on grade.code_list = 'police_grade' and grade.code_key = code_key(incident.grade)
        and incident.created_ts >= grade.applies_from and incident.created_ts < grade.applies_before
    left join reference.codes as missing_risk
        on missing_risk.code_list = 'police_missing_risk' and missing_risk.code_key = code_key(incident.missing_risk)
        and incident.created_ts >= missing_risk.applies_from and incident.created_ts < missing_risk.applies_before
    left join reference.codes as closing
        on closing.code_list = 'police_closing_outcome' and closing.code_key = code_key(incident.closing_outcome)
        and incident.created_ts >= closing.applies_from and incident.created_ts < closing.applies_before
    left join reference.codes as notice
        on notice.code_list = 'police_ppn_outcome' and notice.code_key = code_key(incident.ppn_outcome)
        and incident.created_ts >= notice.applies_from and incident.created_ts < notice.applies_before
    left join reference.codes as shared_with
        on shared_with.code_list = 'police_ppn_shared_with'
        and shared_with.code_key = code_key(incident.ppn_shared_with)
        and incident.created_ts >= shared_with.applies_from and incident.created_ts < shared_with.applies_before
    left join reference.codes as call_source
        on call_source.code_list = 'police_call_source' and call_source.code_key = code_key(incident.call_source)
        and incident.created_ts >= call_source.applies_from and incident.created_ts < call_source.applies_before
),

counted as (
    select
        *,
        row_number() over (
            partition by contact_id, counts_as_subject order by period desc, row_number desc
        ) as version
    from mapped
)

select
    contact_id, -- Surrogate of the incident and the person in it
    agency, -- Agency that delivered the row
    feed, -- Kind of extract
    period, -- Delivery month as YYYY-MM
    row_number, -- Row in the delivered file
    person_ref, -- The force's pseudonym for the person; goes no further than staging
    team, -- Team that dealt with the incident
    if(s136, 'section_136', coalesce(kind, 'other_incident')) as kind, -- Kind of incident; section_136 where detained
    coalesce(need, 'unknown') as need, -- Need of highest priority among category, qualifiers, notice and detention
    created_ts as started_at, -- When the call or report was made
    cleared_ts as ended_at, -- When the last officers left
    true as time_known, -- Whether the time of day is known
    lsoa, -- Area of the incident or of the home
    if(lsoa is null, null, 2021) as lsoa_vintage, -- Census year of the area code
    crisis, -- Whether the grade was Immediate or the person missing at high risk or detained under section 136
    outcome_group, -- How it ended; by the notice where the incident has no closing outcome
    coalesce(raised_by, 'unknown') as raised_by, -- Who raised it
    officer_minutes::integer as staff_minutes, -- Minutes of officer time
    hospital_wait_minutes::integer as hospital_wait_minutes, -- Minutes that officers waited in a hospital
    officer_hospital_minutes::integer as officer_hospital_minutes, -- Those minutes times the officers who waited
    suspect, -- Whether the person was a suspect in the incident
    deployed, -- Whether officers attended
    rcrp_category, -- Right Care Right Person category as delivered; empty where it was not considered
    rcrp_threshold_met, -- Whether the threshold for police to attend was met
    rcrp_diverted_to, -- Who the matter was passed to in place of police, as delivered
    ppn as notice, -- Whether a public protection notice was raised
    coalesce(code_key(ppn_type) = 'child', false) as notice_for_child, -- Whether the notice was about a child at risk
    shared_with_social_care, -- Whether the notice was shared with social care; by its outcome where nobody is named
    ppn, -- Whether a public protection notice was raised
    code_key(missing_from) as missing_from, -- Where a missing person went missing from: home, care, hospital or other
    case when not counts_as_subject then 'caller or witness'
        when version > 1 then 'duplicate event' end as left_out -- Why the row is not a contact; empty where it is one
from counted
