-- One row per kind of linkage error: how many of 1,000 links are expected to be of that kind, and how that is known. Shares
-- of links, of all people seen together: no count of persons stands behind a row that is less than everybody.
-- Key: error_label
with shares as (
    select
        if(measure = 'pair precision', 'Links that may be wrong', 'Links that are missed') as error_label,
        detail,
        value,
        low,
        high,
        how
    from marts.linkage_quality
    where measure in ('pair precision', 'pair recall')
    qualify row_number() over (
        partition by measure order by list_position(['answer key', 'NHS numbers', 'model'], how), detail
    ) = 1
)

select
    error_label, -- [label] Kind of error
    round(1000 * (1 - value))::bigint as of_1000, -- [label] Links of 1,000 that are of that kind
    floor(round(1000 * (1 - high), 6))::bigint as of_1000_low, -- [label] Lower end of its 95 % interval; empty if not known
    ceil(round(1000 * (1 - low), 6))::bigint as of_1000_high, -- [label] Upper end of its 95 % interval; empty if not known
    detail as detail_label, -- [label] What was measured
    how as how_known -- [label] How it is known: by the model's own reckoning, or beside an answer key
from shares
