"""Makes a region: agencies' identifiable files as they would send them, and apart from them the answer key.

The order of things: people in households, their life courses, the contacts these cause, rows in each agency's codes,
and last what agencies' registers make of the people. The answer key is for evaluation only.
"""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from pyarrow import compute as pc
from pyarrow import csv as arrow_csv

from pipelines.synthetic import (
    ambulance,
    children,
    feeds,
    life_courses,
    opportunities,
    personas,
    population,
    recorded,
    registers,
    unmet_needs,
    wanderers,
)
from pipelines.synthetic.life_courses import AE, AMBULANCE_SERVICE, CHILDREN_SERVICES, POLICE, SOCIAL_CARE

FEWEST_PEOPLE = 200
CALLERS = {
    "welfare": 0.3,
    "mental_health_call": 0.15,
    "domestic": 0.12,
    "missing": 0.3,
}  # share of calls made for another
BAD_ROWS = 0.002  # of all rows of activity
DERIVED = 1  # stream of the feeds that are derived from the others, so that adding one changes no other
STORIES, WANDERERS = 2, 3  # streams of the needs that nobody met, and of the personas among ordinary people


def make_region(
    out: Path,
    people: int = 60_000,
    seed: int = 1,
    first_period: str = "2024-01",
    months: int = 24,
    progress: Callable[[str], None] | None = None,
    derived: bool = True,
) -> None:
    """Writes the fictional region Wexmoor to `out`: agencies/, answer_key/ and region.json. Same arguments, same bytes.

    `people` is how many are known to any agency over `months` months from `first_period` (YYYY-MM). `derived`: also the
    ambulance trust and children's services, which leave the files of the others as they are. Raises ValueError if there
    would be too few people or no month.
    """
    if people < FEWEST_PEOPLE or months < 1:
        raise ValueError(f"a region needs at least {FEWEST_PEOPLE} people and one month")
    say = progress or (lambda text: None)
    start = np.datetime64(first_period, "D")
    days = int((np.datetime64(first_period, "M") + months).astype("datetime64[D]").astype(int) - start.astype(int))
    streams = iter(np.random.default_rng(seed).spawn(12))

    say(f"people: {people:,} in their households")
    addresses = population.make_addresses(next(streams))
    script = personas.write_script(people, start, days, next(streams))
    everybody = _people(people, script, addresses, start, days, next(streams))
    say("contacts: what their life courses lead to")
    contacts = _contacts(everybody, script, start, days, next(streams))
    wanderers.name(everybody, contacts, addresses, start, months, np.random.default_rng([seed, WANDERERS]))
    told = unmet_needs.tell(everybody, contacts, start, days, np.random.default_rng([seed, STORIES]))
    everybody["in_story"] = np.isin(np.arange(len(everybody)), told.moments["person"])
    contacts = _with_stories(contacts, told)
    feeds.with_surroundings(contacts, everybody, addresses, next(streams))
    activity, contacts = _activity(contacts, everybody, next(streams))
    contacts["period"] = feeds.month(contacts["starts"])
    say("registers: what the agencies write down")
    registers.give_local_numbers(contacts, everybody, next(streams))
    register = registers.monthly_registers(contacts, everybody, addresses, next(streams))
    everybody["true_person_id"] = [f"T{number:07d}" for number in next(streams).permutation(len(everybody)) + 1]
    missed = opportunities.missed(contacts, activity)
    activity, contacts = _with_bad_rows(activity, contacts, next(streams))
    if derived:
        say("ambulance and children's services: what they see of it")
        more, more_contacts, more_register = _derived(
            contacts, activity, everybody, addresses, start, days, told, np.random.default_rng([seed, DERIVED])
        )
        for rows in more.values():
            rows["contact"] += len(contacts)
        activity |= more
        contacts = pd.concat([contacts, more_contacts], ignore_index=True)
        register = pd.concat([register, more_register], ignore_index=True)

    say(f"files: {len(contacts):,} contacts over {months} months")
    periods = [str(np.datetime64(first_period, "M") + month) for month in range(months)]
    _write_agencies(Path(out) / "agencies", activity, contacts, register, periods)
    _write_opt_outs(Path(out) / "agencies", everybody, contacts, periods)
    born = everybody["born"].to_numpy()[contacts["person"]]
    contacts["age_then"] = (contacts["starts"].to_numpy() - born).astype("timedelta64[D]").astype(
        float
    ) / population.YEAR
    contacts["need"] = recorded.needs(contacts, activity)
    contacts["role"] = recorded.roles(contacts, activity)
    contacts["area"] = recorded.areas(contacts, everybody, addresses)
    chances = opportunities.answer_key(contacts, missed, script, told, everybody, addresses)
    _write_answer_key(Path(out) / "answer_key", everybody, contacts, chances)
    counts = {
        "people": len(everybody),
        "contacts": int(contacts["valid"].sum()),
        "bad_rows": int((~contacts["valid"]).sum()),
        "truly_cycling": int(everybody["truly_cycles"].sum()),
        "planted_opportunities": int(chances["planted"].eq("true").sum()),
        "rows": {feed: len(rows) for feed, rows in activity.items()},
    }
    summary = {
        "region": "Wexmoor",
        "seed": seed,
        "people": people,
        "first_period": first_period,
        "months": months,
        "counts": counts,
    }
    (Path(out) / "region.json").write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")


