"""Needs that nobody met and that came back: stories told of ordinary people, and decoys that stand just outside.

A story is cause and effect: somebody shows a need at one door (the signal), goes away without help, and what was not
helped there brings the person to another door in crisis. How long that takes, how it shows and to whom it befalls are
drawn. A decoy is the same story with one thing changed, so that nobody could have known or helped: the crisis comes a
day too late to belong to the signal, it has another cause, help did come, the signal is only half there.

The stories befall people whose own contacts are far from them in time, so that a decoy stays one; these people's
records have the errors of everybody's. How an opportunity is looked for does not belong here; what was missed in the life
courses themselves stands in opportunities.py.
"""

from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from pipelines.synthetic.feeds import (
    AMBULANCE,
    FALL,
    FALL_DIAGNOSIS,
    FRAILTY,
    HOME,
    LOW,
    NFA_ADVICE,
    OWN_TRANSPORT,
    STANDARD,
    URGENT,
    VERY_URGENT,
    WARD,
)
from pipelines.synthetic.life_courses import SOCIAL_CARE, STEPS
from pipelines.synthetic.personas import CONCERN, DETAINED, HARMED_SELF, NO_NOTICE, SENT_HOME
from pipelines.synthetic.population import YEAR

PEOPLE_A_STORY = 1500  # one story of each kind for so many people of the region
PEOPLE_A_DECOY = 6000  # one decoy of each kind for so many
FEWEST_PEOPLE = 1000  # a smaller region has no room for stories among its people
TRIES = 300  # people looked at for each story
QUIET_BEFORE, QUIET_AFTER = 100, 50  # days around a story in which nothing else befalls the person
REFERRED, HELPED_UP = "referred", "helped_up"  # moments of the feeds that are derived: a child, a patient at home


@dataclass(frozen=True)
class Moment:
    """A contact of a story: days since the moment before (least, median, most), and what the agency's row says.

    `ways` are further choices of (step, says); which of them comes true is drawn.
    """

    step: str
    days: tuple[int, int, int] = (0, 0, 0)
    says: dict[str, str] = field(default_factory=dict)
    minutes: int = 0
    heard: bool = False
    course: str = ""  # empty: that of the story
    ways: tuple[tuple[str, dict[str, str]], ...] = ()


@dataclass(frozen=True)
class Story:
    """What befalls somebody of `ages` (years, least and most); `signal` is the place of the signal in `moments`.

    The last moment is the crisis. `decoy` is empty, or says what is different.
    """

    rule_id: str
    course: str
    ages: tuple[float, float]
    moments: tuple[Moment, ...]
    signal: int = 0
    decoy: str = ""

    def but(self, decoy: str, **changes) -> "Story":
        """The decoy of this story in which `moments`, or some of them by place, are others."""
        moments = list(changes.pop("moments", self.moments))
        for place, moment in changes.pop("at", {}).items():
            moments[place] = moment
        return replace(self, decoy=decoy, moments=tuple(moments), **changes)


TOO_LATE, OTHER_NEED, HELPED, HALF = "a day too late", "another need", "help came", "half a signal"
LONG_AFTER, OTHER_PLACE = "long after", "another place"

