-- How many contacts were there each month, by feed?
-- Compare months only where as many deliveries arrived: a month that a feed did not send is a gap and not a fall.
select period as month, feed, count(*) as contacts, count(*) filter (crisis) as crisis_contacts
from marts.contacts
group by all
order by all
