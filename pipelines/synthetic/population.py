"""Who lives in the region: households and their kin, where they live, and how they move, marry and die.

What happens to people (contacts with services) belongs in life_courses.py, how their names are recorded in errors.py.
People are one table with a row a person; an address is a postcode, because no record carries more than that.
"""

import csv
from pathlib import Path

import numpy as np
import pandas as pd

from pipelines.synthetic.names import draw_forenames, draw_surnames

AREAS = Path(__file__).resolve().parents[2] / "data" / "reference" / "areas.csv"
HOUSEHOLDS_A_POSTCODE = 15
PEOPLE_A_HOUSEHOLD = 2.36
LSOAS_AN_OUTWARD_CODE = 5
POSTCODE_LETTERS = np.array(list("ABDEFGHJLNPQRSTUWXYZ"))  # the letters that inward codes use
KNOWN_BY_IMD = {1: 1.6, 2: 1.3, 3: 1.0, 4: 0.8, 5: 0.6}  # how likely a resident is to be known to a service
NO_DATE = np.datetime64("NaT", "D")
YEAR = 365.25  # days

# five groups of the census, category of the NHS data dictionary, origin of the name, share of households
ETHNICITIES = (
    ("white", "A", "british", 0.775),
    ("white", "B", "irish", 0.015),
    ("white", "C", "polish", 0.03),
    ("white", "C", "romanian", 0.025),
    ("white", "C", "portuguese", 0.012),
    ("mixed", "D", "caribbean", 0.012),
    ("mixed", "F", "british", 0.012),
    ("mixed", "G", "british", 0.004),
    ("asian", "H", "indian", 0.03),
    ("asian", "J", "south_asian_muslim", 0.025),
    ("asian", "K", "south_asian_muslim", 0.01),
    ("asian", "R", "chinese", 0.005),
    ("black", "M", "caribbean", 0.012),
    ("black", "N", "nigerian", 0.012),
    ("black", "N", "ghanaian", 0.006),
    ("black", "N", "kenyan", 0.005),
    ("other", "S", "turkish", 0.007),
    ("other", "S", "south_asian_muslim", 0.003),
)
# kind of household: share, youngest and oldest first adult, members beside the first adult
HOUSEHOLD_KINDS = {
    "single": (0.46, 18, 97, ()),
    "couple": (0.17, 24, 92, ("partner",)),
    "family": (0.12, 24, 58, ("partner", "child", "child?", "child?")),
    "lone_parent": (0.10, 20, 56, ("child", "child?")),
    "elder_and_child": (0.10, 66, 97, ("child", "partner?")),
    "sharers": (0.05, 18, 60, ("sharer", "sharer?")),
}


