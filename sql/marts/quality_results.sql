-- One row per delivery, file and check (an expectation of the feed's suites): how many rows were looked at and how many of
-- them failed, also of a delivery that was refused for it.
-- Key: agency, feed, period, delivery_id, file, rule, column_name
select
    checks.agency, -- Agency
    checks.feed, -- Kind of extract
    checks.period, -- Delivery month as YYYY-MM
    checks.delivery_id, -- Delivery
    deliveries.status, -- What became of the delivery: accepted or refused
    checks.file, -- File of the delivery: people, attributes or activity
    checks.rule, -- Check
    checks.column_name, -- Column that the check is about; empty where it is about the whole row or file
    checks.severity, -- critical, warning or info
    checks.refuses, -- What a critical check refuses, row or file; empty for the others
    checks.kahn, -- Kind of quality: conformance, completeness or plausibility
    checks.reason, -- What is wrong with what fails
    checks.checked, -- Rows looked at
    checks.failed, -- Rows that failed; 1 where a check that refuses the file failed
    round(checks.failed / checks.checked, 6) as failed_share -- Share of the rows that failed
from accepted.checks as checks
inner join accepted.deliveries as deliveries using (agency, feed, period, delivery_id)
where checks.checked > 0
