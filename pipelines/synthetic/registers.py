"""Each agency's register: who it knows under which local number, and what the register says month by month.

A record begins when the agency first meets the person and is refreshed now and then. Some people get a second record.
What goes wrong in a record belongs in errors.py.
"""

import numpy as np
import pandas as pd

from pipelines.synthetic import errors, feeds
from pipelines.synthetic.feeds import where_home_is
from pipelines.synthetic.life_courses import AE, AMBULANCE_SERVICE, CHILDREN_SERVICES, POLICE, SOCIAL_CARE
from pipelines.synthetic.population import YEAR

NUMBER_FORMS = {
    AE: "H{:07d}", POLICE: "N{:08d}", SOCIAL_CARE: "{:07d}", AMBULANCE_SERVICE: "A{:07d}", CHILDREN_SERVICES: "C{:07d}",
}  # fmt: skip
PEOPLE_COLUMNS = [
    "local_person_id", "nhs_number", "nhs_number_status", "forename", "surname", "date_of_birth", "sex", "postcode",
    "lsoa", "ethnic_group", "date_of_death", "date_moved_away",
]  # fmt: skip


def give_local_numbers(contacts: pd.DataFrame, people: pd.DataFrame, rng: np.random.Generator) -> None:
    """Adds local_person_id to `contacts`: one for each person and feed, a second one for some who come again."""
    key = pd.MultiIndex.from_arrays([contacts["feed"], contacts["person"]])
    group, known = pd.factorize(key)
    feed = known.get_level_values(0).to_numpy()
    care = errors.care_needed(people)[known.get_level_values(1)]
    likely = np.select([feed == each for each in errors.SECOND_RECORD], list(errors.SECOND_RECORD.values()))
    has_second = rng.random(len(known)) < likely * np.minimum(care, 3.0)
    second = has_second[group] & (rng.random(len(contacts)) < 0.4)
    numbers = np.empty((len(known), 2), dtype=object)
    for each, form in NUMBER_FORMS.items():
        rows = np.flatnonzero(feed == each)
        if not len(rows):
            continue
        drawn = rng.choice(9_000_000, size=2 * len(rows), replace=False) + 1_000_000
        numbers[rows] = np.array([form.format(number) for number in drawn], dtype=object).reshape(-1, 2)
    contacts["local_person_id"] = numbers[group, second.astype(int)]


def monthly_registers(
    contacts: pd.DataFrame, people: pd.DataFrame, addresses: pd.DataFrame, rng: np.random.Generator
) -> pd.DataFrame:
    """Everyone dealt with, a row per feed, local_person_id and period: the columns of people.csv and `feed`, `period`.

    `contacts` has feed, local_person_id, person, starts and period. A death or a move away that an agency hears of puts
    the person into that month's file, too.
    """
    seen = contacts.groupby(["feed", "local_person_id", "period"], sort=True, as_index=False).agg(
        person=("person", "first"), starts=("starts", "max")
    )
    seen = pd.concat([seen.assign(hears=False), _news_of_ends(seen, people, rng)], ignore_index=True)
    seen = seen.groupby(["feed", "local_person_id", "period"], sort=True, as_index=False).agg(
        person=("person", "first"), starts=("starts", "max"), hears=("hears", "max")
    )

    first = ~seen.duplicated(["feed", "local_person_id"]).to_numpy()
    feed = seen["feed"].to_numpy()
    likely = np.select([feed == each for each in errors.LIKELY_UPDATE], list(errors.LIKELY_UPDATE.values()))
    rewritten = first | (rng.random(len(seen)) < errors.LIKELY_CORRECTION)
    refreshed = rewritten | (rng.random(len(seen)) < likely)
    identity = errors.recorded_identities(_truth(seen[rewritten], people), rng)
    address = errors.recorded_addresses(_truth_of_address(seen[refreshed], people), addresses, rng)
    result = pd.concat(
        [
            seen[["feed", "period", "local_person_id"]],
            identity.iloc[np.cumsum(rewritten) - 1].reset_index(drop=True),
            address.iloc[np.cumsum(refreshed) - 1].reset_index(drop=True),
        ],
        axis=1,
    )
    for column, source in (("date_of_death", "died"), ("date_moved_away", "moved_away")):
        day = people[source].to_numpy()[seen["person"]]
        month = feeds.month(pd.Series(day))
        known = seen["hears"].to_numpy() & (month == seen["period"].to_numpy())
        result[column] = np.where(known, feeds.date(pd.Series(day)), "")
    return result[["feed", "period", *PEOPLE_COLUMNS]]


def _news_of_ends(seen: pd.DataFrame, people: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Rows for records whose person died or moved away in a month, where the agency hears of it (`hears`)."""
    records = seen.drop_duplicates(["feed", "local_person_id"])
    parts = []
    for source, learns in (("died", errors.LIKELY_LEARNS_OF_DEATH), ("moved_away", errors.LIKELY_LEARNS_OF_MOVE)):
        day = people[source].to_numpy()[records["person"]]
        hears = ~np.isnat(day) & (rng.random(len(records)) < records["feed"].map(learns).to_numpy())
        news = records[hears].copy()
        news["starts"] = day[hears].astype("datetime64[D]") + np.timedelta64(1, "D") - np.timedelta64(1, "s")
        news["period"] = feeds.month(pd.Series(day[hears]))
        parts.append(news[news["period"].to_numpy() >= records["period"].to_numpy()[hears]])
    return pd.concat(parts).assign(hears=True)


def _truth(seen: pd.DataFrame, people: pd.DataFrame) -> pd.DataFrame:
    """What is true of each person on the day of `seen`, for errors.recorded_identities."""
    person = people.iloc[seen["person"]].reset_index(drop=True)
    day = seen["starts"].to_numpy()
    married = day >= person["married"].to_numpy()
    former = person["former_surname"].fillna("").to_numpy(dtype=object)
    alias = np.where(seen["feed"] == POLICE, person["alias"], "")
    return pd.DataFrame(
        {
            "feed": seen["feed"].to_numpy(),
            "care": errors.care_needed(people)[seen["person"]],
            "age": (day - person["born"].to_numpy()).astype("timedelta64[D]").astype(float) / YEAR,
            "kin": person["kin"],
            "forename": np.where(alias != "", alias, person["forename"]),
            "middle_name": person["middle_name"],
            "surname": np.where(married, person["married_surname"], person["surname"]),
            "former_surname": np.where(married, person["surname"], former),
            "born": feeds.date(person["born"]),
            "sex": person["sex"],
            "ethnic_code": person["ethnic_code"],
            "nhs_number": person["nhs_number"],
        }
    )


def _truth_of_address(seen: pd.DataFrame, people: pd.DataFrame) -> pd.DataFrame:
    person = people.iloc[seen["person"]].reset_index(drop=True)
    home = where_home_is(seen, people)
    before = np.where(
        home == person["address"].to_numpy(), person["address_before"].to_numpy(), person["address"].to_numpy()
    )
    return pd.DataFrame(
        {
            "feed": seen["feed"].to_numpy(),
            "care": errors.care_needed(people)[seen["person"]],
            "homeless": person["homeless"],
            "address": home,
            "address_before": before,
        }
    )
