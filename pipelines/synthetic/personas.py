"""People whose story is written out by hand: the personas, and the decoys that stand just outside the rule MO3.

Rule MO3 looks for somebody of 65 or more who leaves A&E for home after a fall, dehydration, frailty or dementia, has no
social care follow-up within 7 days and is in A&E again within 30. Decoys fail one of its conditions by one step. People
of this file are recorded without error, so that a missed story is the fault of the rule and not of a typing mistake.
"""

from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from pipelines.synthetic.feeds import (
    AMBULANCE,
    CONFUSION,
    DEHYDRATION,
    DELIRIUM,
    DEMENTIA,
    FALL,
    FALL_DIAGNOSIS,
    FRAILTY,
    HOME,
    NFA_ADVICE,
    OWN_TRANSPORT,
    SELF_HARM,
    TREATED,
)  # fmt: skip
from pipelines.synthetic.life_courses import STEPS
from pipelines.synthetic.names import draw_forenames, draw_surnames
from pipelines.synthetic.population import NO_DATE, draw_addresses

DISTRICT_OF_STORY = "Harrowmere"  # where every offer for later life exists, so that decoys differ by one thing only
YEAR_OF_STORY = 2024  # the years of birth below are meant for stories of this year


@dataclass(frozen=True)
class Character:
    """Somebody with a written story; people with one `home` live together."""

    name: str
    home: str
    forename: str
    surname: str
    sex: str
    born: str
    life_course: str
    persona: str = ""
    kin: str = ""
    truly_cycles: bool = False


@dataclass(frozen=True)
class Scene:
    """One contact: `day` of the story (1 is the first), what the agency's row says in `says`."""

    name: str
    day: int
    time: str
    step: str
    minutes: int = 0
    wait: int = 0  # minutes that officers waited in a hospital
    heard: bool = False
    after: int | None = None  # place of the scene that caused it, counted from 0 in the story
    says: dict[str, str] = field(default_factory=dict)


NO_ACTION = {"ppn": "true", "ppn_outcome": "Not shared", "ppn_outcome_ts": "", "ppn_shared_with": ""}
NO_NOTICE = {"ppn": "false", "ppn_outcome": "", "ppn_outcome_ts": "", "ppn_shared_with": ""}
CONCERN = {"nsir_open": "Concern for safety", "nsir_close": "Concern for safety"}
MEMORY = {"Primary_Support_Reason": "Support with Memory & Cognition", "Client_Type": "Service User"}
SENT_HOME = {
    "EC_Discharge_Status_SNOMED_CT": TREATED,
    "Discharge_Destination_SNOMED_CT": HOME,
    "EC_Department_Type": "01",
}
FELL = {"EC_Chief_Complaint_SNOMED_CT": FALL, "Der_EC_Diagnosis_All": f"{FALL_DIAGNOSIS},{FRAILTY}"}
CAME_BACK = {
    "EC_Arrival_Mode_SNOMED_CT": AMBULANCE,
    "EC_Chief_Complaint_SNOMED_CT": CONFUSION,
    "Der_EC_Diagnosis_All": f"{DEHYDRATION},{DELIRIUM}",
}
HARMED_SELF = {
    "EC_Chief_Complaint_SNOMED_CT": SELF_HARM,
    "EC_Injury_Intent_SNOMED_CT": "276853009",
    "Der_EC_Diagnosis_All": "33449004",
}
DETAINED = {
    "role": "subject",
    "nsir_open": "Mental health",
    "nsir_close": "Mental health",
    "qualifiers": "mental health",
}
CALL = {"role": "subject", "qualifiers": "mental health", **NO_ACTION}