def make_addresses(rng: np.random.Generator) -> pd.DataFrame:
    """Postcodes of the area WX, which the UK does not have: postcode, lsoa, district, imd_quintile, weight."""
    with open(AREAS, newline="", encoding="utf-8") as file:
        areas = list(csv.DictReader(file))
    parts = []
    for outward, first in enumerate(range(0, len(areas), LSOAS_AN_OUTWARD_CODE), start=1):
        group = areas[first : first + LSOAS_AN_OUTWARD_CODE]
        postcodes_each = [round(int(area["residents"]) / PEOPLE_A_HOUSEHOLD / HOUSEHOLDS_A_POSTCODE) for area in group]
        inward = rng.choice(9 * 20 * 20, size=sum(postcodes_each), replace=False)
        letters = np.char.add(POSTCODE_LETTERS[inward // 20 % 20], POSTCODE_LETTERS[inward % 20])
        spelt = [f"WX{outward} {digit}{pair}" for digit, pair in zip(inward // 400 + 1, letters, strict=True)]
        rows = np.repeat(np.arange(len(group)), postcodes_each)
        quintiles = np.array([int(area["imd_quintile"]) for area in group])
        residents = np.array([int(area["residents"]) for area in group])
        parts.append(
            pd.DataFrame(
                {
                    "postcode": np.array(spelt, dtype=object),
                    "lsoa": np.array([area["lsoa"] for area in group], dtype=object)[rows],
                    "district": np.array([area["district_name"] for area in group], dtype=object)[rows],
                    "imd_quintile": quintiles[rows],
                    "weight": (residents / postcodes_each)[rows] * np.vectorize(KNOWN_BY_IMD.get)(quintiles[rows]),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def draw_addresses(number: int, addresses: pd.DataFrame, rng: np.random.Generator) -> np.ndarray:
    """Row numbers of `addresses`, by how many people known to a service live there."""
    cumulative = np.cumsum(addresses["weight"].to_numpy())
    return np.searchsorted(cumulative, rng.random(number) * cumulative[-1], side="right")


def nhs_numbers(number: int, rng: np.random.Generator, prefix: int = 999) -> np.ndarray:
    """Distinct numbers, each with its right check digit, of the range 999, which is kept for tests, or another one."""
    stems = rng.choice(1_000_000, size=min(1_000_000, int(number * 1.2) + 50), replace=False) + prefix * 1_000_000
    digits = stems[:, None] // 10 ** np.arange(8, -1, -1) % 10
    check = (11 - digits @ np.arange(10, 1, -1) % 11) % 11
    valid = stems[check < 10] * 10 + check[check < 10]
    return valid[:number].astype(str).astype(object)


def make_people(number: int, addresses: pd.DataFrame, start: np.datetime64, rng: np.random.Generator) -> pd.DataFrame:
    """`number` people in households, as they are on the day `start`.

    Columns: household, role, sex, born, origin, ethnic_group, ethnic_code, forename, middle_name, surname,
    former_surname, kin, address, address_before, imd_quintile, homeless, nhs_number, alias (a forename by which officers know them).
    """
    members = _members(number, rng)
    households = int(members["household"].max()) + 1
    household = members["household"].to_numpy()
    role = members["role"].to_numpy()
    first = np.searchsorted(household, np.arange(households))  # row of each household's first adult

    home = draw_addresses(households, addresses, rng)
    ethnicity = _ethnicities(addresses["imd_quintile"].to_numpy()[home], rng)[household]
    elsewhere = (role == "partner") & (rng.random(number) < 0.1)
    ethnicity[elsewhere] = rng.choice(len(ETHNICITIES), size=elsewhere.sum(), p=_ethnic_shares())
    origin = np.array([row[2] for row in ETHNICITIES], dtype=object)[ethnicity]

    age = _ages(members, first, rng)
    sex = np.where(rng.random(number) < 0.51, "F", "M").astype(object)
    sex[(members["kind"] == "lone_parent") & (role == "first") & (rng.random(number) < 0.7)] = "F"
    partners = np.flatnonzero(role == "partner")
    opposite = np.where(sex[first[household[partners]]] == "F", "M", "F")
    sex[partners] = np.where(rng.random(len(partners)) < 0.97, opposite, sex[partners])
    born = (start - np.rint(age * YEAR).astype("timedelta64[D]")).astype("datetime64[D]")

    people = pd.DataFrame({"household": household, "role": role, "sex": sex, "born": born, "origin": origin})
    people["ethnic_group"] = np.array([row[0] for row in ETHNICITIES], dtype=object)[ethnicity]
    people["ethnic_code"] = np.array([row[1] for row in ETHNICITIES], dtype=object)[ethnicity]
    people["kin"] = ""
    _make_twins(people, rng)
    _name(people, first, rng)
    people["address"] = home[household]
    people["address_before"] = draw_addresses(number, addresses, rng)
    people["imd_quintile"] = addresses["imd_quintile"].to_numpy()[people["address"]]
    people["homeless"] = (members["kind"] == "single") & (age > 18) & (age < 66) & (rng.random(number) < 0.025)
    people["nhs_number"], people["alias"] = nhs_numbers(number, rng), ""
    return people


def ages(people: pd.DataFrame, day: np.datetime64) -> np.ndarray:
    """Age in years of each person on `day`."""
    return (day - people["born"].to_numpy().astype("datetime64[D]")).astype(float) / YEAR


def _members(number: int, rng: np.random.Generator) -> pd.DataFrame:
    """Household, kind of household and role of each person, in order of household."""
    kinds = np.array(list(HOUSEHOLD_KINDS), dtype=object)
    shares = np.array([row[0] for row in HOUSEHOLD_KINDS.values()])
    kind = kinds[rng.choice(len(kinds), size=number, p=shares / shares.sum())]
    parts = [pd.DataFrame({"household": np.arange(number), "kind": kind, "role": "first", "place": 0})]
    for name, (_, _, _, others) in HOUSEHOLD_KINDS.items():
        for place, role in enumerate(others, start=1):
            has = np.flatnonzero((kind == name) & ((not role.endswith("?")) | (rng.random(number) < 0.45)))
            parts.append(pd.DataFrame({"household": has, "kind": name, "role": role.rstrip("?"), "place": place}))
    members = pd.concat(parts).sort_values(["household", "place"], ignore_index=True)
    return members.iloc[:number].reset_index(drop=True)


def _ages(members: pd.DataFrame, first: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Age in years: partners near the first adult, children a generation younger."""
    number, role = len(members), members["role"].to_numpy()
    lows = members["kind"].map({kind: row[1] for kind, row in HOUSEHOLD_KINDS.items()}).to_numpy(float)
    highs = members["kind"].map({kind: row[2] for kind, row in HOUSEHOLD_KINDS.items()}).to_numpy(float)
    age = lows + (highs - lows) * rng.beta(1.15, 1.25, size=number)
    of_first = age[first[members["household"].to_numpy()]]
    age = np.where(role == "partner", np.clip(of_first + rng.normal(0, 4, number), 18.1, 97), age)
    children = np.maximum(of_first - rng.triangular(19, 28, 42, number), rng.random(number) * 3)
    return np.where(role == "child", children, age)


def _ethnic_shares() -> np.ndarray:
    shares = np.array([row[3] for row in ETHNICITIES])
    return shares / shares.sum()


def _ethnicities(imd_quintile: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Row numbers of ETHNICITIES for households; deprived areas are the more mixed ones."""
    drawn = rng.choice(len(ETHNICITIES), size=len(imd_quintile), p=_ethnic_shares())
    stays_british = rng.random(len(imd_quintile)) < np.array([0, 0.0, 0.1, 0.35, 0.5, 0.6])[imd_quintile]
    return np.where(stays_british, 0, drawn)


def _make_twins(people: pd.DataFrame, rng: np.random.Generator) -> None:
    """Some children are born on the day their brother or sister was."""
    role, household = people["role"].to_numpy(), people["household"].to_numpy()
    second = np.flatnonzero((role[1:] == "child") & (role[:-1] == "child") & (household[1:] == household[:-1])) + 1
    second = second[rng.random(len(second)) < 0.05]
    people.loc[second, "born"] = people["born"].to_numpy()[second - 1]
    same_sex = second[rng.random(len(second)) < 0.65]
    people.loc[same_sex, "sex"] = people["sex"].to_numpy()[same_sex - 1]
    people.loc[np.concatenate([second, second - 1]), "kin"] = "twin"


def _name(people: pd.DataFrame, first: np.ndarray, rng: np.random.Generator) -> None:
    """Forenames and surnames; families share a surname, some partners keep theirs, some sons bear their father's."""
    number = len(people)
    household, role, sex = people["household"].to_numpy(), people["role"].to_numpy(), people["sex"].to_numpy()
    born = people["born"].to_numpy().astype("datetime64[Y]").astype(int) + 1970
    own = draw_surnames(people["origin"].to_numpy(), rng)
    of_first = own[first[household]]
    surname = np.where((role == "first") | (role == "sharer"), own, of_first)
    keeps = (role == "partner") & (rng.random(number) < 0.28)
    doubles = keeps & (rng.random(number) < 0.12)
    surname[keeps] = own[keeps]
    surname[doubles] = of_first[doubles] + "-" + own[doubles]
    people["surname"] = surname
    adult_woman = (sex == "F") & (born < 1998) & (role != "child")
    took_name = adult_woman & (((role == "partner") & ~keeps) | ((role == "first") & (rng.random(number) < 0.45)))
    former = np.full(number, None, dtype=object)
    former[took_name] = np.where(
        role[took_name] == "partner", own[took_name], draw_surnames(people["origin"].to_numpy()[took_name], rng)
    )
    people["former_surname"] = former

    forename = draw_forenames(people["origin"].to_numpy(), sex, born, rng)
    same = (household[1:] == household[:-1]) & (forename[1:] == forename[:-1]) & (sex[1:] == sex[:-1])
    for row in np.flatnonzero(same) + 1:  # brothers and sisters do not share a forename
        while forename[row] == forename[row - 1]:
            forename[row] = draw_forenames(people["origin"].to_numpy()[[row]], sex[[row]], born[[row]], rng)[0]
    father = np.full(int(household.max()) + 1, -1)
    grown_men = np.flatnonzero((sex == "M") & ((role == "first") | (role == "partner")))
    father[household[grown_men]] = grown_men
    sons = np.flatnonzero(
        (sex == "M")
        & (role == "child")
        & (father[household] >= 0)
        & (people["kin"] == "")
        & (rng.random(number) < 0.05)
    )
    sons = sons[~pd.Series(household[sons]).duplicated().to_numpy()]
    forename[sons] = forename[father[household[sons]]]
    surname = people["surname"].to_numpy(copy=True)
    surname[sons] = surname[father[household[sons]]]
    people["surname"] = surname
    people["forename"] = forename
    people["middle_name"] = draw_forenames(people["origin"].to_numpy(), sex, born, rng)
    people.loc[np.concatenate([sons, father[household[sons]]]), "kin"] = "father_son"


def change_lives(
    people: pd.DataFrame, addresses: pd.DataFrame, start: np.datetime64, days: int, rng: np.random.Generator
) -> None:
    """Adds what changes during the region's months: up to two moves, a marriage, a move away or a death.

    Columns added: moved_1, address_1, moved_2, address_2, married, married_surname, moved_away, died. Needs
    `life_course` and `truly_cycles`: those who cycle move about 25 % more often, the frail die more.
    """
    number, years = len(people), days / YEAR
    household = people["household"].to_numpy()
    age = ages(people, start)
    unsettled = np.where(people["truly_cycles"], 1.25, 1.0) * np.where(people["homeless"], 3.0, 1.0)
    unsettled *= np.where(age > 70, 0.5, np.where((age > 18) & (age < 32), 1.6, 1.0))

    households = int(household.max()) + 1
    together = (rng.random(households) < 0.05 * years)[household]
    alone = rng.random(number) < 0.06 * years * unsettled
    day = np.where(together & ~alone, rng.integers(0, days, households)[household], rng.integers(0, days, number))
    target = np.where(
        together & ~alone, draw_addresses(households, addresses, rng)[household], draw_addresses(number, addresses, rng)
    )
    people["moved_1"] = np.where(together | alone, start + day.astype("timedelta64[D]"), NO_DATE)
    people["address_1"] = np.where(together | alone, target, people["address"])
    again = (together | alone) & (rng.random(number) < 0.12 * years * unsettled)
    later = start + np.minimum(day + rng.integers(20, 300, number), days).astype("timedelta64[D]")
    people["moved_2"] = np.where(again, later, NO_DATE)
    people["address_2"] = np.where(again, draw_addresses(number, addresses, rng), people["address_1"])

    marries = (
        (people["sex"] == "F")
        & (age > 20)
        & (age < 55)
        & people["former_surname"].isna()
        & (rng.random(number) < 0.03 * years)
    )
    people["married"] = np.where(marries, start + rng.integers(0, days, number).astype("timedelta64[D]"), NO_DATE)
    people["married_surname"] = draw_surnames(people["origin"].to_numpy(), rng)

    hazard = 0.0006 * np.exp(0.085 * np.maximum(age - 40, 0)) * np.where(people["life_course"] == "frailty", 1.8, 1.0)
    dies = rng.random(number) < np.minimum(hazard * years, 0.45)
    leaves = ~dies & (rng.random(number) < 0.015 * years)
    end = start + (days * np.sqrt(rng.random(number))).astype(
        "timedelta64[D]"
    )  # late rather than early: they were known before
    people["died"] = np.where(dies, end, NO_DATE)
    people["moved_away"] = np.where(leaves, end, NO_DATE)
