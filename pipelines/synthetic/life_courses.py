"""Why people come into contact with services: life courses, and how one contact causes the next.

A person has one life course. An episode of need begins with a first contact; if nobody meets the need there (the
contact is *unheard*), it comes back later at another door, as the table CONSEQUENCES says. If it is met (*heard*), what
follows is help. A few people truly cycle: for some months their needs are heard half as often and begin again and
again.

What a contact looks like in an agency's records belongs in feeds.py.
"""

import numpy as np
import pandas as pd

from pipelines.synthetic.population import YEAR, ages

DAY = 24 * 60  # minutes

AE, POLICE, SOCIAL_CARE = "ae_attendances", "police_incidents", "social_care_events"
AMBULANCE_SERVICE, CHILDREN_SERVICES = "ambulance_incidents", "children_in_need"  # derived from the contacts of those
STEPS = {  # a step is a kind of contact as the story needs it; feed
    "ed_home": AE,
    "ed_left": AE,
    "ed_admitted": AE,
    "welfare": POLICE,
    "mental_health_call": POLICE,
    "s136": POLICE,
    "missing": POLICE,
    "domestic": POLICE,
    "disorder": POLICE,
    "crime": POLICE,
    "other_call": POLICE,
    "request": SOCIAL_CARE,
    "discharge_request": SOCIAL_CARE,
    "assessment": SOCIAL_CARE,
    "service": SOCIAL_CARE,
    "review": SOCIAL_CARE,
}
STEP_NAMES = list(STEPS)
STEP_FEEDS = np.array(list(STEPS.values()), dtype=object)

COURSES = ("low_need", "frailty", "mental_health", "alcohol_drugs", "domestic_abuse", "carer")
# life course: episodes of need in two years beyond the first; share who truly cycle; needs and their shares
EPISODES = {
    "low_need": 2.6,
    "frailty": 1.4,
    "mental_health": 1.4,
    "alcohol_drugs": 1.6,
    "domestic_abuse": 1.2,
    "carer": 0.8,
}
CYCLING_SHARE = {
    "low_need": 0.0,
    "frailty": 0.07,
    "mental_health": 0.11,
    "alcohol_drugs": 0.13,
    "domestic_abuse": 0.055,
    "carer": 0.01,
}
TEMPORARY_SHARE = 0.8  # of those who cycle; for the rest it lasts through all months
DAYS_BETWEEN_EPISODES = 18.0  # of somebody in a cycling time
HEARD_WHEN_CYCLING = 0.5  # how much less likely a need is met in a cycling time
RETURNS_WHEN_CYCLING, RETURNS_OTHERWISE = 1.12, 0.65  # factors on the chances in CONSEQUENCES