CAST = (
    Character("mother", "elm", "Dorothy", "Ashdown", "F", "1941-03-19", "frailty", "P1"),
    Character("daughter", "elm", "Susan", "Ashdown", "F", "1968-11-02", "carer", "P8"),
    Character(
        "cycling man", "mill", "Darren", "Pickworth", "M", "1989-06-27", "mental_health", "P2", truly_cycles=True
    ),
    Character("first twin", "quay", "Chloe", "Ravensby", "F", "1998-04-14", "low_need", "P6", "twin"),
    Character("second twin", "quay", "Zoe", "Ravensby", "F", "1998-04-14", "low_need", "P6", "twin"),
    Character("father", "oak", "Robert", "Holmstead", "M", "1957-09-08", "low_need", "P7", "father_son"),
    Character("son", "oak", "Robert", "Holmstead", "M", "1985-01-23", "low_need", "P7", "father_son"),
    Character("control", "ash", "Helen", "Thornbury", "F", "1982-12-05", "low_need", "P12"),
)
STORY = (
    # P1: asks for help, gets a leaflet, is found wandering, is sent home after a fall, comes back and waits 22 hours.
    Scene("mother", 8, "00:00", "request", says={
        **MEMORY, "Event_Outcome": NFA_ADVICE, "Requested_By": "Family or carer",
        "Request_Route_of_Access": "Community / Other route"}),
    Scene("mother", 19, "21:40", "welfare", 55, after=0, says={
        **CONCERN, **NO_ACTION, "role": "subject", "qualifiers": "dementia;vulnerable older person"}),
    Scene("mother", 24, "10:25", "ed_home", 310, after=1, says={
        "EC_Arrival_Mode_SNOMED_CT": AMBULANCE, "EC_Chief_Complaint_SNOMED_CT": FALL,
        "Der_EC_Diagnosis_All": f"{FALL_DIAGNOSIS},{DEHYDRATION},{DEMENTIA}", **SENT_HOME}),
    Scene("mother", 41, "15:10", "ed_admitted", 1320, after=2, says={
        "EC_Arrival_Mode_SNOMED_CT": AMBULANCE, "EC_Chief_Complaint_SNOMED_CT": CONFUSION,
        "Der_EC_Diagnosis_All": f"{DEHYDRATION},{DEMENTIA},{DELIRIUM}"}),
    Scene("mother", 49, "00:00", "discharge_request", heard=True, after=3, says={
        **MEMORY, "Event_Outcome": "Progress to Reablement/ST-Max"}),
    # P8: her daughter rings for her mother, and has a cut hand of her own.
    Scene("daughter", 19, "21:40", "welfare", 55, heard=True, says={
        **CONCERN, **NO_NOTICE, "role": "caller", "qualifiers": "", "officer_minutes": "0"}),
    Scene("daughter", 60, "18:05", "ed_home", 120, heard=True, says={
        "EC_Chief_Complaint_SNOMED_CT": "312608009", "Der_EC_Diagnosis_All": "312608009", **SENT_HOME}),
    # P2: four notices and nobody acts; officers wait with him in A&E, he leaves, they look for him.
    Scene("cycling man", 3, "22:15", "mental_health_call", 95, says=CALL),
    Scene("cycling man", 12, "23:05", "mental_health_call", 80, after=7, says=CALL),
    Scene("cycling man", 13, "02:30", "ed_left", 340, after=8, says=HARMED_SELF),
    Scene("cycling man", 13, "09:20", "missing", 200, after=9, says={**CALL, "role": "missing"}),
    Scene("cycling man", 24, "20:50", "s136", 160, wait=360, after=10, says={**DETAINED, **NO_ACTION}),
    Scene("cycling man", 25, "00:30", "ed_home", 420, after=11, says={**HARMED_SELF, **SENT_HOME}),
    Scene("cycling man", 37, "19:30", "s136", 150, wait=375, after=12, says={**DETAINED, **NO_NOTICE}),
    Scene("cycling man", 37, "23:10", "ed_left", 390, after=13, says=HARMED_SELF),
    Scene("cycling man", 58, "21:10", "ed_home", 510, after=14, says={**HARMED_SELF, **SENT_HOME}),
    # P6 and P7: two people who look like one, in the same house.
    Scene("first twin", 10, "12:30", "ed_home", 150, heard=True),
    Scene("first twin", 35, "19:00", "crime", 40, heard=True, says={"role": "victim"}),
    Scene("second twin", 17, "17:45", "ed_home", 175, heard=True),
    Scene("second twin", 52, "23:20", "other_call", 25, heard=True, says={"role": "subject"}),
    Scene("father", 15, "08:50", "ed_home", 200, heard=True),
    Scene("father", 44, "11:00", "crime", 45, heard=True, says={"role": "victim"}),
    Scene("son", 22, "20:15", "ed_home", 165, heard=True),
    Scene("son", 47, "22:30", "disorder", 50, heard=True, says={"role": "subject"}),
    # P12: a sprained ankle, once.
    Scene("control", 30, "13:15", "ed_home", 140, heard=True, says={
        **SENT_HOME, "EC_Arrival_Mode_SNOMED_CT": OWN_TRANSPORT, "EC_Chief_Complaint_SNOMED_CT": "282026002",
        "Der_EC_Diagnosis_All": "384709000"}),
)  # fmt: skip

# What makes a decoy: years of age at the first attendance, days until the second, what the first attendance says, and
# the day of a social care follow-up (None: none came).
DECOYS = {
    "one day too late": (81, 31, FELL, None),
    "follow-up came": (79, 18, FELL, 4),
    "another need": (77, 16, {"EC_Chief_Complaint_SNOMED_CT": "125605004", "Der_EC_Diagnosis_All": "125605004"}, None),
    "one year too young": (64, 14, FELL, None),
}
PEOPLE_A_DECOY = 2500  # one of each kind for so many people of the region, and at least two


