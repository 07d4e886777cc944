-- How often do people wait 12 or 24 hours in A&E, and with which need?
-- No wait is left out for being long: the long ones are the point.
select
    needs.label as need,
    count(*) as stays,
    count(*) filter (over_12_hours) as over_12_hours,
    count(*) filter (over_24_hours) as over_24_hours,
    round(quantile_cont(minutes, 0.95) / 60, 1) as hours_of_95th_percentile
from marts.waits as waits
inner join marts.needs as needs using (need)
where wait_kind = 'ae_stay'
group by needs.label
order by over_12_hours desc, need