FIRST_CONTACT = {
    "low_need": {
        "ed_home": 0.58,
        "ed_admitted": 0.07,
        "ed_left": 0.02,
        "crime": 0.12,
        "disorder": 0.06,
        "other_call": 0.1,
        "request": 0.065,
    },
    "frailty": {"ed_home": 0.34, "ed_admitted": 0.16, "welfare": 0.12, "request": 0.38},
    "mental_health": {
        "ed_home": 0.33,
        "ed_left": 0.07,
        "mental_health_call": 0.32,
        "welfare": 0.1,
        "s136": 0.01,
        "missing": 0.04,
        "request": 0.1,
    },
    "alcohol_drugs": {
        "ed_home": 0.36,
        "ed_left": 0.12,
        "disorder": 0.3,
        "crime": 0.1,
        "welfare": 0.05,
        "request": 0.07,
    },
    "domestic_abuse": {"domestic": 0.68, "ed_home": 0.17, "crime": 0.08, "request": 0.07},
    "carer": {"request": 0.6, "ed_home": 0.25, "welfare": 0.15},
}
# chance that a contact meets the need; a course without an entry takes the one for all
CHANCE_HEARD = {
    "ed_home": 0.62,
    "ed_left": 0.0,
    "ed_admitted": 0.6,
    "welfare": 0.4,
    "mental_health_call": 0.4,
    "s136": 0.35,
    "missing": 0.5,
    "domestic": 0.45,
    "disorder": 0.5,
    "crime": 0.7,
    "other_call": 0.8,
    "request": 0.5,
    "discharge_request": 0.72,
    "assessment": 0.85,
    "service": 0.8,
    "review": 0.9,
}
UNHEARD, HEARD = "unheard", "heard"
# life course, contact, how it ended: what follows, with its chance and the median days until then.
# '*' is every course; a course's own row stands in for it. '>cared_for': it befalls the person cared for.
CONSEQUENCES = {
    ("*", "request", HEARD): {"assessment": (0.6, 28)},
    ("*", "discharge_request", HEARD): {"service": (0.65, 2), "assessment": (0.1, 30)},
    ("*", "assessment", HEARD): {"service": (0.8, 25)},
    ("*", "service", HEARD): {"review": (0.45, 120)},
    ("*", "service", UNHEARD): {"review": (0.2, 90), "request": (0.2, 45)},
    ("*", "assessment", UNHEARD): {"request": (0.2, 50)},
    ("low_need", "ed_home", UNHEARD): {"ed_home": (0.12, 6)},
    ("low_need", "ed_admitted", UNHEARD): {"ed_home": (0.12, 12)},
    ("low_need", "ed_left", UNHEARD): {"ed_home": (0.35, 1)},
    ("low_need", "crime", UNHEARD): {"crime": (0.1, 25), "other_call": (0.05, 10)},
    ("low_need", "disorder", UNHEARD): {"disorder": (0.2, 20)},
    # An older person: nobody comes, a neighbour rings the police, a fall, home again, a worse fall.
    ("frailty", "request", UNHEARD): {
        "welfare": (0.24, 16),
        "ed_home": (0.24, 20),
        "ed_admitted": (0.12, 24),
        "request": (0.12, 40),
    },
    ("frailty", "welfare", UNHEARD): {
        "ed_home": (0.3, 4),
        "ed_admitted": (0.2, 3),
        "request": (0.14, 8),
        "welfare": (0.12, 14),
    },
    ("frailty", "welfare", HEARD): {"request": (0.75, 3)},
    ("frailty", "ed_home", UNHEARD): {
        "ed_admitted": (0.26, 9),
        "ed_home": (0.12, 11),
        "welfare": (0.17, 12),
        "request": (0.08, 22),
    },
    ("frailty", "ed_home", HEARD): {"request": (0.4, 2)},
    ("frailty", "ed_admitted", UNHEARD): {
        "discharge_request": (0.3, 9),
        "ed_admitted": (0.14, 20),
        "welfare": (0.06, 25),
    },
    ("frailty", "ed_admitted", HEARD): {"discharge_request": (0.55, 7)},
    ("frailty", "discharge_request", UNHEARD): {"ed_admitted": (0.28, 12), "ed_home": (0.12, 9), "welfare": (0.12, 10)},
    # Mental distress: officers bring people to A&E, the wait is long, people leave, officers look for them.
    ("mental_health", "mental_health_call", UNHEARD): {
        "ed_home": (0.16, 0.06),
        "ed_left": (0.12, 0.06),
        "mental_health_call": (0.24, 9),
        "s136": (0.02, 6),
        "welfare": (0.08, 7),
    },
    ("mental_health", "mental_health_call", HEARD): {"request": (0.12, 5)},
    ("mental_health", "welfare", UNHEARD): {
        "ed_home": (0.2, 0.1),
        "mental_health_call": (0.22, 8),
        "missing": (0.06, 5),
    },
    ("mental_health", "s136", UNHEARD): {
        "ed_left": (0.3, 0.05),
        "ed_home": (0.3, 0.05),
        "mental_health_call": (0.2, 6),
    },
    ("mental_health", "s136", HEARD): {"ed_admitted": (0.45, 0.05)},
    ("mental_health", "ed_left", UNHEARD): {
        "missing": (0.28, 0.1),
        "mental_health_call": (0.27, 2),
        "ed_home": (0.14, 3),
    },
    ("mental_health", "ed_home", UNHEARD): {
        "mental_health_call": (0.26, 7),
        "ed_home": (0.2, 10),
        "s136": (0.015, 6),
        "request": (0.06, 15),
    },
    ("mental_health", "ed_admitted", UNHEARD): {
        "ed_home": (0.2, 15),
        "discharge_request": (0.12, 8),
        "mental_health_call": (0.12, 20),
    },
    ("mental_health", "missing", UNHEARD): {"ed_home": (0.3, 0.3), "mental_health_call": (0.25, 8)},
    ("mental_health", "request", UNHEARD): {"mental_health_call": (0.24, 14), "ed_home": (0.22, 14)},
    ("alcohol_drugs", "disorder", UNHEARD): {
        "disorder": (0.26, 12),
        "ed_home": (0.16, 0.08),
        "ed_left": (0.08, 0.08),
        "crime": (0.1, 15),
    },
    ("alcohol_drugs", "crime", UNHEARD): {"disorder": (0.25, 14), "ed_home": (0.1, 5)},
    ("alcohol_drugs", "welfare", UNHEARD): {"ed_home": (0.3, 0.1), "disorder": (0.15, 8), "welfare": (0.1, 10)},
    ("alcohol_drugs", "ed_left", UNHEARD): {"disorder": (0.22, 1), "welfare": (0.14, 0.2), "ed_home": (0.2, 4)},
    ("alcohol_drugs", "ed_home", UNHEARD): {
        "ed_home": (0.26, 9),
        "disorder": (0.2, 9),
        "ed_left": (0.08, 8),
        "request": (0.05, 20),
    },
    ("alcohol_drugs", "ed_admitted", UNHEARD): {"ed_home": (0.25, 14), "discharge_request": (0.1, 6)},
    ("alcohol_drugs", "request", UNHEARD): {"ed_home": (0.25, 15), "disorder": (0.2, 15)},
    ("domestic_abuse", "domestic", UNHEARD): {"domestic": (0.36, 24), "ed_home": (0.13, 0.2), "request": (0.05, 10)},
    ("domestic_abuse", "domestic", HEARD): {"request": (0.1, 6), "domestic": (0.05, 50)},
    ("domestic_abuse", "ed_home", UNHEARD): {"domestic": (0.36, 10), "ed_home": (0.1, 20)},
    ("domestic_abuse", "crime", UNHEARD): {"domestic": (0.35, 12)},
    ("domestic_abuse", "request", UNHEARD): {"domestic": (0.3, 16)},
    # A carer who is not heard breaks down, and the person cared for ends up in A&E.
    ("carer", "request", UNHEARD): {
        "ed_admitted>cared_for": (0.22, 18),
        "ed_home": (0.15, 25),
        "welfare>cared_for": (0.1, 15),
    },
    ("carer", "ed_home", UNHEARD): {"request": (0.3, 10), "ed_home>cared_for": (0.15, 6)},
    ("carer", "welfare", UNHEARD): {"request": (0.3, 6), "ed_home>cared_for": (0.15, 5)},
}
LONGEST_CHAIN = 14  # contacts
DIES_AFTER_ADMISSION = 0.35  # share of deaths on the day after an admission through A&E
RUN_IN = 120  # days before the first month in which needs already begin, so that the first month is like the others
# Share of contacts that begin in each hour from midnight; weekday factors from Monday to Sunday.
HOURS = {
    AE: np.array(
        [
            2.4,
            1.9,
            1.6,
            1.5,
            1.4,
            1.5,
            1.9,
            2.8,
            4.4,
            5.6,
            6.1,
            6.1,
            5.8,
            5.5,
            5.3,
            5.2,
            5.3,
            5.4,
            5.5,
            5.3,
            4.8,
            4.2,
            3.6,
            3.0,
        ]
    ),
    POLICE: np.array(
        [5, 4.2, 3.4, 2.6, 2, 1.6, 1.7, 2.2, 2.9, 3.4, 3.7, 3.9, 4, 4.1, 4.2, 4.6, 4.9, 5.2, 5.5, 5.8, 6, 6.2, 6.2, 5.8]
    ),
}
WEEKDAYS = {
    AE: np.array([1.12, 1.02, 0.99, 0.98, 0.97, 0.95, 0.99]),
    POLICE: np.array([0.93, 0.93, 0.95, 0.98, 1.1, 1.17, 1.0]),
    SOCIAL_CARE: np.array([1.15, 1.08, 1.03, 1.0, 0.9, 0.06, 0.03]),
}