@dataclass(frozen=True)
class Script:
    """Characters and scenes of a region; its decoys are pairs (signal, crisis) of places in `scenes`."""

    cast: tuple[Character, ...]
    scenes: tuple[Scene, ...]
    decoys: tuple[tuple[int, int], ...]
    kinds: tuple[str, ...] = ()  # of each decoy, what is different


def write_script(people: int, start: np.datetime64, days: int, rng: np.random.Generator) -> Script:
    """The personas of every region and as many decoys as its size asks for; a region under 45 days has no decoys."""
    cast, scenes, decoys, kinds = list(CAST), _within(days), [], []
    copies = max(2, people // PEOPLE_A_DECOY) if days >= 45 else 0
    for kind, (age, gap, first, follow_up) in DECOYS.items():
        sexes = np.where(rng.random(copies) < 0.6, "F", "M").astype(object)
        origins = np.full(copies, "british", dtype=object)
        forenames = draw_forenames(origins, sexes, np.full(copies, YEAR_OF_STORY - age), rng)
        surnames = draw_surnames(origins, rng)
        for copy in range(copies):
            name, day = f"{kind} {copy}", int(rng.integers(1, days - gap - 8))
            date = start + np.timedelta64(day - 1, "D")
            birthday = date - np.timedelta64(round(365.25 * age) + int(rng.integers(20, 200)), "D")
            cast.append(Character(name, name, forenames[copy], surnames[copy], sexes[copy], str(birthday), "frailty"))
            decoys.append((len(scenes), len(scenes) + 1))
            kinds.append(kind)
            scenes.append(Scene(name, day, "10:40", "ed_home", 205, says={**SENT_HOME, **first}))
            scenes.append(Scene(name, day + gap, "16:20", "ed_admitted", 610, says=CAME_BACK))
            if follow_up:
                scenes.append(Scene(name, day + follow_up, "00:00", "request", heard=True, after=len(scenes) - 2, says={
                    "Event_Outcome": "Progress to Reablement/ST-Max", "Requested_By": "Hospital"}))  # fmt: skip
    return Script(tuple(cast), tuple(scenes), tuple(decoys), tuple(kinds))


def _within(days: int) -> list[Scene]:
    """The scenes of STORY that a region of `days` has time for."""
    kept = [place for place, scene in enumerate(STORY) if scene.day <= days]
    return [
        replace(STORY[place], after=kept.index(after) if (after := STORY[place].after) is not None else None)
        for place in kept
    ]


def characters_as_people(
    script: Script, addresses: pd.DataFrame, nhs_numbers: np.ndarray, rng: np.random.Generator
) -> pd.DataFrame:
    """The cast in the columns of population.make_people and life_courses.assign; they neither move, marry nor die."""
    cast = script.cast
    homes = {home: place for place, home in enumerate(dict.fromkeys(each.home for each in cast))}
    household = np.array([homes[each.home] for each in cast])
    served = np.flatnonzero(addresses["district"] == DISTRICT_OF_STORY)
    home = served[draw_addresses(len(homes), addresses.iloc[served], rng)][household]
    people = pd.DataFrame([vars(each) for each in cast])[
        ["sex", "born", "forename", "surname", "life_course", "persona", "kin", "truly_cycles"]
    ]
    people["born"] = people["born"].to_numpy().astype("datetime64[D]").astype("datetime64[s]")
    people = people.assign(
        household=household, role="first", origin="british", ethnic_group="white", ethnic_code="A", middle_name="Ann",
        former_surname=None, address=home, address_before=home, address_1=home, address_2=home, homeless=False,
        imd_quintile=addresses["imd_quintile"].to_numpy()[home], nhs_number=nhs_numbers,
        married_surname="", cared_for=-1, alias="",        cycles_from=0, cycles_until=0, scripted=True,
    )  # fmt: skip
    for column in ("moved_1", "moved_2", "married", "died", "moved_away"):
        people[column] = np.full(len(people), NO_DATE, dtype="datetime64[s]")
    return people


def scenes_as_contacts(script: Script, first_person: int, first_contact: int, start: np.datetime64) -> pd.DataFrame:
    """The scenes in the columns of life_courses.simulate, with `says`: changes to the row of activity."""
    places = {each.name: place for place, each in enumerate(script.cast)}
    courses = {each.name: each.life_course for each in script.cast}
    rows = [
        {
            "person": first_person + places[scene.name],
            "course": courses[scene.name],
            "step": scene.step,
            "feed": STEPS[scene.step],
            "starts": start
            + np.timedelta64(scene.day - 1, "D")
            + np.timedelta64(int(scene.time[:2]) * 60 + int(scene.time[3:]), "m"),
            "minutes": scene.minutes,
            "wait": scene.wait,
            "heard": scene.heard,
            "cause": -1 if scene.after is None else first_contact + scene.after,
            "cycling": False,
            "says": scene.says,
        }
        for scene in script.scenes
    ]
    return pd.DataFrame(rows)