def _people(
    number: int,
    script: personas.Script,
    addresses: pd.DataFrame,
    start: np.datetime64,
    days: int,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Everybody known to an agency: people at random, then the cast of `script`."""
    ordinary = number - len(script.cast)
    people = population.make_people(ordinary, addresses, start, rng)
    life_courses.assign(people, start, days, rng)
    population.change_lives(people, addresses, start, days, rng)
    people["persona"], people["scripted"] = "", False
    spare = population.nhs_numbers(number + 2000, rng)
    spare = spare[~np.isin(spare.astype(str), people["nhs_number"].to_numpy().astype(str))][: len(script.cast)]
    cast = personas.characters_as_people(script, addresses, spare, rng)
    cast["household"] += int(people["household"].max()) + 1
    return pd.concat([people, cast[people.columns]], ignore_index=True)


def _contacts(
    people: pd.DataFrame, script: personas.Script, start: np.datetime64, days: int, rng: np.random.Generator
) -> pd.DataFrame:
    """All contacts, those of the script last; `scene` is the place in the script, or -1."""
    ordinary = people[~people["scripted"]]
    contacts = life_courses.simulate(ordinary, start, days, rng)
    scenes = personas.scenes_as_contacts(script, len(ordinary), len(contacts), start)
    scenes["scene"] = np.arange(len(scenes))
    contacts = pd.concat([contacts.assign(scene=-1, wait=0, says=None), scenes], ignore_index=True)
    contacts["starts"] = contacts["starts"].astype("datetime64[s]")
    return contacts


def _with_stories(contacts: pd.DataFrame, told: unmet_needs.Told) -> pd.DataFrame:
    """The contacts and those of the stories, which are scenes too; `moment` is the row in the stories, or -1."""
    more = told.contacts(len(contacts))
    more["scene"] = int(contacts["scene"].max()) + 1 + np.arange(len(more))
    return pd.concat([contacts.assign(moment=-1), more], ignore_index=True) if len(more) else contacts.assign(moment=-1)


def _activity(
    contacts: pd.DataFrame, people: pd.DataFrame, rng: np.random.Generator
) -> tuple[dict[str, pd.DataFrame], pd.DataFrame]:
    """Rows of activity by feed, each with `contact`, the row number in the contacts that come back beside them.

    People who ring the police for somebody else get a row of their own, as the caller.
    """
    activity = {}
    for feed, make in feeds.ACTIVITY.items():
        of_feed = contacts[contacts["feed"] == feed]
        rows = make(of_feed.reset_index(drop=True), rng)
        rows["contact"] = of_feed.index.to_numpy()
        for place in np.flatnonzero(of_feed["scene"].to_numpy() >= 0):
            for column, value in of_feed["says"].iloc[place].items():
                rows.loc[place, column] = value
        activity[feed] = rows
    callers, calls = _callers(contacts, activity[POLICE], people, rng)
    calls["contact"] = len(contacts) + np.arange(len(calls))
    contacts = pd.concat([contacts, callers], ignore_index=True)
    activity[POLICE] = pd.concat([activity[POLICE], calls], ignore_index=True)

    contacts["source_ref"] = ""
    for feed, rows in activity.items():
        order = np.lexsort((rows["contact"], contacts["starts"].to_numpy()[rows["contact"]]))
        rows = rows.iloc[order].reset_index(drop=True)
        rows[feeds.REFERENCES[feed]] = _references(feed, contacts["starts"].iloc[rows["contact"]])
        contacts.loc[rows["contact"], "source_ref"] = rows[feeds.REFERENCES[feed]].to_numpy()
        activity[feed] = rows
    return activity, contacts


def _derived(
    contacts: pd.DataFrame,
    activity: dict[str, pd.DataFrame],
    people: pd.DataFrame,
    addresses: pd.DataFrame,
    start: np.datetime64,
    days: int,
    told: unmet_needs.Told,
    rng: np.random.Generator,
) -> tuple[dict[str, pd.DataFrame], pd.DataFrame, pd.DataFrame]:
    """Activity by feed, contacts and registers of the feeds that follow from the others."""
    streams = iter(rng.spawn(5))
    helped_up, referred = told.of(unmet_needs.HELPED_UP), told.of(unmet_needs.REFERRED)
    made = {
        AMBULANCE_SERVICE: ambulance.make_incidents(
            contacts, activity, people, addresses, start, days, helped_up, next(streams)
        ),
        CHILDREN_SERVICES: children.make_events(contacts, people, addresses, start, days, referred, next(streams)),
    }
    offset, rows, found = 0, {}, []
    for feed, (of_feed, of_rows) in made.items():
        rows[feed] = of_rows.assign(contact=of_rows["contact"] + offset)
        found.append(of_feed)
        offset += len(of_feed)
    contacts = pd.concat(found, ignore_index=True)
    registers.give_local_numbers(contacts, people, next(streams))
    register = registers.monthly_registers(contacts, people, addresses, next(streams))
    return *_with_bad_rows(rows, contacts, next(streams)), register


def _references(feed: str, starts: pd.Series) -> np.ndarray:
    """The agency's own numbers for its events, in order of time."""
    number = np.arange(len(starts))
    if feed == AE:
        return np.array([f"{700_000_000_000 + 7 * each}" for each in number], dtype=object)
    if feed == SOCIAL_CARE:
        return np.array([f"EV{each + 1:08d}" for each in number], dtype=object)
    return np.array(
        [
            f"NPOL-{day}-{each:06d}"
            for day, each in zip(np.char.replace(feeds.date(starts).astype(str), "-", ""), number, strict=True)
        ],
        dtype=object,
    )


def _callers(
    contacts: pd.DataFrame, incidents: pd.DataFrame, people: pd.DataFrame, rng: np.random.Generator
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Contacts and rows of people who rang about somebody else: one of the household, or a neighbour."""
    of = contacts.loc[incidents["contact"]]
    likely = of["step"].map(CALLERS).fillna(0).to_numpy() * (of["scene"].to_numpy() < 0)
    rows = np.flatnonzero(rng.random(len(of)) < likely)
    subject, day = of["person"].to_numpy()[rows], of["starts"].to_numpy()[rows]
    household = people["household"].to_numpy()
    beside = np.where(rng.random(len(rows)) < 0.5, subject + 1, subject - 1).clip(0, len(people) - 1)
    stranger = rng.integers(0, len(people), len(rows))
    caller = np.where(household[beside] == household[subject], beside, stranger)
    age = (day - people["born"].to_numpy()[caller]).astype("timedelta64[D]").astype(float) / population.YEAR
    gone = (day >= people["died"].to_numpy()[caller]) | (day >= people["moved_away"].to_numpy()[caller])
    able = (caller != subject) & (age >= 16) & ~gone & ~people["scripted"].to_numpy()[caller]
    rows, caller = rows[able], caller[able]
    calls = incidents.iloc[rows].assign(
        role="caller", officer_minutes="0", hospital_wait_minutes="0", s136="false", s136_place_of_safety="",
        ppn="false", ppn_shared_with="", ppn_outcome="", ppn_outcome_ts="",
    )  # fmt: skip
    return of.iloc[rows].assign(person=caller, cause=-1, step="caller"), calls


def _with_bad_rows(
    activity: dict[str, pd.DataFrame], contacts: pd.DataFrame, rng: np.random.Generator
) -> tuple[dict[str, pd.DataFrame], pd.DataFrame]:
    """Adds rows that somebody keyed in a second time and wrongly; contacts gain `valid`, false for these."""
    contacts = contacts.assign(valid=True)
    result = {}
    for feed, rows in activity.items():
        number = max(4, round(BAD_ROWS * len(rows)))
        bad = rows.iloc[np.sort(rng.choice(len(rows), size=number, replace=False))].reset_index(drop=True)
        reference = feeds.REFERENCES[feed]
        bad[reference] = bad[reference] + "X"
        for place, (column, change) in enumerate(SPOILT[feed][each % len(SPOILT[feed])] for each in range(number)):
            bad.loc[place, column] = change(bad.loc[place])
        twice = contacts.loc[bad["contact"]].assign(valid=False, source_ref=bad[reference].to_numpy())
        bad["contact"] = len(contacts) + np.arange(number)
        contacts = pd.concat([contacts, twice], ignore_index=True)
        result[feed] = pd.concat([rows, bad], ignore_index=True)
    return result, contacts


def _earlier(column: str, days: int) -> Callable[[pd.Series], str]:
    """A change of a row: `days` before the date of `column`."""
    return lambda row: str(np.datetime64(row[column][:10]) - np.timedelta64(days, "D"))


SPOILT: dict[str, list[tuple[str, Callable[[pd.Series], str]]]] = {
    AE: [
        ("EC_Departure_Date", _earlier("Arrival_Date", 3)),
        ("EC_Arrival_Mode_SNOMED_CT", lambda row: "XX"),
        ("EC_Discharge_Status_SNOMED_CT", lambda row: ""),
        ("Arrival_Date", _earlier("Arrival_Date", 366)),
    ],
    POLICE: [
        ("cleared_ts", lambda row: _earlier("created_ts", 2)(row) + "T09:00:00"),
        ("grade", lambda row: "XX"),
        ("role", lambda row: ""),
        ("created_ts", lambda row: _earlier("created_ts", 366)(row) + row["created_ts"][10:]),
    ],
    SOCIAL_CARE: [
        ("Event_End_Date", _earlier("Event_Start_Date", 9)),
        ("Event_Type", lambda row: "XX"),
        ("Event_Start_Date", lambda row: ""),
        ("Event_Start_Date", _earlier("Event_Start_Date", 366)),
    ],
    AMBULANCE_SERVICE: [
        ("Time_Clear", _earlier("Time_Call_Connected", 2)),
        ("Reporting_Response_Category", lambda row: "XX"),
        ("Treatment_Type", lambda row: ""),
        (
            "Time_Call_Connected",
            lambda row: _earlier("Time_Call_Connected", 366)(row) + row["Time_Call_Connected"][10:],
        ),
    ],
    CHILDREN_SERVICES: [
        ("end_date", _earlier("start_date", 9)),
        ("module", lambda row: "XX"),
        ("start_date", lambda row: ""),
        ("module", lambda row: ""),
    ],
}


def _write_agencies(
    out: Path, activity: dict[str, pd.DataFrame], contacts: pd.DataFrame, register: pd.DataFrame, periods: list[str]
) -> None:
    """agency/feed/period/people.csv and activity.csv for every month, also where nothing happened.

    Optional columns of a contract that the region has no use for are left away, as agencies do.
    """
    for feed, rows in activity.items():
        contact = contacts.loc[rows["contact"], ["local_person_id", "period"]].reset_index(drop=True)
        rows = rows.assign(**contact)
        for name, part, columns in (
            ("activity.csv", rows, [name for name in feeds.columns(feed) if name in rows]),
            ("people.csv", register[register["feed"] == feed], registers.PEOPLE_COLUMNS),
        ):
            part = part.sort_values("period", kind="stable")
            table = _table(part[columns])
            for each in periods:
                folder = out / feeds.AGENCIES[feed] / feed / each
                folder.mkdir(parents=True, exist_ok=True)
                first, last = part["period"].searchsorted([each, each + "~"])
                _write_csv(table.slice(first, last - first), folder / name)


def _write_opt_outs(out: Path, people: pd.DataFrame, contacts: pd.DataFrame, periods: list[str]) -> None:
    """agency/feed/period/opt_outs.csv, for `upstream pseudonymise --opt-outs`, from the month on that somebody chose."""
    opted = contacts[people["opted_out_from"].ne("").to_numpy()[contacts["person"]]]
    for (feed, person), rows in opted.groupby(["feed", "person"]):
        numbers = pd.DataFrame({"local_person_id": sorted(set(rows["local_person_id"]))})
        for each in periods:
            if each >= people["opted_out_from"].iloc[person]:
                _write_csv(_table(numbers), out / feeds.AGENCIES[feed] / feed / each / "opt_outs.csv")


def _write_answer_key(out: Path, people: pd.DataFrame, contacts: pd.DataFrame, opportunities: pd.DataFrame) -> None:
    out.mkdir(parents=True, exist_ok=True)
    person = people["true_person_id"].to_numpy()
    agency = contacts["feed"].map(feeds.AGENCIES)
    known = pd.DataFrame(
        {
            "agency": agency,
            "feed": contacts["feed"],
            "local_person_id": contacts["local_person_id"],
            "true_person_id": person[contacts["person"]],
        }
    )
    _write_csv(_table(known.drop_duplicates().sort_values(["feed", "local_person_id"])), out / "records.csv")
    told = pd.DataFrame(
        {
            "true_person_id": person,
            "life_course": people["life_course"],
            "persona": people["persona"],
            "truly_cycles": people["truly_cycles"].map({True: "true", False: "false"}),
            "ethnic_group": people["ethnic_group"],
            "sex": people["sex"],
            "date_of_birth": feeds.date(people["born"]),
            "imd_quintile": people["imd_quintile"].astype(str),
            "date_of_death": feeds.date(people["died"]),
            "date_moved_away": feeds.date(people["moved_away"]),
            "opted_out_from": people["opted_out_from"],
            "household_id": "H" + people["household"].astype(str),
            "kin": people["kin"],
        }
    )
    _write_csv(_table(told.sort_values("true_person_id")), out / "people.csv")
    seen = pd.DataFrame(
        {
            "agency": agency,
            "feed": contacts["feed"],
            "source_ref": contacts["source_ref"],
            "true_person_id": person[contacts["person"]],
            "started_at": feeds.timestamp(contacts["starts"]),
            "period": contacts["period"],
            "lsoa": contacts["area"],
            "need": contacts["need"],
            "role": contacts["role"],
            "valid": contacts["valid"].map({True: "true", False: "false"}),
        }
    )
    _write_csv(_table(seen.sort_values(["feed", "source_ref"])), out / "contacts.csv")
    _write_csv(_table(opportunities.sort_values(["planted", "signal_ref"])), out / "opportunities.csv")


def _table(rows: pd.DataFrame) -> pa.Table:
    """All columns as text; missing values and empty texts are null."""
    columns = [pa.array(rows[name], pa.string(), from_pandas=True) for name in rows]
    return pa.table([pc.if_else(pc.equal(each, ""), None, each) for each in columns], names=list(rows.columns))


def _write_csv(table: pa.Table, path: Path) -> None:
    """UTF-8 with a plain header; nulls are empty fields."""
    with path.open("wb") as file:
        file.write((",".join(table.column_names) + "\n").encode())
        if len(table):
            arrow_csv.write_csv(table, file, arrow_csv.WriteOptions(include_header=False, quoting_style="needed"))