def assign(people: pd.DataFrame, start: np.datetime64, days: int, rng: np.random.Generator) -> None:
    """Adds life_course, truly_cycles, cycles_from and cycles_until (days since `start`) and cared_for (row, or -1)."""
    number = len(people)
    age = ages(people, start)
    man = people["sex"].to_numpy() == "M"
    deprived = np.array([0, 1.35, 1.15, 0.95, 0.8, 0.7])[people["imd_quintile"]] * np.where(
        people["homeless"], 3.0, 1.0
    )
    working_age = (age >= 15) & (age < 78)
    chance = {
        "frailty": np.interp(age, [50, 64, 75, 85, 95], [0.01, 0.09, 0.36, 0.62, 0.75]) * (age > 50),
        "mental_health": np.where(working_age, 0.13, 0.02) * (age > 12) * deprived * np.where(age < 40, 1.2, 0.9),
        "alcohol_drugs": np.where(working_age, 0.075, 0.0) * deprived * np.where(man, 1.4, 0.65),
        "domestic_abuse": np.where(working_age, 0.065, 0.0) * deprived * np.where(man, 0.45, 1.5),
    }
    course, draw = np.zeros(number, dtype=int), rng.random(number)
    reached = np.zeros(number)
    for name, share in chance.items():
        course[(draw >= reached) & (draw < reached + share)] = COURSES.index(name)
        reached += share

    household = people["household"].to_numpy()
    frail_of = np.full(int(household.max()) + 1, -1)
    frail = np.flatnonzero(course == COURSES.index("frailty"))
    frail_of[household[frail]] = frail
    carer = (age > 28) & (course == 0) & (frail_of[household] >= 0) & (rng.random(number) < 0.45)
    course[carer] = COURSES.index("carer")
    people["cared_for"] = np.where(carer, frail_of[household], -1)
    people["life_course"] = np.array(COURSES, dtype=object)[course]

    cycles = rng.random(number) < np.array([CYCLING_SHARE[name] for name in COURSES])[course]
    people["truly_cycles"] = cycles
    temporary = rng.random(number) < TEMPORARY_SHARE
    length = np.where(temporary, np.minimum(rng.integers(90, 330, number), days), days + RUN_IN)
    first = (rng.random(number) * (days + length / 2) - length * 0.75).astype(
        int
    )  # some began before, some go on after
    first = np.where(temporary, first, -RUN_IN)
    people["cycles_from"] = np.where(cycles, np.maximum(first, -RUN_IN), 0)
    people["cycles_until"] = np.where(cycles, np.minimum(first + length, days), 0)