ADMITTED = {"EC_Arrival_Mode_SNOMED_CT": AMBULANCE, "EC_Acuity_SNOMED_CT": URGENT, "EC_Injury_Intent_SNOMED_CT": ""}
FALLEN = {"EC_Chief_Complaint_SNOMED_CT": FALL, "Der_EC_Diagnosis_All": f"{FALL_DIAGNOSIS},{FRAILTY}"}
CUT = {"EC_Chief_Complaint_SNOMED_CT": "312608009", "Der_EC_Diagnosis_All": "312608009"}
SPRAINED = {"EC_Chief_Complaint_SNOMED_CT": "282026002", "Der_EC_Diagnosis_All": "384709000"}
CHEST_PAIN = {"EC_Chief_Complaint_SNOMED_CT": "29857009", "Der_EC_Diagnosis_All": "29857009"}
DRUNK = {"EC_Chief_Complaint_SNOMED_CT": "25702006", "Der_EC_Diagnosis_All": "25702006"}
OVERDOSE = {"EC_Chief_Complaint_SNOMED_CT": "55680006", "Der_EC_Diagnosis_All": "55680006"}
ASSAULTED = {"EC_Chief_Complaint_SNOMED_CT": "282026002", "Der_EC_Diagnosis_All": "371422002,125605004"}
WALKED_IN = {
    **SENT_HOME,
    "EC_Arrival_Mode_SNOMED_CT": OWN_TRANSPORT,
    "EC_Attendance_Source_SNOMED_CT": "1991000124105",
    "EC_Acuity_SNOMED_CT": STANDARD,
    "EC_Injury_Intent_SNOMED_CT": "",
}
BROUGHT_IN = {**SENT_HOME, **ADMITTED}
ASKED = {
    "Client_Type": "Service User",
    "Primary_Support_Reason": "Physical Support: Personal care support",
    "Event_Outcome": NFA_ADVICE,
    "Requested_By": "Self",
    "Request_Route_of_Access": "Community / Other route",
}
NOTICE = {
    **CONCERN,
    "role": "subject",
    "qualifiers": "mental health",
    "ppn": "true",
    "ppn_shared_with": "adult social care",
    "ppn_outcome": "Shared - no further action",
    "ppn_outcome_ts": "",
}
VICTIM = {
    "role": "victim",
    "nsir_open": "Domestic incident",
    "nsir_close": "Domestic incident",
    "qualifiers": "domestic",
}
UNWELL = {"role": "subject", "nsir_open": "Mental health", "nsir_close": "Mental health", "qualifiers": "mental health"}
DISORDERLY = {"role": "subject", "qualifiers": "alcohol"}
GONE = {**NO_NOTICE, "role": "missing", "nsir_open": "Missing person", "nsir_close": "Missing person"}
GONE_FROM_CARE = {**GONE, "missing_from": "care", "qualifiers": "dementia;vulnerable older person"}
GONE_FROM_HOME = {**GONE_FROM_CARE, "missing_from": "home"}
CARER_ASKS = {
    **ASKED,
    "Primary_Support_Reason": "Social Support: Support to Carer",
    "Requested_By": "Family or carer",
}
RESIDENT = {
    "Client_Type": "Service User",
    "Primary_Support_Reason": "Physical Support: Personal care support",
    "Service_Type": "Long Term Support: Residential Care",
    "Service_Component": "Long Term Residential Care",
    "Accommodation_Status": "Registered care home",
    "Event_Outcome": "Provision of service",
    "Event_End_Date": "",
}
TO_CARE_HOME = {
    **WALKED_IN,
    "EC_Arrival_Mode_SNOMED_CT": AMBULANCE,
    "EC_Acuity_SNOMED_CT": LOW,
    "Discharge_Destination_SNOMED_CT": "306691003",
    "Accommodation_Status_SNOMED_CT": "160734000",
    "EC_Chief_Complaint_SNOMED_CT": "386661006",
    "Der_EC_Diagnosis_All": "68566005",
}
TO_OWN_HOME = {**TO_CARE_HOME, "Discharge_Destination_SNOMED_CT": HOME, "Accommodation_Status_SNOMED_CT": ""}
INTO_HOSPITAL = {
    **ADMITTED,
    "EC_Discharge_Status_SNOMED_CT": "1324201000000109",
    "Discharge_Destination_SNOMED_CT": WARD,
    "EC_Acuity_SNOMED_CT": VERY_URGENT,
}

FELL_AND_ADMITTED = ("ed_admitted", {**ADMITTED, **FALLEN})
FELL_AND_HOME = ("ed_home", {**BROUGHT_IN, **FALLEN})
FOUND_BY_POLICE = ("welfare", {**CONCERN, **NO_NOTICE, "role": "subject", "qualifiers": "vulnerable older person"})

