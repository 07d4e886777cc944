-- One row per contact with the unit cost that stands for it (data/reference/contact_costs.csv) and what it comes to. One
-- incident or call with several people in it is shared equally among them, so that it costs once. A contact whose unit
-- cost is not set, or whose staff minutes are not known, is a row without pounds.
-- Key: contact_id
with details as (
    select
        contact_id,
        coalesce(nsir_close, nsir_open) as detail,
        1 / count(*) over (partition by agency, incident_ref) as share_of_incident
    from staging.police_incidents
    inner join accepted.police_incidents using (agency, period, row_number)
    where left_out is null
    union all
    select contact_id, null, 1 / count(*) over (partition by agency, Call_Identifier)
    from staging.ambulance_incidents
    inner join accepted.ambulance_incidents using (agency, period, row_number)
    where left_out is null
    union all
    select contact_id, 'basic', 1
    from staging.ae_attendances
    inner join accepted.ae_attendances using (agency, period, row_number)
    where left_out is null and Der_EC_Investigation_All is null and Der_EC_Treatment_All is null
),

detailed as (
    select
        contacts.contact_id,
        contacts.feed,
        contacts.kind,
        contacts.staff_minutes,
        coalesce(details.detail, '') as detail,
        coalesce(details.share_of_incident, 1) as share_of_incident
    from staging.contacts as contacts
    left join details using (contact_id)
),

kinds as (
    select distinct feed, kind, detail from detailed
),

costs_of_kinds as (
    select kinds.feed, kinds.kind, kinds.detail, arg_min(crosswalk.cost_code, crosswalk.position) as cost_code
    from kinds
    inner join reference.contact_costs as crosswalk
        on crosswalk.feed = kinds.feed
        and coalesce(crosswalk.kind = kinds.kind, true)
        and coalesce(code_key(crosswalk.detail) = code_key(kinds.detail), true)
    group by kinds.feed, kinds.kind, kinds.detail
),

quantities as (
    select
        detailed.contact_id,
        costs.*,
        if(costs.unit = 'hour', detailed.staff_minutes / 60, 1) * detailed.share_of_incident as quantity
    from detailed
    inner join costs_of_kinds using (feed, kind, detail)
    inner join marts.unit_costs as costs using (cost_code)
)

select
    contact_id, -- Contact
    cost_code, -- Unit cost that stands for it
    round(quantity, 4) as quantity, -- Units of it: the person's share of a contact, or of the hours of an incident
    round(quantity * low, 2) as low, -- Low end in pounds; empty where the unit cost is not set
    round(quantity * central, 2) as central, -- Average in pounds; empty where the unit cost is not set
    round(quantity * high, 2) as high -- High end in pounds; empty where the unit cost is not set
from quantities