def simulate(people: pd.DataFrame, start: np.datetime64, days: int, rng: np.random.Generator) -> pd.DataFrame:
    """All contacts of `people` in the days after `start`, in order of time.

    Columns: person (row of people), step, course, feed, starts (to the minute), minutes (length of stay or of the
    incident), cycling (in a cycling time), heard, cause (row of the contact that caused it, or -1).
    """
    last_day = np.full(len(people), days)
    for end in (people["died"], people["moved_away"]):
        until = (end.to_numpy().astype("datetime64[D]") - start).astype(int)
        last_day = np.where(end.isna(), last_day, np.clip(until, 1, last_day))
    last_minute = last_day * DAY

    chain = _first_contacts(people, start, days, last_day, rng)
    table = _consequence_table()
    generations, offset = [], 0
    for _ in range(LONGEST_CHAIN):
        chain = chain[
            (chain["starts"] < last_minute[chain["person"]]) & (chain["starts"] >= -RUN_IN * DAY)
        ].reset_index(drop=True)
        if chain.empty:
            break
        chain["minutes"] = _minutes(chain, rng)
        day = chain["starts"].to_numpy() // DAY
        cycles_from, cycles_until = (
            people[name].to_numpy()[chain["person"]] for name in ("cycles_from", "cycles_until")
        )
        chain["cycling"] = (day >= cycles_from) & (day < cycles_until)
        heard = np.array([CHANCE_HEARD[step] for step in STEP_NAMES])[chain["step"]]
        chain["heard"] = rng.random(len(chain)) < heard * np.where(chain["cycling"], HEARD_WHEN_CYCLING, 1.0)
        generations.append(chain)
        chain = _next_contacts(chain, people, table, start, offset, rng)
        offset += len(generations[-1])

    contacts = pd.concat(generations, ignore_index=True)
    order = np.lexsort((contacts.index, contacts["person"], contacts["starts"]))
    order = order[(contacts["starts"].to_numpy()[order] >= 0) & ~_in_a_and_e_already(contacts.iloc[order])]
    place = np.full(len(contacts), -1)
    place[order] = np.arange(len(order))
    contacts = contacts.iloc[order].reset_index(drop=True)
    cause = contacts["cause"].to_numpy()
    contacts["cause"] = np.where(cause >= 0, place[cause], -1)
    contacts["feed"] = STEP_FEEDS[contacts["step"]]
    contacts["step"] = np.array(STEP_NAMES, dtype=object)[contacts["step"]]
    contacts["course"] = np.array(COURSES, dtype=object)[contacts["course"]]
    contacts["starts"] = start.astype("datetime64[m]") + contacts["starts"].to_numpy().astype("timedelta64[m]")
    return contacts


