"""Tokens and activity apart; no plaintext at the hub; a release carries the hub's surrogates and nothing of agencies."""

import csv
import json
import re
import shutil
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from pipelines.evaluation.leaks import leaks, words_of
from pipelines.linkage.comparisons import FIELDS
from pipelines.pseudonymise.encode import identity_columns

OF_DELIVERIES = ("refused_rows", "quality_results")  # what an agency is told about its delivery; nobody's id is in them
SLOT = {"agency", "feed", "period", "delivery_id", "person_ref"}


def rows(path: Path) -> list[dict]:
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def plaintext(region) -> set[str]:
    """Names and NHS numbers of the region, without words that the project itself uses for other things."""
    people = [row for path in region.agencies.glob("*/*/*/people.csv") for row in rows(path)]
    written = " ".join(row[column] for row in people for column in ("forename", "surname", "nhs_number")).lower()
    project = region.settings.project
    own = " ".join(
        path.read_text(encoding="utf-8").lower()
        for folder in ("pipelines", "sql", "expectations", "data/reference")
        for path in (project / folder).rglob("*")
        if path.suffix in (".py", ".sql", ".json", ".csv", ".html", ".css") and "synthetic" not in path.parts
    )
    return set(words_of(written)) - set(re.findall(r"[^\W\d_]+", own))


@pytest.fixture(scope="module")
def delivered(region) -> dict[str, set]:
    """Every person_ref, token and source reference of every delivery."""
    values: dict[str, set] = {"refs": set(), "tokens": set()}
    for path in region.settings.landing.rglob("people.parquet"):
        table = pq.read_table(path)
        values["refs"] |= set(table.column("person_ref").to_pylist())
        for name in table.column_names:
            if name.endswith(("_token", "_sig")):
                values["tokens"] |= set(table.column(name).drop_null().to_pylist())
    for path in region.settings.landing.rglob("activity.parquet"):
        table = pq.read_table(path)
        for name in ("EC_Ident", "Event_Reference_Number", "incident_ref"):
            if name in table.column_names:
                values["refs"] |= set(table.column(name).drop_null().to_pylist())
    return values


def test_no_name_and_no_nhs_number_is_anywhere_at_the_hub(region, plaintext):
    assert len(plaintext) > 500
    assert leaks(region.settings.data, plaintext) == set()


PLANTS = ["parquet", "blob", "duckdb", "log", "accented log", "json", "spaced number"]


@pytest.mark.parametrize("kind", PLANTS)
def test_a_planted_leak_is_found(tmp_path, kind):
    word = {"accented log": "josépha", "json": "renée", "spaced number": "9991234567"}.get(kind, "ashdown")
    if kind in ("parquet", "blob"):
        value = f"'x {word.title()}'" + ("::blob" if kind == "blob" else "")
        duckdb.execute(f"copy (select {value} as harmless) to '{tmp_path / 'x.parquet'}'")
    elif kind == "duckdb":
        with duckdb.connect(str(tmp_path / "x.duckdb")) as connection:
            connection.execute(f"create schema s; create table s.t as select ['{word.upper()}'] as harmless")
    elif kind == "json":
        (tmp_path / "x.json").write_text(json.dumps({"note": [f"about {word}"]}))
    elif kind == "spaced number":
        (tmp_path / "x.html").write_text(f"<p>number {word[:3]} {word[3:6]} {word[6:]}</p>")
    else:
        (tmp_path / "x.log").write_text(f"could not parse '{word}' in row 7", encoding="utf-8")
    assert {found for _, found in leaks(tmp_path, {word})} == {word}


