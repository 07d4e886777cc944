-- One row per code of a code list and delivery month in which the code was valid.
-- Key: code_list, code_key, period
with periods as (
    select distinct period from accepted.deliveries
)

select
    codes.code_list, -- Code list
    codes.code_key, -- Code in lower case with letters and digits only and "and" for "&"
    periods.period, -- Delivery month as YYYY-MM
    codes.label, -- Code in words
    codes.need, -- Need that the code stands for; empty where it stands for none
    codes.outcome_group, -- Outcome group that the code stands for
    codes.kind, -- Kind of contact that the code stands for
    codes.raised_by, -- Who raised the contact
    codes.crisis, -- Whether the code makes a contact a crisis contact
    codes.counts_as_subject, -- Whether a person in this role is the one whom the contact is about
    codes.frailty_signal, -- Whether the code is a sign of frailty
    codes.went_home, -- Whether a patient with this destination went to their own home or a care home
    codes.acuity -- Acuity from 1 (immediate) to 5 (low)
from reference.codes
inner join periods
    on last_day((periods.period || '-01')::date) between codes.valid_from and coalesce(codes.valid_to, 'infinity'::date)