def _in_a_and_e_already(contacts: pd.DataFrame) -> np.ndarray:
    """Whether a contact would be an arrival at A&E of somebody who is there; `contacts` in order of time."""
    attends = (STEP_FEEDS[contacts["step"]] == AE) & (contacts["starts"] >= 0)
    leaves = (contacts["starts"] + contacts["minutes"] + 30).where(attends, 0)
    latest = leaves.groupby(contacts["person"]).cummax()
    before = latest.groupby(contacts["person"]).shift(fill_value=0)
    return (attends & (contacts["starts"] < before)).to_numpy()


def _first_contacts(
    people: pd.DataFrame, start: np.datetime64, days: int, last_day: np.ndarray, rng: np.random.Generator
) -> pd.DataFrame:
    """The first contact of every episode: one each, more by life course, more in a cycling time, everyday ones."""
    course = np.array([COURSES.index(name) for name in people["life_course"]])
    spread = rng.gamma(3, 1 / 3, len(people))  # some need far more than others without cycling
    expected = np.array([EPISODES[name] for name in COURSES])[course] * spread * last_day / (2 * YEAR)
    number = 1 + rng.poisson(expected)
    cycling_days = (people["cycles_until"] - people["cycles_from"]).to_numpy()
    run_in = rng.poisson((1 + expected) * RUN_IN / days)
    in_cycle = rng.poisson(cycling_days / DAYS_BETWEEN_EPISODES)
    last = (
        ((last_day < days) & (people["died"].notna()) & (rng.random(len(people)) < DIES_AFTER_ADMISSION))
        .to_numpy()
        .astype(int)
    )
    everyday = rng.poisson(np.where(course > 0, 0.5, 0.0) * days / (2 * YEAR))

    person = np.concatenate(
        [np.repeat(np.arange(len(people)), times) for times in (number, run_in, in_cycle, everyday, last)]
    )
    day = np.concatenate(
        [
            _days(last_day[np.repeat(np.arange(len(people)), number)], start, days, rng),
            -RUN_IN * rng.random(run_in.sum()),
            np.repeat(people["cycles_from"], in_cycle) + rng.random(in_cycle.sum()) * np.repeat(cycling_days, in_cycle),
            _days(last_day[np.repeat(np.arange(len(people)), everyday)], start, days, rng),
            np.repeat(last_day - 1, last),
        ]
    )
    courses = np.concatenate(
        [np.repeat(course, times) for times in (number, run_in, in_cycle)]
        + [np.zeros(everyday.sum() + last.sum(), dtype=int)]
    )
    step = np.empty(len(person), dtype=int)
    for index, name in enumerate(COURSES):
        rows = np.flatnonzero(courses == index)
        names, shares = zip(*FIRST_CONTACT[name].items(), strict=True)
        drawn = rng.choice(len(names), size=len(rows), p=np.array(shares) / sum(shares))
        step[rows] = np.array([STEP_NAMES.index(each) for each in names])[drawn]
    chain = pd.DataFrame({"person": person, "course": courses, "step": step, "cause": -1})
    chain.loc[len(chain) - last.sum() :, "step"] = STEP_NAMES.index("ed_admitted")
    chain["step"] = _for_age(chain, people, start)
    starts = _time_of_day(chain["step"].to_numpy(), np.floor(day).astype(np.int64) * DAY, start, rng)
    last_minute = last_day[person] * DAY  # everybody keeps a first contact, if need be on their last day
    chain["starts"] = np.where(
        starts < last_minute,
        starts,
        last_minute - DAY + np.where(STEP_FEEDS[chain["step"]] == SOCIAL_CARE, 0, starts % DAY),
    )
    return chain


