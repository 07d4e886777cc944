"""Street-level crime of police.uk: counted by area and month, each crime once, and never with a place of its own."""

import gzip
from pathlib import Path

import duckdb
import pytest

from pipelines import context
from pipelines.cli import main
from pipelines.settings import Settings
from pipelines.warehouse.database import build_all

REAL = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "police"
HEADER = (
    "Crime ID,Month,Reported by,Falls within,Longitude,Latitude,Location,LSOA code,LSOA name,Crime type,"
    "Last outcome category,Context\n"
)


def row(crime_id: str, lsoa: str, kind: str, outcome: str, month: str = "2025-01") -> str:
    return f"{crime_id},{month},Kent Police,Kent Police,0.97,51.25,On or near a road,{lsoa},x,{kind},{outcome},\n"


BURGLARY = row("aa", "E01990001", "Burglary", "Under investigation")
ROWS = "".join(
    [
        BURGLARY,
        row("aa", "E01990001", "Burglary", "Local resolution"),
        row("bb", "", "Drugs", "Local resolution"),
        row("cc", "E01980001", "Drugs", "Local resolution"),
        row("", "E01990001", "Anti-social behaviour", ""),
        row("", "E01990001", "Anti-social behaviour", ""),
    ]
)


@pytest.fixture
def hub(tmp_path, monkeypatch) -> Settings:
    monkeypatch.setenv("UPSTREAM_DATA", str(tmp_path / "data"))
    return Settings()


def street(tmp_path: Path, text: str, name: str = "2025-01-kent-street.csv") -> Path:
    path = tmp_path / name
    path.write_text(text)
    return path


def mart(settings: Settings) -> set[tuple]:
    build_all(settings, target=("marts", "police_uk_crime"))
    with duckdb.connect(str(settings.warehouse_db), read_only=True) as connection:
        return set(
            connection.execute(
                "select month, lsoa, ward is not null, crime_type, last_outcome, crimes, crimes_of_split_areas "
                "from marts.police_uk_crime"
            ).fetchall()
        )


def test_a_crime_told_twice_is_one_crime_and_incidents_without_an_id_are_each_their_own(hub, tmp_path, capsys):
    assert main(["police-uk", str(street(tmp_path, HEADER + ROWS))]) == 0
    assert "5 crimes, 1 of them without an area; 1 rows repeat a crime" in capsys.readouterr().out
    assert mart(hub) == {
        ("2025-01", "E01990001", True, "Burglary", "Local resolution", 1, 0),
        ("2025-01", None, False, "Drugs", "Local resolution", 1, 0),
        ("2025-01", "E01990011", True, "Drugs", "Local resolution", 1, 1),  # its area of 2011 was split
        ("2025-01", "E01990001", True, "Anti-social behaviour", "None recorded", 2, 0),
    }


def test_a_month_that_comes_again_replaces_itself_and_leaves_others(hub, tmp_path):
    first = HEADER + BURGLARY
    main(["police-uk", str(street(tmp_path, first))])
    main(["police-uk", str(street(tmp_path, HEADER + row("dd", "E01990001", "Drugs", "x", "2025-02"), "b-street.csv"))])
    main(["police-uk", str(street(tmp_path, first.replace("Under investigation", "Local resolution")))])
    assert {(month, kind, outcome) for month, _, _, kind, outcome, *_ in mart(hub)} == {
        ("2025-01", "Burglary", "Local resolution"),
        ("2025-02", "Drugs", "x"),
    }


def test_a_gzipped_file_says_the_same(hub, tmp_path):
    path = tmp_path / "2025-01-kent-street.csv.gz"
    path.write_bytes(gzip.compress((HEADER + ROWS).encode()))
    assert main(["police-uk", str(tmp_path)]) == 0
    assert sum(crimes for *_, crimes, _ in mart(hub)) == 5


def test_no_point_and_no_id_is_kept(hub, tmp_path):
    main(["police-uk", str(street(tmp_path, HEADER + ROWS))])
    [path] = context.folder(hub).iterdir()
    with duckdb.connect() as connection:
        columns = [name for name, *_ in connection.execute(f"describe select * from '{path}'").fetchall()]
    assert columns == ["month", "force", "lsoa", "crime_type", "last_outcome", "crimes"]


FAULTY = {
    "another file": ("Month,Crimes\n2025-01,3\n", "no column 'Crime ID'"),
    "a month that is none": (
        HEADER + ROWS.replace("2025-01", "Jan 2025"),
        "line 2: no month such as 2025-01 in 6 rows",
    ),
    "an area that is none": (HEADER + BURGLARY + row("b", "Ashford", "Drugs", "x"), "line 3: no LSOA code"),
    "no type of crime": (HEADER + row("b", "E01990001", "", "x"), "line 2: no crime type"),
    "nothing": (HEADER, "has no rows"),
}


@pytest.mark.parametrize(("text", "says"), FAULTY.values(), ids=FAULTY)
def test_a_faulty_file_gets_one_error_and_leaves_nothing(hub, tmp_path, capsys, text, says):
    assert main(["police-uk", str(street(tmp_path, text))]) == 2
    assert says in capsys.readouterr().err
    assert not list(context.folder(hub).glob("*"))


def test_it_is_no_feed_and_makes_no_contact(hub):
    assert "police_uk_crime" not in hub.feeds


@pytest.mark.skipif(not REAL.is_dir(), reason=f"the published months are not at {REAL}")
def test_twelve_published_months_are_read_and_every_crime_is_counted_once(hub):
    taken = context.take_in_police_uk(hub, [REAL])
    assert len(taken) == 12
    assert sum(month.rows for month in taken) == 180_022
    assert sum(month.repeated for month in taken) == 1
    assert sum(month.without_lsoa for month in taken) == 2_164
