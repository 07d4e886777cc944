"""Ambulance incidents of people whose life courses are made already: who was conveyed, and who was seen or heard alone.

Everybody who arrived at A&E by ambulance has an incident that conveyed them. Before some of these, and beside the life
courses, come falls that were seen and treated at home, calls of people in distress to whom a mental health car went,
and calls that ended with advice. Drawn apart from the other feeds, which stay as they are. How badly patients are
recorded belongs in errors.py.
"""

import csv

import numpy as np
import pandas as pd

from pipelines.synthetic import feeds
from pipelines.synthetic.feeds import AMBULANCE, CONFUSION, FALL, SELF_HARM
from pipelines.synthetic.life_courses import AE, AMBULANCE_SERVICE, POLICE
from pipelines.synthetic.population import AREAS

HEARD, SEEN, CONVEYED = "Hear and Treat", "See and Treat", "See and Convey"
# chief complaint found at A&E: triage card
CARDS = {
    FALL: "17", CONFUSION: "26", SELF_HARM: "23", "6471006": "25", "48694002": "25", "248020004": "25", "7011001": "25",
    "272022009": "25", "25702006": "23", "55680006": "23", "29857009": "10", "267036007": "06", "386661006": "26",
    "21522001": "01", "282026002": "30", "125605004": "30", "312608009": "21",
}  # fmt: skip
CATEGORIES = {  # acuity at A&E: category of the response
    feeds.IMMEDIATE: {"C1": 0.6, "C2": 0.4},
    feeds.VERY_URGENT: {"C1": 0.08, "C2": 0.82, "C3": 0.1},
    feeds.URGENT: {"C2": 0.5, "C3": 0.48, "C4": 0.02},
    feeds.STANDARD: {"C2": 0.12, "C3": 0.72, "C4": 0.16},
}
MINUTES_TO_ARRIVE = {"C1": 8, "C2": 34, "C3": 110, "C4": 140, "C5": 150}  # median
ORIGINS = {"01": 0.7, "02": 0.19, "03": 0.11}
FALLS_BEFORE = 0.3  # chance that a patient conveyed after a fall was helped up at home in the week before
FALLS_AT_HOME = 0.25  # falls of a frail person in two years that lead to nothing else
CAR_AFTER_POLICE_CALL = 0.15  # chance that officers ask for a mental health car
ADVICE_BEFORE = 0.12  # chance that somebody who comes to A&E on their own rang first
YEAR_PAIR = 2 * 365.25  # days
OLD_AREAS = 0.6  # share of incidents that are told by the LSOA of 2011 where that has changed
LSOA_CHANGES = AREAS.with_name("lsoa_changes.csv")
REPEATED_FALLS = ("P3", (6.2, 3.9, 1.1))  # persona, and days before the conveyance on which he or she was helped up