COUNCIL = Story("MO1", "frailty", (66, 96), (
    Moment("request", says=ASKED, ways=(("request", {**ASKED, "Event_Outcome": "NFA - No services offered: Other reason"}),)),
    Moment("ed_admitted", (2, 13, 27), FELL_AND_ADMITTED[1], 480, ways=(FELL_AND_HOME, FOUND_BY_POLICE)),
))  # fmt: skip
NOTICES = Story("MO2", "mental_health", (18.5, 66), (
    Moment("mental_health_call", says=NOTICE, minutes=70),
    Moment("mental_health_call", (2, 8, 20), NOTICE, 80),
    Moment("s136", (2, 9, 20), {**DETAINED, **NO_NOTICE}, 240, ways=(
        ("ed_home", {**BROUGHT_IN, **HARMED_SELF}), ("missing", {**GONE, "qualifiers": "mental health"}))),
), signal=1)  # fmt: skip
LEFT = Story("MO4", "mental_health", (18.5, 66), (
    Moment("ed_left", says=HARMED_SELF, minutes=260),
    Moment("ed_left", (1, 5, 12), HARMED_SELF, 230),
    Moment("mental_health_call", (1, 4, 13), {**UNWELL, **NO_NOTICE}, 90, ways=(
        ("ed_home", {**BROUGHT_IN, **HARMED_SELF}),)),
), signal=1)  # fmt: skip
DRINK = Story("MO5", "alcohol_drugs", (18.5, 70), (
    Moment("ed_home", says={**SENT_HOME, **DRUNK}, minutes=260, ways=(("ed_home", {**SENT_HOME, **OVERDOSE}),)),
    Moment("disorder", (5, 13, 27), {**DISORDERLY, **NO_NOTICE}, 50),
    Moment("ed_home", (5, 13, 27), {**BROUGHT_IN, **DRUNK}, 280),
    Moment("disorder", (5, 13, 27), {**DISORDERLY, **NO_NOTICE}, 50, ways=(("ed_home", {**BROUGHT_IN, **DRUNK}),)),
))  # fmt: skip
HURT_AT_HOME = Story("MO6", "domestic_abuse", (18.5, 66), (
    Moment("domestic", says=VICTIM, minutes=110),
    Moment("ed_home", (1, 1, 1), {**WALKED_IN, **ASSAULTED}, 200),
    Moment("domestic", (5, 26, 80), VICTIM, 110),
), signal=1)  # fmt: skip
CARER = Story("MO7", "frailty", (68, 96), (
    Moment("request", says=CARER_ASKS),
    Moment("ed_admitted", (3, 22, 55), FELL_AND_ADMITTED[1], 520),
))  # fmt: skip
WANDERING = Story("MO8", "frailty", (74, 96), (
    Moment("missing", says=GONE_FROM_CARE, minutes=180),
    Moment("missing", (2, 8, 20), GONE_FROM_CARE, 170),
    Moment("ed_admitted", (1, 6, 20), FELL_AND_ADMITTED[1], 500, ways=(FELL_AND_HOME,)),
), signal=1)  # fmt: skip
YOUNG_IN_CRISIS = Moment("missing", (10, 55, 140), {**GONE, "qualifiers": "youth", "missing_from": "home"}, 220, ways=(
    ("ed_home", {**BROUGHT_IN, **HARMED_SELF}),))  # fmt: skip
TURNED_AWAY = Story("MO9", "mental_health", (10.5, 16), (Moment(REFERRED, says={"ends": "nfa"}), YOUNG_IN_CRISIS))
CLOSED = Story("MO9", "mental_health", (10.5, 16), (
    Moment(REFERRED, says={"ends": "rc8"}), replace(YOUNG_IN_CRISIS, days=(75, 100, 150))))  # fmt: skip
