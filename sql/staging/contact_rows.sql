-- One row per accepted activity row of any feed, in the contact shape, with the person it belongs to and, where it
-- does not become a contact, the reason.
-- Key: agency, feed, period, row_number
select
    feed_rows.contact_id, -- Surrogate of the event
    person.person_id, -- Person in the central linkage scenario
    feed_rows.agency, -- Agency that delivered the row
    feed_rows.feed, -- Kind of extract
    feed_rows.period, -- Delivery month as YYYY-MM
    feed_rows.row_number, -- Row in the delivered file
    feed_rows.person_ref, -- The agency's pseudonym of its client; goes no further than this schema
    teams.label as team, -- Team or site by the code list team; empty where it is not in the list and may be free text
    feed_rows.kind, -- Kind of contact
    feed_rows.need, -- Need of the contact
    needs.need_group, -- Group of needs
    feed_rows.started_at, -- Start
    feed_rows.ended_at, -- End
    feed_rows.time_known, -- Whether the time of day of the start is known
    coalesce(change.lsoa_2021, feed_rows.lsoa) as lsoa, -- Area, brought to the codes of 2021
    if(change.lsoa_2021 is null, feed_rows.lsoa_vintage, 2021) as lsoa_vintage, -- Census year of the area code
    feed_rows.crisis, -- Whether it is a crisis contact
    feed_rows.outcome_group, -- How it ended
    feed_rows.raised_by, -- Who raised it
    feed_rows.staff_minutes, -- Minutes of staff time where known
    if(
        feed_rows.left_out is null and person.person_id is null, 'person not in the index', feed_rows.left_out
    ) as left_out -- Why the row is not a contact; empty where it is one
from feeds.contact_rows as feed_rows
left join linkage.person_index as person using (agency, feed, person_ref)
left join reference.needs using (need)
left join reference.lsoa_changes as change on feed_rows.lsoa = change.lsoa_2011 and change.best_fit
left join reference.codes as teams
    on teams.code_list = 'team' and teams.code_key = code_key(feed_rows.team)
    and feed_rows.started_at >= teams.applies_from and feed_rows.started_at < teams.applies_before