def make_incidents(
    contacts: pd.DataFrame,
    activity: dict[str, pd.DataFrame],
    people: pd.DataFrame,
    addresses: pd.DataFrame,
    start: np.datetime64,
    days: int,
    helped_up: pd.DataFrame,
    rng: np.random.Generator,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Contacts (feed, person, starts, period) and their rows of activity, beside each other, in order of time.

    `contacts` and `activity` are those of the other feeds; `helped_up` (person, starts, card) are visits that a story
    asks for. Contacts carry `treatment` and `episode`, one number for a conveyance and the falls that led to it, or -1.
    Names one person of `people` persona P3.
    """
    conveyed = _conveyed(contacts, activity[AE], rng)
    parts = [conveyed, _falls_before(conveyed, people, rng), _falls_at_home(people, addresses, start, days, rng)]
    parts += [_mental_health_cars(contacts, rng), _advice(contacts, activity[AE], rng)]
    parts += [_asked_for(helped_up, people, addresses, rng)]
    incidents = pd.concat(parts, ignore_index=True)
    incidents["episode"] = incidents["episode"].fillna(-1).astype(int)
    incidents = incidents[
        (incidents["starts"] >= start) & (incidents["starts"] < start + np.timedelta64(days, "D"))
    ].sort_values(["starts", "person"], kind="stable", ignore_index=True)
    rows = _rows(incidents, rng)
    found = incidents[["person", "starts", "treatment", "episode"]].assign(
        feed=AMBULANCE_SERVICE, period=feeds.month(incidents["starts"])
    )
    rows[feeds.REFERENCES[AMBULANCE_SERVICE]] = [f"CAD{each + 1:09d}" for each in range(len(rows))]
    found["source_ref"] = rows[feeds.REFERENCES[AMBULANCE_SERVICE]].to_numpy()
    rows["contact"] = np.arange(len(rows))
    return found, rows


def _conveyed(contacts: pd.DataFrame, attendances: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """One incident for each arrival at A&E by ambulance; its times lead up to the arrival."""
    came = attendances[attendances["EC_Arrival_Mode_SNOMED_CT"] == AMBULANCE]
    came = came[contacts["valid"].to_numpy()[came["contact"]]].reset_index(drop=True)
    of = contacts.loc[came["contact"]].reset_index(drop=True)
    number = len(of)
    category = feeds.pick_each(came["EC_Acuity_SNOMED_CT"].to_numpy(), CATEGORIES, {"C2": 0.5, "C3": 0.5}, rng)
    response, scene, travel = _response(category, rng), _about(38, 0.35, number, rng), _about(17, 0.45, number, rng)
    origin = feeds.pick(number, ORIGINS, rng)
    origin[(of["age"] > 72) & (rng.random(number) < 0.12)] = "05"
    origin[of["brought_by_police"].to_numpy(dtype=bool)] = "04"
    complaint = came["EC_Chief_Complaint_SNOMED_CT"].to_numpy()
    return pd.DataFrame(
        {
            "person": of["person"],
            "episode": np.arange(number),
            "starts": of["starts"] - pd.to_timedelta(response + scene + travel, unit="m"),
            "response": response,
            "scene": scene,
            "travel": travel,
            "treatment": CONVEYED,
            "category": category,
            "origin": origin,
            "card": [CARDS.get(code, "32") for code in complaint],
            "complaint": np.where(rng.random(number) < 0.7, complaint, ""),
            "types": np.where(category == "C1", "02,01", "01"),
            "site": came["Der_Provider_Site_Code"],
            "district": of["district"],
            "lsoa": of["lsoa"],
        }
    )


def _response(category: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Minutes from the call until somebody arrives."""
    return _about(np.array([MINUTES_TO_ARRIVE[each] for each in category], dtype=float), 0.55, len(category), rng)


def _about(median: float | np.ndarray, spread: float, number: int, rng: np.random.Generator) -> np.ndarray:
    return 1 + np.round(median * rng.lognormal(0, spread, number)).astype(int)


def _falls_before(conveyed: pd.DataFrame, people: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Falls in the week before a conveyance after a fall, helped up and left at home; and those of persona P3."""
    fell = conveyed[conveyed["card"] == "17"]
    times = np.where(rng.random(len(fell)) < FALLS_BEFORE, rng.integers(1, 3, len(fell)), 0)
    written = (people["scripted"] | people["in_story"]).to_numpy()[fell["person"]]
    times[written] = 0  # their story is written out
    before = fell.iloc[np.repeat(np.arange(len(fell)), times)]
    gap = rng.uniform(0.4, 6.8, len(before))
    persona, gaps = REPEATED_FALLS
    born = people["born"].to_numpy()[fell["person"]]
    old = (fell["starts"].to_numpy() - born).astype("timedelta64[D]").astype(int) > 75 * 365
    plain = people["persona"].eq("").to_numpy()[fell["person"]] & ~written
    able = fell[old & plain & (fell["starts"] >= fell["starts"].min() + pd.Timedelta(days=8)).to_numpy()]
    if len(able):
        last = able.loc[[able["starts"].idxmin()]]
        who = int(last["person"].iloc[0])
        people.loc[who, "persona"] = persona
        # The story is the persona's only one of these falls: chance ones would blur it.
        others = (before["person"] != who).to_numpy()
        before, gap = before[others], gap[others]
        before, gap = pd.concat([before, *[last] * len(gaps)]), np.concatenate([gap, gaps])
    return _at_home(before, gap, rng)


def _at_home(like: pd.DataFrame, days_before: np.ndarray, rng: np.random.Generator) -> pd.DataFrame:
    """Falls like those given, some days earlier, seen and treated."""
    number = len(like)
    category = feeds.pick(number, {"C3": 0.7, "C4": 0.3}, rng)
    falls_team = rng.random(number) < 0.3
    return like.assign(
        starts=like["starts"] - pd.to_timedelta(np.round(days_before * 1440), unit="m"),
        response=_response(category, rng),
        scene=_about(52, 0.35, number, rng),
        travel=0,
        treatment=SEEN,
        category=category,
        origin=feeds.pick(number, {"01": 0.6, "05": 0.25, "02": 0.15}, rng),
        card="17",
        complaint=np.where(rng.random(number) < 0.5, FALL, ""),
        types=np.where(falls_team, "19", "01"),
        site="",
    )


def _falls_at_home(
    people: pd.DataFrame, addresses: pd.DataFrame, start: np.datetime64, days: int, rng: np.random.Generator
) -> pd.DataFrame:
    """Falls of frail people, at any time while they live here, that nothing else comes of."""
    frail = np.flatnonzero(people["life_course"].eq("frailty") & ~people["scripted"] & people["persona"].eq(""))
    who = np.repeat(frail, rng.poisson(FALLS_AT_HOME * days / YEAR_PAIR * rng.gamma(1.5, 1 / 1.5, len(frail))))
    starts = (start + (rng.random(len(who)) * days * 86_400).astype("timedelta64[s]")).astype("datetime64[m]")
    gone = np.fmin(people["died"].to_numpy()[who], people["moved_away"].to_numpy()[who])
    here = (np.isnat(gone) | (starts < gone)) & ~people["in_story"].to_numpy()[who]
    falls = pd.DataFrame({"person": who[here], "starts": starts[here].astype("datetime64[s]")})
    return _at_home(_placed(falls, people, addresses), np.zeros(len(falls)), rng)


def _placed(visits: pd.DataFrame, people: pd.DataFrame, addresses: pd.DataFrame) -> pd.DataFrame:
    """The visits with lsoa and district of the patient's home."""
    home = feeds.where_home_is(visits, people)
    return visits.assign(
        lsoa=addresses["lsoa"].to_numpy()[home], district=addresses["district"].map(feeds.BOROUGHS).to_numpy()[home]
    )


def _asked_for(
    visits: pd.DataFrame, people: pd.DataFrame, addresses: pd.DataFrame, rng: np.random.Generator
) -> pd.DataFrame:
    made = _at_home(_placed(visits, people, addresses), np.zeros(len(visits)), rng)
    other = visits["card"].ne("17").to_numpy()
    return made.assign(
        card=visits["card"].to_numpy(),
        complaint=np.where(other, "", made["complaint"]),
        types=np.where(other, "01", made["types"]),
    )


def _mental_health_cars(contacts: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Calls of officers for somebody in distress whom they did not bring to A&E."""
    calls = contacts[
        contacts["valid"]
        & contacts["feed"].eq(POLICE)
        & contacts["step"].eq("mental_health_call")
        & ~contacts["conveyed"].astype(bool)
        & contacts["scene"].eq(-1)
    ]
    calls = calls[rng.random(len(calls)) < CAR_AFTER_POLICE_CALL]
    number = len(calls)
    category = feeds.pick(number, {"C2": 0.3, "C3": 0.7}, rng)
    seen = rng.random(number) < 0.6
    return pd.DataFrame(
        {
            "person": calls["person"].to_numpy(),
            "starts": calls["starts"].to_numpy() + rng.integers(10, 50, number).astype("timedelta64[m]"),
            "response": _response(category, rng),
            "scene": _about(70, 0.4, number, rng),
            "travel": 0,
            "treatment": np.where(seen, SEEN, HEARD),
            "category": category,
            "origin": "04",
            "card": "25",
            "complaint": "",
            "types": np.where(seen, "20", ""),
            "site": "",
            "district": calls["district"].to_numpy(),
            "lsoa": calls["lsoa"].to_numpy(),
        }
    )


def _advice(contacts: pd.DataFrame, attendances: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Calls of people who were told to make their own way, some hours before they came."""
    came = attendances[~attendances["EC_Arrival_Mode_SNOMED_CT"].isin([AMBULANCE, feeds.POLICE_TRANSPORT])]
    of = contacts.loc[came["contact"]].reset_index(drop=True)
    asked = of["valid"].to_numpy(dtype=bool) & of["scene"].eq(-1).to_numpy() & (rng.random(len(of)) < ADVICE_BEFORE)
    of, complaint = of[asked], came["EC_Chief_Complaint_SNOMED_CT"].to_numpy()[asked]
    number = len(of)
    return pd.DataFrame(
        {
            "person": of["person"].to_numpy(),
            "starts": of["starts"].to_numpy() - rng.integers(40, 300, number).astype("timedelta64[m]"),
            "response": 0,
            "scene": 0,
            "travel": 0,
            "treatment": HEARD,
            "category": feeds.pick(number, {"C5": 0.6, "C4": 0.3, "C3": 0.1}, rng),
            "origin": feeds.pick(number, {"01": 0.75, "02": 0.25}, rng),
            "card": [CARDS.get(code, "32") for code in complaint],
            "complaint": "",
            "types": "",
            "site": "",
            "district": of["district"].to_numpy(),
            "lsoa": of["lsoa"].to_numpy(),
        }
    )


def _rows(incidents: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Activity rows in the columns of the contract, without local_person_id and Call_Identifier."""
    number, treatment = len(incidents), incidents["treatment"].to_numpy()
    heard, conveyed = treatment == HEARD, treatment == CONVEYED
    waits = np.where(conveyed, _about(26, 0.75, number, rng), 0)

    def at(minutes: np.ndarray | pd.Series, where: np.ndarray) -> np.ndarray:
        moment = incidents["starts"] + pd.to_timedelta(np.asarray(minutes, dtype=float), unit="m")
        return np.where(where, feeds.timestamp(moment), "")

    response = incidents["response"].to_numpy()
    leaves = response + incidents["scene"].to_numpy()
    arrives = leaves + incidents["travel"].to_numpy()
    stop = feeds.pick(
        number,
        {"Advice given": 0.6, "Referred to GP": 0.2, "Referred to community team": 0.12, "Caller cancelled": 0.08},
        rng,
    )
    stop[heard & incidents["card"].eq("25").to_numpy()] = "Referred to mental health line"
    station = np.array(["Ambulance Harrowmere", "Ambulance Eastlow", "Ambulance Uplands"], dtype=object)
    types = incidents["types"].to_numpy(dtype=object)
    team = np.where(heard, "Emergency Operations Centre", station[incidents["district"].to_numpy(dtype=int)])
    team = np.where(types == "19", "Falls Team", np.where(types == "20", "Mental Health Car", team))
    return pd.DataFrame(
        {
            "Time_Call_Connected": feeds.timestamp(incidents["starts"]),
            "Call_Origin": incidents["origin"],
            "Reporting_Response_Category": incidents["category"],
            "Treatment_Type": treatment,
            "Stop_Code": np.where(heard, stop, ""),
            "AMPDS_Card": incidents["card"],
            "Chief_Complaint_SNOMED_CT": incidents["complaint"],
            "Response_Types": types,
            "Time_Dispatched": at(np.minimum(2 + response // 3, response), ~heard),
            "Time_Arrived_Scene": at(response, ~heard),
            "Time_Left_Scene": at(leaves, conveyed),
            "Time_Arrived_Destination": at(arrives, conveyed),
            "Time_Handover": at(arrives + waits, conveyed),
            "Time_Clear": at(arrives + waits + np.where(conveyed, 14, 3), ~heard),
            "Destination_Site_Code": incidents["site"],
            "Team": team,
            "Incident_LSOA_Code": _area_codes(incidents["lsoa"].to_numpy(), rng),
        }
    )


def _area_codes(lsoa: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Codes as the trust's gazetteer has them, some of them of 2011."""
    with open(LSOA_CHANGES, newline="", encoding="utf-8") as file:
        old = {row["lsoa_2021"]: row["lsoa_2011"] for row in csv.DictReader(file) if row["change"] != "U"}
    stale = rng.random(len(lsoa)) < OLD_AREAS
    return np.array([old.get(code, code) if is_old else code for code, is_old in zip(lsoa, stale, strict=True)], object)
