"""Rules MO4, MO5, MO6, MO9, MO10 and MO11 at their boundaries: who is a signal, what a crisis is, what is left out."""

import pytest

FEEDS = ("ae_attendances", "police_incidents", "ambulance_incidents")
DETAILS = {  # what the rules ask of a contact beside the contact itself
    "ae_attendances": ("acuity", "went_home", "care_home", "assault", "age_band"),
    "police_incidents": ("suspect",),
    "ambulance_incidents": ("fall", "category"),
    "social_care_events": ("care_home", "end_of_life"),
    "children_in_need": ("episode_id", "referral_nfa"),
}
NOBODY = "contact_id | role"
AE, POLICE, AMBULANCE, SOCIAL_CARE, CHILDREN = DETAILS


def table(columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    return "\n".join(" | ".join(line) for line in [columns, *rows])


def contact(contact_id: str, day: str, feed: str, need: str, **says: str) -> dict[str, str]:
    """A contact of one person at 10:00 in 2024, or at 00:00 where the feed tells days; `says` overrides defaults."""
    hour = "00:00" if feed in (SOCIAL_CARE, CHILDREN) else says.pop("hour", "10:00")
    group = {"frailty": "later_life", "dementia": "later_life", "injury": "physical_health"}.get(need, need)
    defaults = {
        "acuity": "3", "went_home": "true", "care_home": "false", "assault": "false", "suspect": "false",
        "fall": "false", "category": "3", "end_of_life": "false", "referral_nfa": "false", "age_band": "75-84",
        "episode_id": "E1", "outcome_group": "met", "kind": feed, "crisis": "false", "ended_at": "",
    }  # fmt: skip
    return defaults | says | {
        "contact_id": contact_id, "feed": feed, "need": need, "need_group": group, "started_at": f"2024-{day} {hour}",
        "person_id": "P1",
    }  # fmt: skip


@pytest.fixture
def check_rule(check):
    """Builds one rule from the contacts of one person, of whom every month of 2024 was delivered."""

    def check_contacts(rule, contacts, expected, people="person_id\nP1", through="2024-12", scenarios=None):
        shape = ("contact_id", "person_id", "feed", "kind", "need", "need_group", "started_at", "ended_at")
        shape += ("outcome_group", "crisis")
        months = [(feed, f"2024-{month:02}", through) for feed in FEEDS for month in range(1, 13)]
        given = {
            "staging.contacts": table(shape, [tuple(row[name] for name in shape) for row in contacts]),
            "staging.people": people,
            "staging.unbroken_months": table(("feed", "period", "through"), months),
        }
        for feed, names in DETAILS.items():
            extra = ("kind", "started_at", "ended_at", "outcome_group") if feed == CHILDREN else ()
            columns = ("contact_id", *names, *extra)
            rows = [tuple(row[name] for name in columns) for row in contacts if row["feed"] == feed]
            given[f"staging.{feed}"] = table(columns, rows)
        if scenarios:
            given["staging.person_scenarios"] = scenarios
        check(f"opportunities.{rule}", given, expected)

    return check_contacts


def left(contact_id: str, day: str, **says: str) -> dict[str, str]:
    return contact(contact_id, day, AE, says.pop("need", "mental_health"), outcome_group="left", **says)


def drunk(contact_id: str, day: str, **says: str) -> dict[str, str]:
    return contact(contact_id, day, AE, "alcohol_drugs", **says)


def disorder(contact_id: str, day: str) -> dict[str, str]:
    return contact(contact_id, day, POLICE, "crime", kind="anti_social_behaviour")


def domestic(contact_id: str, day: str, **says: str) -> dict[str, str]:
    return contact(contact_id, day, POLICE, "domestic_abuse", **says)


def assaulted(contact_id: str, day: str, **says: str) -> dict[str, str]:
    return contact(contact_id, day, AE, "injury", assault="true", **says)


def helped_up(contact_id: str, day: str, **says: str) -> dict[str, str]:
    return contact(contact_id, day, AMBULANCE, "frailty", **{"kind": "see_and_treat", "fall": "true"} | says)


def conveyed(contact_id: str, day: str, **says: str) -> dict[str, str]:
    return contact(contact_id, day, AMBULANCE, says.pop("need", "frailty"), kind="see_and_convey", **says)


def low_acuity(contact_id: str, day: str, **says: str) -> dict[str, str]:
    return contact(contact_id, day, AE, "physical_illness", **{"acuity": "5"} | says)


def referral(day: str, **says: str) -> dict[str, str]:
    return contact("r1", day, CHILDREN, "family_strain", kind="referral", **{"outcome_group": "passed_on"} | says)


NFA = {"referral_nfa": "true", "outcome_group": "no_further_action"}
CASES = {
    "MO4: leaving a second time is a signal, 90 days after the first time": (
        "mo4", [left("a", "03-01"), left("b", "05-30")],
        "contact_id | role\n a | comparison\n b | signal",
    ),
    "MO4: 91 days after the first time it is not": (
        "mo4", [left("a", "03-01"), left("b", "05-31")],
        "contact_id | role\n a | comparison\n b | comparison",
    ),
    "MO4: the police for mental health 14 days later are the crisis": (
        "mo4", [left("a", "03-01"), left("b", "03-02"), contact("c", "03-16", POLICE, "mental_health")],
        "contact_id | role | crisis_contact_id | lead_days\n a | comparison | b | 1\n b | signal | c | 14",
    ),
    "MO4: 15 days later they are not": (
        "mo4", [left("b", "03-02"), contact("c", "03-17", POLICE, "mental_health")],
        "contact_id | crisis_contact_id\n b |",
    ),
    "MO4: nor are they for another need": (
        "mo4", [left("b", "03-02"), contact("c", "03-03", POLICE, "crime")],
        "contact_id | crisis_contact_id\n b |",
    ),
    "MO4: acuity 1 and another need are left out": (
        "mo4", [left("a", "03-01", acuity="1"), left("b", "03-02", need="injury")], NOBODY,
    ),
    "MO5: the third contact for alcohol or disorder, 90 days later, is the crisis": (
        "mo5", [drunk("a", "03-01"), disorder("b", "03-10"), disorder("c", "04-10"), disorder("d", "05-30")],
        "contact_id | role | crisis_contact_id | lead_days\n a | signal | d | 90",
    ),
    "MO5: 91 days later it is not": (
        "mo5", [drunk("a", "03-01"), disorder("b", "03-10"), disorder("c", "04-10"), disorder("d", "05-31")],
        "contact_id | followed_by_crisis\n a | false",
    ),
    "MO5: contacts for another need do not count": (
        "mo5", [drunk("a", "03-01"), disorder("b", "03-10"), disorder("c", "04-10"),
                contact("d", "04-20", AE, "injury")],
        "contact_id | followed_by_crisis\n a | false",
    ),
    "MO5: sent home for mental health is what it is compared with; an admission is neither": (
        "mo5", [contact("a", "03-01", AE, "mental_health"), drunk("b", "06-01", outcome_group="admitted")],
        "contact_id | role\n a | comparison",
    ),
    "MO6: hurt at A&E 90 days after the police knew is a signal, the next time 90 days later its crisis": (
        "mo6", [domestic("a", "03-01"), assaulted("b", "05-30"), domestic("c", "08-28")],
        "contact_id | role | crisis_contact_id | lead_days\n a | comparison | b | 90\n b | signal | c | 90\n c | signal | |",
    ),
    "MO6: 91 days apart is neither pair nor repeat": (
        "mo6", [domestic("a", "03-01"), assaulted("b", "05-31")],
        "contact_id | role | crisis_contact_id\n a | comparison |\n b | comparison |",
    ),
    "MO6: who is at A&E within 3 days of the police is not a comparison": (
        "mo6", [domestic("a", "03-01"), assaulted("b", "03-04")],
        "contact_id | role\n b | signal",
    ),
    "MO6: a suspect was not harmed, an injury is not an assault": (
        "mo6", [domestic("a", "03-01", suspect="true"), contact("b", "03-02", AE, "injury")], NOBODY,
    ),
    "MO9: the police six months after a referral that led to nothing are the crisis": (
        "mo9", [referral("03-01", **NFA), contact("c", "09-01", POLICE, "welfare")],
        "contact_id | role | crisis_contact_id | lead_days\n r1 | signal | c | 184",
    ),
    "MO9: a day later they are not": (
        "mo9", [referral("03-01", **NFA), contact("c", "09-02", POLICE, "welfare")],
        "contact_id | followed_by_crisis\n r1 | false",
    ),
    "MO9: nor is what happened on the day of the referral": (
        "mo9", [referral("03-01", **NFA), contact("c", "03-01", POLICE, "welfare")],
        "contact_id | followed_by_crisis\n r1 | false",
    ),
    "MO9: nor is a sprained ankle; self-harm is": (
        "mo9", [referral("03-01", **NFA), contact("c", "03-05", AE, "injury"),
                contact("d", "03-20", AE, "mental_health")],
        "contact_id | crisis_contact_id\n r1 | d",
    ),
    "MO9: closed after assessment counts from the closure": (
        "mo9", [referral("03-01"), contact("s1", "03-05", CHILDREN, "family_strain", kind="assessment",
                outcome_group="no_further_action", ended_at="2024-04-10"), contact("c", "04-05", POLICE, "welfare"),
                contact("d", "04-20", POLICE, "welfare")],
        "contact_id | role | at | crisis_contact_id | lead_days\n r1 | signal | 2024-04-10 | d | 10",
    ),
    "MO9: a plan is what it is compared with": (
        "mo9", [referral("03-01")], "contact_id | role\n r1 | comparison",
    ),
    "MO10: helped up again after 7 days is a signal, conveyed 28 days later its crisis": (
        "mo10", [helped_up("a", "03-01"), helped_up("b", "03-08"), conveyed("c", "04-05")],
        "contact_id | role | crisis_contact_id | lead_days\n a | comparison | |\n b | signal | c | 28",
    ),
    "MO10: after 8 days it is none, and 29 days later is too late": (
        "mo10", [helped_up("a", "03-01"), helped_up("b", "03-09"), conveyed("c", "04-07")],
        "contact_id | role | crisis_contact_id\n a | comparison |\n b | comparison |",
    ),
    "MO10: a chest pain is neither a fall at home nor a conveyance after one": (
        "mo10", [helped_up("a", "03-01"), helped_up("b", "03-02", fall="false"),
                 conveyed("c", "03-03", need="physical_illness")],
        "contact_id | role | crisis_contact_id\n a | comparison |",
    ),
    "MO11: back at A&E 30 days after low acuity from a care home is the crisis": (
        "mo11", [low_acuity("a", "03-01", care_home="true"), contact("b", "03-31", AE, "frailty", acuity="1")],
        "contact_id | role | crisis_contact_id | lead_days\n a | signal | b | 30",
    ),
    "MO11: 31 days after it is not": (
        "mo11", [low_acuity("a", "03-01", care_home="true"), contact("b", "04-01", AE, "frailty")],
        "contact_id | followed_by_crisis\n a | false",
    ),
    "MO11: social care says who lives in a care home, by its last record": (
        "mo11", [contact("s", "01-05", SOCIAL_CARE, "frailty", care_home="true"), low_acuity("a", "02-01"),
                 contact("t", "03-05", SOCIAL_CARE, "frailty"), low_acuity("b", "04-15")],
        "contact_id | role\n a | signal\n b | comparison",
    ),
    "MO11: acuity 3 is none, but for somebody near the end of life": (
        "mo11", [low_acuity("a", "02-01", acuity="3", care_home="true"),
                 contact("s", "03-05", SOCIAL_CARE, "frailty", end_of_life="true"),
                 low_acuity("b", "04-15", acuity="3", care_home="true")],
        "contact_id | role\n b | signal",
    ),
    "MO11: the young at home are not compared with care homes": (
        "mo11", [low_acuity("a", "02-01", age_band="45-64"), low_acuity("b", "04-01", age_band="65-74")],
        "contact_id | role\n b | comparison",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("rule", "contacts", "expected"), CASES.values(), ids=CASES)
def test_signal_and_crisis(check_rule, rule, contacts, expected):
    check_rule(rule, contacts, expected)


ONE = {  # rule: one contact of March that is a candidate, and the month in which its window ends
    "mo4": (left("a", "03-05"), "2024-03"),
    "mo5": (drunk("a", "03-05"), "2024-06"),
    "mo6": (domestic("a", "03-05"), "2024-06"),
    "mo9": (referral("03-05"), "2024-09"),
    "mo10": (helped_up("a", "03-05"), "2024-04"),
    "mo11": (low_acuity("a", "03-05", care_home="true"), "2024-04"),
}
FREE_OF_CRISIS = "followed_by_crisis | window_complete\nfalse | "


def month_before(month: str) -> str:
    return f"2024-{int(month[5:]) - 1:02}"


@pytest.mark.parametrize("rule", ONE)
@pytest.mark.parametrize("end", ["death_month", "moved_away_month"])
def test_who_died_or_moved_away_within_the_window_was_not_free_of_crisis(check_rule, rule, end):
    candidate, last_month = ONE[rule]
    check_rule(rule, [candidate], NOBODY, people=f"person_id | {end}\nP1 | {last_month}")


@pytest.mark.parametrize("rule", ONE)
def test_a_death_in_the_month_after_the_window_does_not_matter(check_rule, rule):
    candidate, last_month = ONE[rule]
    people = f"person_id | death_month\nP1 | 2024-{int(last_month[5:]) + 1:02}"
    check_rule(rule, [candidate], FREE_OF_CRISIS + "true", people=people)


@pytest.mark.parametrize("rule", ONE)
def test_a_window_that_the_records_cover_to_its_last_month_is_complete(check_rule, rule):
    candidate, last_month = ONE[rule]
    check_rule(rule, [candidate], FREE_OF_CRISIS + "true", through=last_month)


@pytest.mark.parametrize("rule", ONE)
def test_a_window_whose_last_month_did_not_arrive_is_marked(check_rule, rule):
    candidate, last_month = ONE[rule]
    check_rule(rule, [candidate], FREE_OF_CRISIS + "false", through=month_before(last_month))


def test_people_are_other_people_where_records_are_joined_otherwise(check_rule):
    scenarios = """
    contact_id | scenario    | person_key
    a          | central     | P1
    b          | central     | P2
    a          | alternative | A1
    b          | alternative | A1
    """
    falls = [helped_up("a", "03-01"), helped_up("b", "03-05") | {"person_id": "P2"}]
    expected = """
    scenario    | person_key | contact_id | role
    central     | P1         | a          | comparison
    central     | P2         | b          | comparison
    alternative | A1         | a          | comparison
    alternative | A1         | b          | signal
    """
    check_rule("mo10", falls, expected, people="person_id\nP1\nP2", scenarios=scenarios)
