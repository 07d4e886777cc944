-- One row per event in the life of a person id: what became of it when the records were linked again. Two ids can be
-- compared across releases where nothing stands here.
-- Key: run, event, person_id, other_person_id
select
    run, -- Number of the linkage run that changed something, from 1
    period, -- Last month that had been accepted by then
    event, -- merge: the id ended in another; split: some records left; retired: no records any more; returned: some again
    person_id, -- The id it happened to
    other_person_id, -- The id that the records are under since; empty where there is none
    records -- Records that went over
from linkage.person_history
