"""A feed is added by its contract, its suite, its mapping and its code lists, as docs/add_a_feed.md says, and by nothing else."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.pseudonymise.keys import write_new_key
from pipelines.settings import PROJECT

FILES = {
    "pipelines/pseudonymise/feeds/meals.csv": """\
column,type,required,code_list,meaning
local_person_id,person,true,,The kitchen's own number for the guest; leaves as person_ref
meal_ref,reference,true,,The meal; leaves as a keyed hash
served_on,date,true,,Day of the meal
dish,code,true,meals_dish,What was served
remarks,codes,false,meals_remark,What the volunteers noticed
kitchen,code,false,team,Kitchen
""",
    "expectations/feeds/meals.json": """\
{"name": "meals", "expectations": [{
    "type": "expect_column_values_to_be_in_set",
    "kwargs": {"column": "served_in_period", "value_set": [true]},
    "meta": {
        "rule": "served_in_period", "severity": "critical", "refuses": "row", "kahn": "conformance",
        "reason": "The meal was served in another month.", "column": "served_on",
        "sql": "served_on >= period_start and served_on < period_end"
    }
}]}
""",
    "sql/staging/meals.sql": """\
-- One row per accepted meal, in the shape of a contact.
-- Key: agency, period, row_number
with needs as (
    select meal.agency, meal.period, meal.row_number, arg_min(needs.need, needs.priority) as need
    from accepted.meals as meal, unnest(code_items(meal.remarks)) as remark (code)
    inner join reference.codes as known
        on known.code_list = 'meals_remark' and known.code_key = code_key(remark.code)
        and meal.served_on >= known.applies_from and meal.served_on < known.applies_before
    inner join reference.needs as needs on known.need = needs.need
    group by all
)

select
    contact_key(agency, feed, meal_ref) as contact_id, -- Surrogate of the meal
    agency, -- Agency
    feed, -- Kind of extract
    period, -- Delivery month as YYYY-MM
    row_number, -- Row in the delivered file
    person_ref, -- The kitchen's pseudonym for the guest
    kitchen as team, -- Kitchen
    'meal' as kind, -- Kind of contact
    coalesce(needs.need, 'unknown') as need, -- Need of highest priority among the remarks
    served_on::timestamp as started_at, -- Day of the meal
    null::timestamp as ended_at, -- Not known
    false as time_known, -- Whether the time of day is known
    null::varchar as lsoa, -- Not known
    null::integer as lsoa_vintage, -- Not known
    false as crisis, -- A meal is no crisis
    'met' as outcome_group, -- Help was given
    'self' as raised_by, -- The guest came
    null::integer as staff_minutes, -- Not known
    null::varchar as left_out -- Every meal is a contact
from accepted.meals
left join needs using (agency, period, row_number)
""",
    "data/reference/codes/meals_dish.csv": """\
code,label,valid_from,valid_to,status,source
Soup,Soup,2020-01-01,,local,The kitchen
""",
    "data/reference/codes/meals_remark.csv": """\
code,label,need,valid_from,valid_to,status,source
came alone,Came alone,social_isolation,2020-01-01,,local,The kitchen
limped,Limped,,2020-01-01,,local,The kitchen
""",
}
MEALS = """\
local_person_id,meal_ref,served_on,dish,remarks,kitchen
1,m1,2024-03-05,soup,CAME ALONE; limped,Hall
2,m2,2024-03-05,Soup,sang,Hall
2,m3,2024-04-05,Soup,,Hall
2,m4,2024-03-06,Stones,,Hall
"""
PEOPLE = """\
local_person_id,forename,surname,date_of_birth
1,Ada,Archer,1950-01-31
2,Ben,Barker,1961-02-28
"""
FLOW = """
import json, sys
from pathlib import Path
import duckdb
from pipelines.definitions import defs
from pipelines.ingest.accept import ingest_month
from pipelines.settings import Settings
from pipelines.warehouse.database import build_all

settings = Settings(data=Path(sys.argv[1]))
month = ingest_month(settings, "meals", "2024-03")
settings.linkage.mkdir(parents=True, exist_ok=True)
people = settings.linkage / "people" / "meals" / "2024-03.parquet"
duckdb.sql(f'''copy (
    select agency, feed, person_ref, person_ref as person_id, person_ref as person_id_low, person_ref as person_id_high,
        0.0 as match_weight, 1.0 as match_probability, 1 as records, false as in_review from '{people}'
) to '{settings.linkage}/person_index.parquet' ''')
build_all(settings)
with duckdb.connect(str(settings.warehouse_db), read_only=True) as connection:
    print(json.dumps({
        "assets": ["/".join(key.path) for key in defs.resolve_all_asset_keys() if "meals" in key.path],
        "refusals": month.refusals,
        "refused": [row["rule"] for row in month.refused],
        "contacts": connection.execute("select agency, feed, kind, need from staging.contacts order by need").fetchall(),
        "codes": connection.execute(
            "select code, state, codes from marts.codes_seen where feed = 'meals' and column_name = 'remarks' order by state"
        ).fetchall(),
        "accepted": connection.execute(
            "select rows from marts.data_quality where feed = 'meals' and measure = 'accepted' and detail = 'activity'"
        ).fetchall(),
    }))
"""


@pytest.fixture(scope="module")
def flow(tmp_path_factory) -> dict:
    """What became of a delivery of a feed that only a copy of the project has."""
    folder = tmp_path_factory.mktemp("meals")
    project = folder / "project"
    for part in ("pipelines", "sql", "expectations", "data/reference"):
        shutil.copytree(PROJECT / part, project / part, ignore=shutil.ignore_patterns("__pycache__"))
    for name, text in FILES.items():
        assert not (project / name).exists()
        (project / name).write_text(text)
    feeds = project / "data" / "reference" / "feeds.csv"
    columns = len(feeds.read_text().splitlines()[0].split(","))
    feeds.write_text(feeds.read_text() + ",".join(["meals", "Meals", "charity", "false"][:columns]) + "\n")
    (folder / "people.csv").write_text(PEOPLE)
    (folder / "meals.csv").write_text(MEALS)
    write_new_key(folder / "key")
    run(
        project, "-m", "pipelines.cli", "pseudonymise", "meals", "--agency", "KITCHEN", "--period", "2024-03",
        "--people", folder / "people.csv", "--activity", folder / "meals.csv", "--key-file", folder / "key",
        "--out", folder / "data" / "landing",
    )  # fmt: skip
    return json.loads(run(project, "-c", FLOW, folder / "data").splitlines()[-1])


def run(project: Path, *arguments) -> str:
    command = [sys.executable, *map(str, arguments)]
    environment = {"PYTHONPATH": str(project)}
    done = subprocess.run(command, check=False, cwd=project, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_it_is_in_the_graph(flow) -> None:
    assert sorted(flow["assets"]) == ["accepted/meals", "staging/meals"]


def test_its_rows_are_judged_by_its_suite_and_by_that_of_every_feed(flow) -> None:
    assert flow["refusals"] == []
    assert sorted(flow["refused"]) == ["required_code_not_in_list", "served_in_period"]
    assert flow["accepted"] == [[2]]


def test_its_rows_are_contacts_with_a_need(flow) -> None:
    assert flow["contacts"] == [
        ["KITCHEN", "meals", "meal", "social_isolation"],
        ["KITCHEN", "meals", "meal", "unknown"],
    ]


def test_its_codes_are_mapped_or_listed_as_unmapped(flow) -> None:
    assert flow["codes"] == [["came alone", "mapped", 1], [None, "not in the list", 1], ["limped", "not mapped", 1]]