def _for_age(chain: pd.DataFrame, people: pd.DataFrame, start: np.datetime64) -> np.ndarray:
    """Adult social care is for adults, and small children do not ring the police: both come to A&E instead."""
    age = ages(people, start)[chain["person"]]
    feed, step = STEP_FEEDS[chain["step"]], chain["step"].to_numpy()
    child = ((age < 17.9) & (feed == SOCIAL_CARE)) | ((age < 10) & (feed == POLICE))
    return np.where(child, STEP_NAMES.index("ed_home"), step)


def _days(last_day: np.ndarray, start: np.datetime64, days: int, rng: np.random.Generator) -> np.ndarray:
    """A day of the season for each contact, before the person's last one."""
    date = start + np.arange(days)
    of_year = (date - date.astype("datetime64[Y]")).astype(float)
    cumulative = np.cumsum(1 + 0.1 * np.cos((of_year - 10) / YEAR * 2 * np.pi))
    reach = np.interp(last_day, np.arange(1, days + 1), cumulative)
    draw = rng.random(len(last_day)) ** np.where(last_day < days, 0.5, 1.0)  # need grows towards an end
    return np.minimum(np.searchsorted(cumulative, draw * reach), np.maximum(last_day - 1, 0))


def _time_of_day(step: np.ndarray, earliest: np.ndarray, start: np.datetime64, rng: np.random.Generator) -> np.ndarray:
    """Minutes since `start`: moved by some days to a likely weekday, and to a likely hour; never before `earliest`."""
    result = np.empty(len(step), dtype=np.int64)
    feeds = STEP_FEEDS[step]
    weekday_of_start = (start.astype("datetime64[D]").astype(int) + 3) % 7
    for feed, factors in WEEKDAYS.items():
        rows = np.flatnonzero(feeds == feed)
        day = earliest[rows] // DAY
        keep = np.zeros(len(rows), dtype=bool)
        for _ in range(3):
            keep |= rng.random(len(rows)) < factors[(day + weekday_of_start) % 7] / factors.max()
            day = np.where(keep, day, day + rng.integers(1, 4, len(rows)))
        if feed == SOCIAL_CARE:
            result[rows] = np.where(day * DAY < earliest[rows], day + 1, day) * DAY
            continue
        hour = rng.choice(24, size=len(rows), p=HOURS[feed] / HOURS[feed].sum())
        minute = day * DAY + hour * 60 + rng.integers(0, 60, len(rows))
        result[rows] = np.where(minute < earliest[rows], minute + DAY, minute)
    return result