HELPED_UP_TWICE = Story("MO10", "frailty", (70, 96), (
    Moment(HELPED_UP, says={"card": "17"}),
    Moment(HELPED_UP, (1, 3, 6), {"card": "17"}),
    Moment("ed_admitted", (1, 2, 5), FELL_AND_ADMITTED[1], 430, ways=(FELL_AND_HOME,)),
), signal=1)  # fmt: skip
CARE_HOME = Story("MO11", "frailty", (76, 97), (
    Moment("service", says=RESIDENT, heard=True),
    Moment("ed_home", (35, 50, 70), TO_CARE_HOME, 330),
    Moment("ed_home", (3, 11, 27), TO_CARE_HOME, 350),
), signal=1)  # fmt: skip

STORIES = (
    COUNCIL, NOTICES, LEFT, DRINK, HURT_AT_HOME, CARER, WANDERING, TURNED_AWAY, CLOSED, HELPED_UP_TWICE, CARE_HOME,
)  # fmt: skip


def _fell(days: int) -> Moment:
    return Moment("ed_admitted", (days, days, days), FELL_AND_ADMITTED[1], 480)


def _later(story: Story, days: int) -> Moment:
    return replace(story.moments[-1], days=(days, days, days))


DECOYS = (
    COUNCIL.but(TOO_LATE, at={1: _fell(29)}),
    COUNCIL.but(OTHER_NEED, at={1: Moment("ed_home", (3, 12, 24), {**WALKED_IN, **CUT}, 150, course="low_need")}),
    COUNCIL.but(HELPED, at={
        0: Moment("request", says={**ASKED, "Event_Outcome": "Progress to Reablement/ST-Max"}, heard=True),
        1: _fell(15)}),
    NOTICES.but(HALF, moments=NOTICES.moments[1:], signal=0),
    NOTICES.but(HELPED, moments=(
        *NOTICES.moments[:2],
        Moment("request", (6, 6, 6), {**ASKED, "Primary_Support_Reason": "Mental Health Support",
            "Event_Outcome": "Progress to Support Planning / Services", "Requested_By": "Police"}, heard=True),
        replace(NOTICES.moments[2], days=(14, 14, 14)))),
    NOTICES.but(OTHER_NEED, at={2: Moment("ed_home", (3, 9, 20), {**WALKED_IN, **SPRAINED}, 140, course="low_need")}),
    NOTICES.but(LONG_AFTER, at={2: _later(NOTICES, 200)}),
    LEFT.but(TOO_LATE, at={2: _later(LEFT, 15)}),
    LEFT.but(HALF, moments=LEFT.moments[1:], signal=0),
    LEFT.but(OTHER_NEED, at={2: Moment("crime", (1, 4, 12), {"role": "victim", "qualifiers": ""}, 40, course="low_need")}),
    DRINK.but(TOO_LATE, at={1: _later(DRINK, 20), 2: replace(DRINK.moments[2], days=(30, 30, 30)), 3: _later(DRINK, 41)}),
    DRINK.but(HALF, moments=DRINK.moments[:3]),
    DRINK.but(OTHER_NEED, at={0: Moment("ed_home", says={**WALKED_IN, **SPRAINED}, minutes=130, course="low_need"),
        2: Moment("ed_home", (5, 13, 27), {**WALKED_IN, **CUT}, 120, course="low_need")}),
    HURT_AT_HOME.but(TOO_LATE, at={2: _later(HURT_AT_HOME, 91)}),
    HURT_AT_HOME.but(HALF, at={1: Moment("ed_home", (1, 1, 1), {**WALKED_IN, **CHEST_PAIN}, 200, course="low_need")}),
    HURT_AT_HOME.but(OTHER_NEED, at={2: Moment("crime", (5, 26, 80), {
        "role": "victim", "nsir_open": "Crime - Theft", "nsir_close": "Crime - Theft", "qualifiers": ""}, 40,
        course="low_need")}),
    CARER.but(TOO_LATE, at={1: _fell(61)}),
    CARER.but(OTHER_NEED, at={1: Moment("ed_home", (3, 22, 55), {**WALKED_IN, **CUT}, 150, course="low_need")}),
    CARER.but(OTHER_PLACE, course="carer", ages=(40, 64), moments=(  # the carer's own illness, not the cared-for's
        Moment("request", says={**CARER_ASKS, "Client_Type": "Carer"}),
        Moment("ed_home", (3, 22, 55), {**BROUGHT_IN, **CHEST_PAIN}, 240, course="low_need"))),
    WANDERING.but(OTHER_PLACE, at={0: Moment("missing", says=GONE_FROM_HOME, minutes=180),
        1: Moment("missing", (2, 8, 20), GONE_FROM_HOME, 170)}),
    WANDERING.but(HALF, moments=WANDERING.moments[1:], signal=0),
    WANDERING.but(LONG_AFTER, at={2: _later(WANDERING, 200)}),
    TURNED_AWAY.but(TOO_LATE, at={1: _later(TURNED_AWAY, 185)}),  # the longest half-year has 184 days
    TURNED_AWAY.but(HELPED, moments=(Moment(REFERRED, says={"ends": "plan"}), _later(TURNED_AWAY, 100))),
    TURNED_AWAY.but(OTHER_NEED, at={1: Moment("ed_home", (10, 55, 140), {**WALKED_IN, **SPRAINED}, 130, course="low_need")}),
    HELPED_UP_TWICE.but(HALF, moments=HELPED_UP_TWICE.moments[1:], signal=0),
    HELPED_UP_TWICE.but(TOO_LATE, at={1: Moment(HELPED_UP, (8, 8, 8), {"card": "17"})}),
    HELPED_UP_TWICE.but(OTHER_NEED, at={0: Moment(HELPED_UP, says={"card": "10"}),
        1: Moment(HELPED_UP, (1, 3, 6), {"card": "10"})}),
    CARE_HOME.but(OTHER_PLACE, signal=0, moments=(Moment("ed_home", says=TO_OWN_HOME, minutes=300),
        Moment("ed_home", (3, 11, 27), TO_OWN_HOME, 320))),
    CARE_HOME.but(LONG_AFTER, at={2: _later(CARE_HOME, 200)}),
    CARE_HOME.but(OTHER_NEED, at={1: Moment("ed_admitted", (35, 50, 70), {**INTO_HOSPITAL, **CHEST_PAIN}, 420,
        course="low_need")}),
)  # fmt: skip

