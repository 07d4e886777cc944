-- One row per opportunity rule, whether a contact shows the rule's sign or is like those that do without it, and what
-- followed, with the total: contacts whose window is all in the records, with and without a crisis after them. How often a
-- crisis follows a sign says little without how often it follows otherwise. A contact may show the signs of several rules.
-- Counts: complete signals and contacts like them
-- Adds up: followed_label to 'All contacts'
-- Within: people in contacts
-- Key: rule_label, sign_label, followed_label
with candidates as (
    select
        rules.rule_id || ': ' || rules.label as rule_label,
        if(candidates.role = 'signal', 'With the sign', 'Like them, without the sign') as sign_label,
        if(candidates.followed_by_crisis, 'A crisis followed', 'No crisis followed') as followed_label,
        candidates.person_key,
        contacts.agency
    from opportunities.candidates as candidates
    inner join rules.catalogue as rules using (rule_id)
    inner join staging.contacts as contacts using (contact_id)
    where candidates.scenario = 'central' and candidates.window_complete
)

select
    rule_label, -- [label] Opportunity rule
    sign_label, -- [label] Whether the contacts show the rule's sign, or are those that the rule compares them with
    coalesce(followed_label, 'All contacts') as followed_label, -- [label] Whether a crisis followed within the rule's days
    count(*) as contacts, -- [count] Contacts
    count(distinct person_key) as people, -- [people] People with such a contact
    count(distinct agency) as agencies -- [agencies] Agencies that had these contacts
from candidates
group by grouping sets ((rule_label, sign_label, followed_label), (rule_label, sign_label))
