"""People files of three fictional agencies without any activity, fast: for benchmarks and for simulations by hundreds.

Names, households, moves, marriages and errors are those of the fictional region; only the contacts are made up here, as
bare days on which an agency meets somebody. Many people make several regions of REGION people side by side, each with
postcodes and NHS numbers of its own, so that a postcode stays as full as it is in life. Nobody dies or moves away.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from . import population
from .errors import care_needed
from .life_courses import AE, POLICE, SOCIAL_CARE
from .population import NO_DATE
from .registers import PEOPLE_COLUMNS, give_local_numbers, monthly_registers

REGION = 150_000  # people of one region
START, DAYS = np.datetime64("2023-01-01"), 3 * 365
AGENCIES = (AE, POLICE, SOCIAL_CARE)
FIRST_MET = (0.55, 0.22, 0.23)  # share of people whom each agency meets first
LIKELY_KNOWN = (0.34, 0.22, 0.26)  # chance that another agency knows them, when care is 1
MEETINGS = 1.6  # of a person and an agency that knows them, on average
# Letters that no postcode area of the UK begins with.
AREAS = tuple(f"{one}{other}" for one in "WQVXJ" for other in "XYZABDEFGHJLNPQRSTUW" if one != "W" or other == "X")

Made = tuple[dict[str, pd.DataFrame], pd.DataFrame]


def people_only(people: int, seed: int, nhs_numbers: bool = True) -> Made:
    """Feed -> the columns of people.csv, one row a client as last written down; and the truth of every client.

    people: how many true people there are, each known to at least one agency. About 1.7 clients a person. The truth
    has feed, local_person_id, truth (the true person).
    """
    parts = list(regions(people, seed, nhs_numbers))
    feeds = {feed: pd.concat([made[feed] for made, _ in parts], ignore_index=True) for feed in AGENCIES}
    return feeds, pd.concat([truth for _, truth in parts], ignore_index=True)


def regions(people: int, seed: int, nhs_numbers: bool = True) -> Iterator[Made]:
    """The same in parts that fit into memory, one region each."""
    for number, first in enumerate(range(0, people, REGION)):
        yield _region(number, min(REGION, people - first), seed, nhs_numbers)


def _region(number: int, size: int, seed: int, nhs_numbers: bool) -> Made:
    rng = np.random.default_rng([seed, number])
    addresses = population.make_addresses(rng)
    addresses["postcode"] = addresses.postcode.str.replace("WX", AREAS[number], regex=False)
    people = population.make_people(size, addresses, START, rng)
    people["nhs_number"] = population.nhs_numbers(size, rng, prefix=999 - number)
    people = people.assign(life_course="", truly_cycles=False, scripted=False)
    population.change_lives(people, addresses, START, DAYS, rng)
    people["moved_away"] = people["died"] = NO_DATE
    contacts = _contacts(people, rng)
    give_local_numbers(contacts, people, rng)
    contacts["local_person_id"] = f"{number:02d}-" + contacts.local_person_id
    written = monthly_registers(contacts, people, addresses, rng).drop_duplicates(
        ["feed", "local_person_id"], keep="last"
    )
    if not nhs_numbers:
        written[["nhs_number", "nhs_number_status"]] = ""
    clients = contacts.drop_duplicates(["feed", "local_person_id"]).sort_values(["feed", "local_person_id"])
    truth = clients[["feed", "local_person_id"]].assign(truth=f"T{number:02d}-" + clients.person.astype(str))
    feeds = {feed: written.loc[written.feed == feed, PEOPLE_COLUMNS].reset_index(drop=True) for feed in AGENCIES}
    return feeds, truth.reset_index(drop=True)


def _contacts(people: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """feed, person, starts and period of each meeting."""
    number, care = len(people), care_needed(people)
    first = rng.choice(len(AGENCIES), size=number, p=FIRST_MET)
    parts = []
    for place, (feed, likely) in enumerate(zip(AGENCIES, LIKELY_KNOWN, strict=True)):
        known = np.flatnonzero((first == place) | (rng.random(number) < np.minimum(likely * care, 0.9)))
        person = np.repeat(known, 1 + rng.poisson(MEETINGS - 1, len(known)))
        parts.append(pd.DataFrame({"feed": feed, "person": person}))
    contacts = pd.concat(parts, ignore_index=True)
    seconds = rng.integers(0, DAYS * 86_400, len(contacts)).astype("timedelta64[s]")
    contacts["starts"] = START.astype("datetime64[s]") + seconds
    contacts["period"] = contacts.starts.dt.strftime("%Y-%m")
    return contacts
