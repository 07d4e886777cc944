-- One row per contact: one event of one person with one service.
-- Key: contact_id
select
    contact_id, -- Surrogate of the contact
    person_id, -- Linked person
    agency, -- Agency
    team, -- Team or site
    feed, -- Kind of extract
    period, -- Delivery month as YYYY-MM
    kind, -- Kind of contact
    need, -- Need
    need_group, -- Group of needs
    started_at, -- Start
    ended_at, -- End
    time_known, -- Whether the time of day of the start is known
    lsoa, -- Area
    lsoa_vintage, -- Census year of the area code
    crisis, -- Whether it is a crisis contact
    outcome_group, -- How it ended
    raised_by, -- Who raised it
    staff_minutes -- Minutes of staff time where known
from staging.contact_rows
where left_out is null
