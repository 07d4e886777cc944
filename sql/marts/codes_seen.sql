-- One row per agency, feed, delivery month, coded column and code that was given: every code that was seen is here,
-- mapped or not. What is in no code list is one row without a code, because such a value may be free text.
-- Key: agency, feed, period, column_name, code
select
    agency, -- Agency
    feed, -- Kind of extract
    period, -- Delivery month as YYYY-MM
    column_name, -- Coded column of the feed
    code_list, -- Code list of the column, a file in data/reference/codes
    code, -- Code as the list spells it; empty for what is in no list
    label, -- Code in words; empty for what is in no list
    case
        when not listed then 'not in the list'
        when not mapped then 'not mapped'
        else 'mapped' end as state, -- Whether the list has the code and says all that it stands for
    codes, -- Times that the code was given
    outside_validity -- Times that it was given at an event before the code was valid or after
from staging.codes_seen