def test_linkage_storage_holds_tokens_and_nothing_else(region):
    pair = {f"{name}_{side}" for name in ("agency", "feed", "person_ref") for side in "lr"}
    pair |= {f"gamma_{field}" for field in FIELDS} | {"match_weight", "match_probability", "evidence"}
    remembered = {
        "agency",
        "feed",
        "person_ref",
        "low",
        "central",
        "high",
        "nhs_number_verified",
        "fingerprint",
        "rule",
    }
    remembered |= {"record_id", "client_id", "feed_id", "first_period", "last_period", "is_latest", "across"}
    remembered |= {f"{name}_{side}" for name in ("record_id", "client_id") for side in "lr"} | pair | {"number_alone"}
    allowed = {
        "people": SLOT | set(identity_columns()),
        "person_index.parquet": (SLOT - {"period", "delivery_id"})
        | {"person_id", "person_id_low", "person_id_high", "match_weight", "match_probability", "records", "in_review"},
        "memory": remembered,
        "client_pairs.parquet": pair | {"number_alone"},
        "review_queue.parquet": pair | {"item", "reason", "person_id", "other_person_id"},
        "person_draws.parquet": {"draw", "agency", "feed", "person_ref", "person_key"},
        "quality.parquet": {"measure", "detail", "value", "low", "high", "unit", "how"},
    }
    files = list(region.settings.linkage.rglob("*.parquet"))
    assert len(files) > 3
    for path in files:
        part = path.relative_to(region.settings.linkage).parts[0]
        columns = set(pq.read_schema(path).names)
        if part == "memory":  # tokens taken apart into words
            columns = {name for name in columns if not re.search(r"(_token|_anchor|_present|_w[0-3])$", name)}
        assert columns <= allowed[part], path


def test_no_token_of_people_is_on_the_side_of_activity(region):
    for path in region.settings.accepted.rglob("*.parquet"):
        assert not {name for name in pq.read_schema(path).names if name.endswith(("_token", "_sig"))}, path


def test_a_release_holds_no_token_no_person_ref_and_no_reference_of_an_agency(region, delivered):
    current = region.settings.releases / "current"
    tokens = {str(token) for token in delivered["tokens"]}
    searched = 0
    for path in [*current.rglob("*.parquet"), *current.rglob("*.duckdb")]:
        for table, name, values in columns(path):
            searched += 1
            assert name != "person_ref", path
            assert name != "delivery_id" or table in OF_DELIVERIES, (path, table)
            assert not values & delivered["refs"], (path, name)
            assert not {str(value) for value in values} & tokens, (path, name)
    assert searched > 100
    for path in (current / "board_pack.html", current / "linkage_quality.html", current / "manifest.json"):
        assert not set(re.findall(r"\b[0-9a-f]{32}\b", path.read_text())) & delivered["refs"]


def test_a_person_ref_planted_in_a_release_would_be_found(region, delivered, tmp_path):
    ref = min(delivered["refs"])
    duckdb.execute(f"copy (select '{ref}' as contact_id) to '{tmp_path / 'x.parquet'}'")
    ((_, _, values),) = columns(tmp_path / "x.parquet")
    assert values & delivered["refs"]


def columns(path: Path) -> list[tuple[str, str, set]]:
    """Of every table in a file its name, and each column's name and distinct values."""
    if path.suffix == ".parquet":
        table = pq.read_table(path)
        return [(path.stem, name, set(table.column(name).unique().to_pylist())) for name in table.column_names]
    found = []
    with duckdb.connect(str(path), read_only=True) as connection:
        for schema, table in connection.execute("select schema_name, table_name from duckdb_tables()").fetchall():
            for name, *_ in connection.execute(f'describe "{schema}"."{table}"').fetchall():
                values = connection.execute(f'select distinct "{name}" from "{schema}"."{table}"').fetchall()
                found.append((table, name, {value for (value,) in values if value is not None}))
    return found


def test_linkage_refuses_a_column_that_it_does_not_know(region, tmp_path):
    hub = region.copy(tmp_path / "data", "landing", "state", "warehouse")
    path = next((hub.settings.linkage / "people").rglob("*.parquet"))
    duckdb.execute(f"copy (select *, 'F' as sex from '{path}') to '{path}.new' (format parquet)")
    shutil.move(f"{path}.new", path)
    from pipelines.linkage import link

    with pytest.raises(Exception, match="sex"):
        link(hub.settings)
