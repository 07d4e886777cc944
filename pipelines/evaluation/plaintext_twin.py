"""The plaintext twin: our own linkage, its blocking, levels, guards and clustering, on values that nobody has hashed.

Used by the linkage benchmark alone: the difference between the twin and linkage on tokens is what pseudonymisation
costs. Names are compared by Jaro-Winkler, dates and postcodes by edits, and each name's own commonness is known.
"""

from dataclasses import replace
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow.csv as pa_csv

from pipelines.linkage import Thresholds, blocking
from pipelines.linkage.comparisons import NICKNAME, SOUND_ALIKE, TOKENS, Representation, any_of
from pipelines.linkage.run import link_versions
from pipelines.linkage.train import learn
from pipelines.pseudonymise import encode, normalise
from pipelines.pseudonymise.records import VERIFIED


def _birth_date(text: str) -> str:
    try:
        return normalise.birth_date(text)
    except ValueError:  # counts as missing, as it does for tokens
        return ""


FIELDS = {
    "forename": ("forename", normalise.name),
    "surname": ("surname", normalise.name),
    "dob": ("date_of_birth", _birth_date),
    "postcode": ("postcode", normalise.postcode),
    "nhs_number": ("nhs_number", normalise.nhs_number),
}
CLOSE, ALIKE = 0.92, 0.80  # Jaro-Winkler
SWAPPED = "forename_l = surname_r and surname_l = forename_r and forename_l <> forename_r"
DAY_MISSING = "length(dob_l) <> length(dob_r) and least(length(dob_l), length(dob_r)) = 6 and dob_l[:6] = dob_r[:6]"
ONLY_A_YEAR = " or ".join(f"length(dob_{side}) = 4 or dob_{side}[5:] = '0101'" for side in "lr")
YEAR_ALONE = f"({ONLY_A_YEAR}) and dob_l[:4] = dob_r[:4]"


def _edits(field: str, most: int) -> str:
    return f"damerau_levenshtein({field}_l, {field}_r) <= {most}"


def _similar(field: str, least: float) -> str:
    return f"jaro_winkler_similarity({field}_l, {field}_r) >= {least}"


def _equal(column: str) -> str:
    return f"{column}_l = {column}_r"


RARE = ("forename", "surname", "dob_token", "postcode_token")

PLAINTEXT = replace(
    TOKENS,
    levels={
        "forename": (
            _equal("forename"),
            any_of(_equal("forename_root"), NICKNAME),
            _similar("forename", CLOSE),
            SWAPPED,
            "least(length(forename_l), length(forename_r)) = 1 and forename_l[:1] = forename_r[:1]",
            any_of(_similar("forename", ALIKE), SOUND_ALIKE["forename"]),
        ),
        "surname": (
            _equal("surname"),
            _similar("surname", CLOSE),
            any_of(_similar("surname", ALIKE), SOUND_ALIKE["surname"]),
        ),
        "dob": (
            _equal("dob_token"),
            _equal("dob_unordered_token"),
            any_of(f"length(dob_l) = length(dob_r) and {_edits('dob', 1)}", DAY_MISSING),
            YEAR_ALONE,
            _edits("dob", 2),
        ),
        "postcode": (_equal("postcode"), _edits("postcode", 1), "postcode_l[:-3] = postcode_r[:-3]"),
        "nhs_number": (_equal("nhs_number_token"),),
    },
    presence={field: field for field in FIELDS},
    comparable=dict.fromkeys(FIELDS, "true") | {"surname": f"not coalesce({SWAPPED}, false)"},
    rarities={column: (column.removesuffix("_token"),) for column in RARE},
    unseen={},
    training_rules={
        "birth date": blocking.rule("dob_token"),
        "names": blocking.rule("forename", "surname"),
        "postcode and forename": blocking.rule("postcode", "forename"),
    },
    deterministic_rules=(
        blocking.rule("dob_token", "forename", "surname"),
        blocking.rule("dob_token", "postcode", "forename"),
    ),
)


def link(people: dict[str, Path], thresholds: Thresholds) -> pd.DataFrame:
    """feed, local_person_id, person_id, linked on plaintext. people: feed -> people.csv."""
    return linked(read(people), PLAINTEXT, thresholds)


def linked(records: pd.DataFrame, representation: Representation, thresholds: Thresholds) -> pd.DataFrame:
    """feed, local_person_id, person_id of a table like `versions`, however its values are represented."""
    con = duckdb.connect()
    con.register("records", records)
    con.execute("create table versions as select * from records order by record_id")
    clusters = link_versions(con, learn(con, representation), thresholds, representation)
    con.close()
    return clusters.rename(columns={"person_ref": "local_person_id", "central": "person_id"})[
        ["feed", "local_person_id", "person_id"]
    ]


def read(people: dict[str, Path]) -> pd.DataFrame:
    """Table `versions` as linkage knows it, its tokens being the plaintext that they would stand for."""
    tables = []
    for number, (feed, path) in enumerate(sorted(people.items())):
        text = pa_csv.ConvertOptions(column_types=dict.fromkeys(_header(path), "string"), strings_can_be_null=False)
        given = pa_csv.read_csv(path, convert_options=text).to_pandas()
        table = pd.DataFrame({"person_ref": given.local_person_id, "feed": feed, "agency": "BENCH", "feed_id": number})
        for field, (column, read) in FIELDS.items():
            table[field] = given[column].map(read) if column in given else ""
        status = given["nhs_number_status"] if "nhs_number_status" in given else pd.Series("", given.index)
        table["nhs_number_verified"] = status.str.lower().isin(VERIFIED.to_pylist()) & (table.nhs_number != "")
        tables.append(table)
    records = pd.concat(tables, ignore_index=True)
    parts = {part: records[field].map(made_from) for part, (field, made_from) in encode.PARTS.items()}
    for token, of in encode.TOKENS.items():
        together = parts[of[0]]
        for part in of[1:]:
            together = together + "|" + parts[part]
        records[f"{token}_token"] = together.where(
            [all(values) for values in zip(*(parts[p] for p in of), strict=True)]
        )
    swapped = parts["forename_sound"] > parts["surname_sound"]
    sorted_sounds = parts["surname_sound"] + "|" + parts["forename_sound"]
    records["sound_names_token"] = records.sound_names_token.where(
        ~swapped | records.sound_names_token.isna(), sorted_sounds
    )
    numbers = records.nhs_number.where(records.nhs_number != "")
    records["nhs_number_token"] = pd.to_numeric(numbers).astype("Int64")
    for field in FIELDS:
        records[field] = records[field].where(records[field] != "")
    records["forename_root"] = parts["forename_root"].where(parts["forename_root"] != "")
    ids = range(len(records))
    return records.assign(record_id=ids, client_id=ids, is_latest=True, first_period="", last_period="")


def _header(path: Path) -> list[str]:
    with open(path, encoding="utf-8-sig") as file:
        return [name.strip('"') for name in file.readline().rstrip("\r\n").split(",")]