COLUMNS = ("story", "place", "person", "course", "step", "starts", "minutes", "heard", "says")


@dataclass(frozen=True)
class Told:
    """What befell whom: `stories` (rule_id, decoy, signal, crisis: row numbers of `moments`) and all their `moments`.

    `moments` has COLUMNS and `cause`, the row of the moment before in the same story, or -1.
    """

    stories: pd.DataFrame
    moments: pd.DataFrame

    def of(self, step: str) -> pd.DataFrame:
        """The moments of one derived kind: person, starts, and what is said of them."""
        found = self.moments[self.moments["step"] == step]
        said = pd.DataFrame(found["says"].to_list(), index=found.index, columns=list(_SAID[step]))
        return pd.concat([found[["person", "starts"]], said], axis=1).reset_index(drop=True)

    def contacts(self, first_contact: int) -> pd.DataFrame:
        """The moments of the other feeds in the columns of life_courses.simulate, with `says`, and `moment`.

        `first_contact` is the row number that the first of them will have.
        """
        rows = self.moments[self.moments["step"].isin(list(STEPS))].copy()
        place = np.full(len(self.moments) + 1, -1)
        place[rows.index] = first_contact + np.arange(len(rows))
        rows["cause"] = place[rows["cause"]]
        rows["feed"] = rows["step"].map(STEPS)
        rows = rows.assign(cycling=False, wait=0, moment=rows.index)
        return rows.drop(columns=["story", "place"]).reset_index(drop=True)