def _minutes(chain: pd.DataFrame, rng: np.random.Generator) -> np.ndarray:
    """Minutes from arrival to departure, or that officers were busy; 0 in social care, which counts days.

    The tail of A&E stays is long, longer for those who wait for a bed, the frail and those in mental distress.
    """
    step = np.array(STEP_NAMES, dtype=object)[chain["step"]]
    course = np.array(COURSES, dtype=object)[chain["course"]]
    median = {
        "ed_home": 185,
        "ed_left": 230,
        "ed_admitted": 460,
        "s136": 300,
        "missing": 240,
        "mental_health_call": 130,
        "domestic": 110,
        "welfare": 70,
        "disorder": 45,
        "crime": 60,
        "other_call": 30,
    }
    spread = {"ed_home": 0.5, "ed_left": 0.55, "ed_admitted": 0.72}
    middle = np.array([median.get(name, 0) for name in STEP_NAMES], dtype=float)[chain["step"]]
    width = np.array([spread.get(name, 0.6) for name in STEP_NAMES])[chain["step"]]
    middle = middle * np.where((course == "frailty") & np.char.startswith(step.astype(str), "ed_"), 1.4, 1.0)
    middle = middle * np.where((course == "mental_health") & np.char.startswith(step.astype(str), "ed_"), 1.5, 1.0)
    return np.minimum(middle * rng.lognormal(0, width), 4300).astype(np.int64) + (middle > 0) * 3


def _consequence_table() -> dict[str, np.ndarray]:
    """CONSEQUENCES as arrays by code of (course, step, heard): up to five followers, their chance and minutes."""
    shape = (len(COURSES) * len(STEP_NAMES) * 2, 5)
    chance, follower = np.zeros(shape), np.zeros(shape, dtype=int)
    minutes, elsewhere = np.ones(shape), np.zeros(shape, dtype=bool)
    for course in COURSES:
        for step in STEP_NAMES:
            for heard, word in enumerate((UNHEARD, HEARD)):
                row = CONSEQUENCES.get((course, step, word)) or CONSEQUENCES.get(("*", step, word)) or {}
                code = (COURSES.index(course) * len(STEP_NAMES) + STEP_NAMES.index(step)) * 2 + heard
                for column, (name, (share, days)) in enumerate(row.items()):
                    chance[code, column] = share
                    follower[code, column] = STEP_NAMES.index(name.split(">")[0])
                    minutes[code, column] = days * DAY
                    elsewhere[code, column] = ">" in name
    return {"chance": np.cumsum(chance, axis=1), "follower": follower, "minutes": minutes, "elsewhere": elsewhere}


def _next_contacts(
    chain: pd.DataFrame,
    people: pd.DataFrame,
    table: dict[str, np.ndarray],
    start: np.datetime64,
    offset: int,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """The contacts that `chain` causes; `offset` is the number of contacts made before it."""
    code = ((chain["course"] * len(STEP_NAMES) + chain["step"]) * 2 + chain["heard"]).to_numpy()
    chance = table["chance"][code] * np.where(chain["cycling"], RETURNS_WHEN_CYCLING, RETURNS_OTHERWISE)[:, None]
    choice = (rng.random(len(chain))[:, None] >= chance).sum(axis=1)
    goes_on = np.flatnonzero(choice < chance.shape[1])
    code, choice = code[goes_on], choice[goes_on]
    before = chain.iloc[goes_on]
    delay = table["minutes"][code, choice] * rng.lognormal(0, 0.55, len(goes_on))
    delay = np.where(delay > 28 * DAY, np.minimum(delay, 170 * DAY), delay)
    follower = pd.DataFrame(
        {
            "person": before["person"].to_numpy(),
            "course": before["course"].to_numpy(),
            "step": table["follower"][code, choice],
            "cause": offset + goes_on,
        }
    )
    cared_for = people["cared_for"].to_numpy()[follower["person"]]
    moves_on = table["elsewhere"][code, choice] & (cared_for >= 0)
    follower.loc[moves_on, "person"] = cared_for[moves_on]
    follower.loc[moves_on, "course"] = COURSES.index("frailty")
    follower["step"] = _for_age(follower, people, start)
    # Officers who convey somebody start out while their incident still runs.
    earliest = (before["starts"].to_numpy() + before["minutes"].to_numpy() + delay).astype(np.int64)
    same_day = (delay < DAY / 2) & (STEP_FEEDS[follower["step"]] != SOCIAL_CARE)
    follower["starts"] = np.where(same_day, earliest, _time_of_day(follower["step"].to_numpy(), earliest, start, rng))
    return follower
