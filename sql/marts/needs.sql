-- One row per need that a contact can be for. The needs and their groups are a table of the project
-- (data/reference/needs.csv) that a partnership may change.
-- Key: need
select
    need, -- Need
    label, -- Need in words
    need_group, -- Group of needs: two contacts are for the same need where their groups are the same
    priority, -- Which need a contact has whose record shows several: the one of the lowest number
    meaning -- What it stands for
from reference.needs
