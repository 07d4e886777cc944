-- One row per event that must have a counterpart of the same person in another feed and, where none is found, speaks of a
-- link that was missed: the counterpart is in the other agency's records for certain.
-- Key: agency, feed, period, row_number, anchor
select
    agency, -- Agency of the event
    feed, -- Feed of the event
    period, -- Delivery month as YYYY-MM
    row_number, -- Row in the delivered file
    anchor, -- What must have a counterpart
    other_feed, -- Feed in which the counterpart must be
    person_ref, -- The agency's pseudonym of its client; goes no further than staging
    person_id, -- Linked person
    found, -- Whether the person has an event in the other feed near in time
    moved_windows, -- Windows of the same length weeks earlier and later within the data
    found_by_chance -- Those of them in which there is such an event too
from staging.cross_feed_anchors
where anchor in ('police brought the patient to A&E', 'officers waited in a hospital', 'police asked social care')
