-- One row per opportunity rule and what followed, with the total: signals whose window is all in the records, with and
-- without a crisis after them. A contact may be a signal of several rules.
-- Counts: complete signals
-- Adds up: followed_label to 'All signals'
-- Within: people in signals
-- Key: rule_label, followed_label
with signals as (
    select
        rules.rule_id || ': ' || rules.label as rule_label,
        if(signals.followed_by_crisis, 'A crisis followed', 'No crisis followed') as followed_label,
        signals.person_key,
        contacts.agency
    from opportunities.candidates as signals
    inner join rules.catalogue as rules using (rule_id)
    inner join staging.contacts as contacts using (contact_id)
    where signals.scenario = 'central' and signals.role = 'signal' and signals.window_complete
)

select
    rule_label, -- [label] Opportunity rule
    coalesce(followed_label, 'All signals') as followed_label, -- [label] Whether a crisis followed within the rule's days
    count(*) as signals, -- [count] Contacts at which something could have been done
    count(distinct person_key) as people, -- [people] People with such a contact
    count(distinct agency) as agencies -- [agencies] Agencies that had these contacts
from signals
group by grouping sets ((rule_label, followed_label), (rule_label))
