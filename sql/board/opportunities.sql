-- One row per opportunity rule, whether a contact shows the rule's sign or is like those that do without it, and what
-- followed, with the total: contacts whose window is all in the records, with and without a crisis after them, and the 95 %
-- band that linkage leaves open. How often a crisis follows a sign says little without how often it follows otherwise. A
-- contact may show the signs of several rules. Ends of bands never add up.
-- Counts: complete signals and contacts like them
-- Adds up: followed_label to 'All contacts'
-- Within: people in contacts
-- Key: rule_label, sign_label, followed_label
with candidates as (
    select
        candidates.scenario,
        candidates.person_key,
        rules.rule_id || ': ' || rules.label as rule_label,
        if(candidates.role = 'signal', 'With the sign', 'Like them, without the sign') as sign_label,
        if(candidates.followed_by_crisis, 'A crisis followed', 'No crisis followed') as followed_label,
        contacts.agency
    from opportunities.candidates as candidates
    inner join rules.catalogue as rules using (rule_id)
    inner join staging.contacts as contacts using (contact_id)
    where candidates.window_complete
),

central as (
    select
        rule_label,
        sign_label,
        coalesce(followed_label, 'All contacts') as followed_label,
        count(*) as contacts,
        count(distinct person_key) as people,
        count(distinct agency) as agencies
    from candidates
    where scenario = 'central'
    group by grouping sets ((rule_label, sign_label, followed_label), (rule_label, sign_label))
),

-- Only people who are another set of records under a draw are counted anew: out with the ones, in with the others.
changed as (
    select
        changes.variant,
        rule_label,
        sign_label,
        coalesce(followed_label, 'All contacts') as followed_label,
        sum(changes.sign) as contacts
    from candidates
    inner join staging.person_changes as changes using (scenario, person_key)
    where changes.variant not in ('low', 'high')
    group by grouping sets ((variant, rule_label, sign_label, followed_label), (variant, rule_label, sign_label))
),

draws as (
    select unnest(range(1, getvariable('linkage_draws')::bigint + 1))::varchar as variant
),

bands as (
    select
        rule_label, sign_label, followed_label,
        floor(quantile_cont(central.contacts + coalesce(changed.contacts, 0), 0.025)) as contacts_low,
        ceil(quantile_cont(central.contacts + coalesce(changed.contacts, 0), 0.975)) as contacts_high
    from central
    cross join draws
    left join changed using (rule_label, sign_label, followed_label, variant)
    group by rule_label, sign_label, followed_label
)

select
    rule_label, -- [label] Opportunity rule
    sign_label, -- [label] Whether the contacts show the rule's sign, or are those that the rule compares them with
    followed_label, -- [label] Whether a crisis followed within the rule's days
    central.contacts, -- [count] Contacts
    bands.contacts_low::bigint as contacts_low, -- [count] Lower end of the band of contacts
    bands.contacts_high::bigint as contacts_high, -- [count] Upper end of the band of contacts
    central.people, -- [people] People with such a contact
    central.agencies -- [agencies] Agencies that had these contacts
from central
inner join bands using (rule_label, sign_label, followed_label)
