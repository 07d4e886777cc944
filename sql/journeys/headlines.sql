-- One row per headline figure: those of data/reference/headlines.csv, for each definition of cycling the people who meet
-- it, and for each opportunity rule its signals, those where an offer existed, and those that a crisis followed.
-- Key: headline_id
select
    headline_id, -- Name of the figure
    position, -- Place in the board pack; empty for a figure that is not in it
    label, -- The figure in words
    unit, -- What is counted: people, contacts, spells, hand-offs, bounces, notices or minutes
    part, -- Headline that a share is worked out from; empty where it has no share
    whole, -- Headline that the share is of; empty where it has no share
    share_of, -- What the share is a share of, in words
    mart -- Mart whose headline it is
from reference.headlines
union all
select
    'definition_' || definition_id, null, label, 'people',
    'definition_' || definition_id, 'people_seen', 'people seen', 'definitions'
from reference.definitions
where status is distinct from 'not supported' and only_part is not true
union all
select
    'rule_' || lower(rule_id) || '_signals', null, rule_id || ', ' || label || ': signals', 'contacts',
    null, null, null, 'opportunity_rules'
from rules.catalogue
union all
select
    'rule_' || lower(rule_id) || '_before_crisis', null, rule_id || ', ' || label || ': signals before a crisis',
    'contacts', 'rule_' || lower(rule_id) || '_before_crisis', 'rule_' || lower(rule_id) || '_signals',
    'signals of the rule', 'opportunity_rules'
from rules.catalogue
union all
select
    'rule_' || lower(rule_id) || '_opportunities', null, rule_id || ', ' || label || ': opportunities', 'contacts',
    'rule_' || lower(rule_id) || '_opportunities', 'rule_' || lower(rule_id) || '_signals',
    'signals of the rule', 'opportunity_rules'
from rules.catalogue
union all
select
    'rule_' || lower(rule_id) || '_opportunities_before_crisis', null,
    rule_id || ', ' || label || ': opportunities before a crisis', 'contacts',
    'rule_' || lower(rule_id) || '_opportunities_before_crisis', 'rule_' || lower(rule_id) || '_opportunities',
    'opportunities of the rule', 'opportunity_rules'
from rules.catalogue