_SAID = {REFERRED: ("ends",), HELPED_UP: ("card",)}


def tell(
    people: pd.DataFrame, contacts: pd.DataFrame, start: np.datetime64, days: int, rng: np.random.Generator
) -> Told:
    """Stories and decoys for the ordinary people of a region; `contacts` are those that they have without them.

    A story that finds nobody to befall (a short region, nobody of that age) is left out.
    """
    copies = [(story, PEOPLE_A_STORY) for story in STORIES] + [(story, PEOPLE_A_DECOY) for story in DECOYS]
    wanted = [story for story, each in copies for _ in range(max(1, len(people) // each))]
    if len(people) < FEWEST_PEOPLE:
        wanted = []
    settled = people["died"].isna() & people["moved_away"].isna() & ~people["truly_cycles"] & ~people["homeless"]
    free = (settled & ~people["scripted"] & people["persona"].eq("") & people["cared_for"].eq(-1)).to_numpy(copy=True)
    age = (start - people["born"].to_numpy().astype("datetime64[D]")).astype(float) / YEAR
    taken = contacts.assign(day=(contacts["starts"].to_numpy() - start).astype("timedelta64[D]").astype(int))
    taken = {person: rows.to_numpy() for person, rows in taken.groupby("person")["day"]}
    stories, moments = [], []
    for story in wanted:
        drawn = _draw(story, rng)
        last = drawn[-1][0]
        begins = int(rng.integers(2, days - last - 2)) if days > last + 5 else -1
        who = _whom(story, begins, last, free, age, taken, rng) if begins >= 0 else -1
        if who < 0:
            continue
        free[who] = False
        first = len(moments)
        for place, (day, minute, step, moment, says) in enumerate(drawn):
            at = start.astype("datetime64[m]") + (begins + day) * 1440 + minute
            course = moment.course or story.course
            moments.append(
                (len(stories), place, who, course, step, at, moment.minutes, moment.heard, says)
                + (first + place - 1 if place else -1,)
            )
        stories.append((story.rule_id, story.decoy, first + story.signal, len(moments) - 1))
    made = pd.DataFrame(moments, columns=[*COLUMNS, "cause"])
    made = made.astype({"person": int, "cause": int, "starts": "datetime64[s]"})
    return Told(pd.DataFrame(stories, columns=["rule_id", "decoy", "signal", "crisis"]), made)


def _draw(story: Story, rng: np.random.Generator) -> list[tuple[int, int, str, Moment, dict[str, str]]]:
    """Day of the story, minute of the day, step, moment and what is said, for each moment."""
    drawn, day = [], 0
    for moment in story.moments:
        least, median, most = moment.days
        gap = int(np.clip(round(median * rng.lognormal(0, 0.5)), least, most))
        day = day + gap if drawn else 0
        step, says = ((moment.step, moment.says), *moment.ways)[int(rng.integers(1 + len(moment.ways)))]
        by_day = step == REFERRED or STEPS.get(step) == SOCIAL_CARE
        drawn.append((day, 0 if by_day else int(rng.integers(9 * 60, 17 * 60)), step, moment, says))
    return drawn


def _whom(
    story: Story,
    begins: int,
    last: int,
    free: np.ndarray,
    age: np.ndarray,
    taken: dict[int, np.ndarray],
    rng: np.random.Generator,
) -> int:
    """Somebody of the age to whom nothing else happens at that time, or -1."""
    least, most = story.ages
    fitting = np.flatnonzero(free & (age + begins / YEAR >= least) & (age + (begins + last) / YEAR <= most))
    if not len(fitting):
        return -1
    for who in fitting[rng.integers(0, len(fitting), TRIES)]:
        own = taken.get(int(who), np.empty(0, dtype=int))
        if not ((own > begins - QUIET_BEFORE) & (own < begins + last + QUIET_AFTER)).any():
            return int(who)
    return -1
