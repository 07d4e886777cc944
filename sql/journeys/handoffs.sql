-- One row per linkage scenario, person and hand-off: a contact whose next contact, within the hand-off window (28 days),
-- was elsewhere: with another agency, or with another team of the same agency where both teams are known.
-- Key: scenario, person_key, contact_id
with contacts as (
    select hash(contact_id) as contact, contact_id, agency, feed, team, started_at, need, need_group, outcome_group
    from staging.contacts
)

select
    people.scenario, -- central (everybody) or alternative (who is another set of records under some variant)
    people.person_key, -- Person in that scenario; in the central one the person_id
    here.contact_id, -- Contact that was followed by one elsewhere
    there.contact_id as next_contact_id, -- The contact elsewhere
    here.agency <> there.agency as between_agencies, -- Whether the two contacts were with different agencies
    here.agency as from_agency, -- Agency of the first contact
    here.feed as from_feed, -- Feed of the first contact
    here.team as from_team, -- Team of the first contact
    there.agency as to_agency, -- Agency of the next contact
    there.feed as to_feed, -- Feed of the next contact
    there.team as to_team, -- Team of the next contact
    here.started_at as handed_off_at, -- Start of the first contact
    sequence.days_to_next::bigint as days_between, -- Days between the starts of the two contacts
    here.need, -- Need of the first contact
    there.need as next_need, -- Need of the next contact
    here.need_group = there.need_group
    and 'unknown' not in (here.need, there.need) as same_need, -- Whether both were for one known group of needs
    here.outcome_group -- How the first contact ended
from journeys.sequence as sequence
inner join journeys.person_numbers as people using (person)
inner join contacts as here on sequence.contact = here.contact
inner join contacts as there on sequence.next_contact = there.contact
where sequence.days_to_next <= getvariable('handoff_days')
    and (
        sequence.agency_bit <> sequence.next_agency_bit
        or sequence.feed <> sequence.next_feed
        or here.team <> there.team
    )
