"""Published lookups become the region's areas; old LSOA codes are brought to those of 2021, and the rest is counted."""

import csv
import gzip
import json
import math
from pathlib import Path

import duckdb
import pytest

from pipelines.cli import main
from pipelines.settings import Settings
from pipelines.warehouse.database import load_reference, open_warehouse

REAL = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "geo"

# Old 1 stays, old 2 is split in two, old 3 and 4 become one, old 5 changes otherwise.
CHANGES = """lsoa11_code,change_code,lsoa21_code,lsoa21_name,lsoa11_name
E01000001,U,E01000001,a,a
E01000002,S,E01000012,b1,b
E01000002,S,E01000011,b2,b
E01000003,M,E01000013,c,c1
E01000004,M,E01000013,c,c2
E01000005,X,E01000014,d,d
E01000009,U,E01000009,far,far
"""
WARDS = """lsoa21_name,lsoa21_code,ward24_name,ward24_code,ltla24_name,ltla24_code
a,E01000001,North,E05000001,Here,E07000001
b1,E01000012,North,E05000001,Here,E07000001
b2,E01000011,South,E05000002,Here,E07000001
c,E01000013,South,E05000002,Here,E07000001
d,E01000014,South,E05000002,Here,E07000001
far,E01000009,Far,E05000009,There,E07000009
"""
IMD_2025 = "lsoa21_code,IMD_decile,IMD_rank\n" + "".join(
    f"E0100{number:04d},{decile}.0,1\n" for number, decile in ((1, 1), (11, 2), (12, 3), (13, 9), (14, 10), (9, 5))
)
IMD_2019 = "lsoa11_code,IMD_decile\nE01000001,4\nE01000002,6\nE01000003,7\nE01000004,10\nE01000005,1\nE01000009,5\n"
POLICE = "ltla24_code,ltla24_name,csp24_code,csp24_name,pfa24_code,pfa24_name\nE07000001,Here,E22,x,E23,Hereshire\n"
FILES = {"any.csv": CHANGES, "name.csv": WARDS, "will.csv": IMD_2025, "do.csv": IMD_2019, "here.csv": POLICE}


@pytest.fixture
def hub(tmp_path, monkeypatch) -> Settings:
    monkeypatch.setenv("UPSTREAM_DATA", str(tmp_path / "data"))
    folder = tmp_path / "published"
    folder.mkdir()
    for name, text in FILES.items():
        (folder / name).write_text(text)
    return Settings()


def take_in(tmp_path: Path, *options: str) -> int:
    return main(["geography", str(tmp_path / "published"), *options])


def own(hub: Settings, table: str) -> list[dict[str, str]]:
    with open(hub.state / "reference" / f"{table}.csv", newline="") as file:
        return list(csv.DictReader(file))


def test_areas_have_ward_district_and_quintiles_of_both_indices(hub, tmp_path):
    assert take_in(tmp_path, "--district", "here") == 0
    areas = {row["lsoa"]: row for row in own(hub, "areas")}
    assert set(areas) == {"E01000001", "E01000011", "E01000012", "E01000013", "E01000014"}
    assert areas["E01000012"] == {
        "lsoa": "E01000012",
        "lsoa_vintage": "2021",
        "ward": "E05000001",
        "ward_name": "North",
        "district": "E07000001",
        "district_name": "Here",
        "imd_quintile": "2",
        "imd_2019_quintile": "3",
        "residents": "",
    }
    assert {code: row["imd_quintile"] for code, row in areas.items()} == {
        "E01000001": "1",
        "E01000011": "1",
        "E01000012": "2",
        "E01000013": "5",
        "E01000014": "5",
    }
    assert areas["E01000013"]["imd_2019_quintile"] == "4"  # of two that were merged the more deprived


def test_every_old_code_has_one_successor_and_splits_and_merges_are_told(hub, tmp_path, capsys):
    assert take_in(tmp_path, "--police-area", "Hereshire") == 0
    changes = own(hub, "lsoa_changes")
    best = {row["lsoa_2011"]: row["lsoa_2021"] for row in changes if row["best_fit"] == "true"}
    assert best == {
        "E01000001": "E01000001",
        "E01000002": "E01000011",
        "E01000003": "E01000013",
        "E01000004": "E01000013",
        "E01000005": "E01000014",
        "E01000009": "E01000009",
    }
    assert len(changes) == 7
    assert "1 LSOAs were split, 2 merged, 1 changed otherwise" in capsys.readouterr().out


def test_agencies_get_a_quintile_for_new_codes_and_for_old_ones(hub, tmp_path):
    take_in(tmp_path, "--district", "E07000001")
    assert {row["lsoa"]: row["imd_quintile"] for row in own(hub, "areas_for_agencies")} == {
        "E01000001": "1",
        "E01000002": "1",
        "E01000003": "5",
        "E01000004": "5",
        "E01000005": "5",
        "E01000011": "1",
        "E01000012": "2",
        "E01000013": "5",
        "E01000014": "5",
    }


def test_the_installation_s_own_tables_stand_in_for_the_project_s(hub, tmp_path):
    with open_warehouse(hub) as connection:
        fictional = load_reference(connection, hub, "areas")
        take_in(tmp_path)
        assert load_reference(connection, hub, "areas") == 6 != fictional
        assert load_reference(connection, hub, "lsoa_changes") == 7
        assert connection.execute("select count(*) from reference.areas where imd_quintile is null").fetchall() == [
            (0,)
        ]


def test_gzipped_files_and_other_names_of_columns_are_read(hub, tmp_path):
    folder = tmp_path / "published"
    (folder / "any.csv").unlink()
    text = (
        CHANGES.replace("lsoa11_code", "LSOA11CD").replace("lsoa21_code", "LSOA21CD").replace("change_code", "CHGIND")
    )
    (folder / "any.csv.gz").write_bytes(gzip.compress(text.encode()))
    (folder / "will.csv").write_text(
        IMD_2025.replace("lsoa21_code", "LSOA code (2021)").replace(
            "IMD_decile", "Index of Multiple Deprivation (IMD) Decile (where 1 is most deprived 10% of LSOAs)"
        )
    )
    assert take_in(tmp_path) == 0
    assert len(own(hub, "areas")) == 6


FAULTY = {
    "no lookup": ({"any.csv": ""}, "No file has changes of LSOAs from 2011 to 2021"),
    "no deprivation": ({"will.csv": "", "do.csv": ""}, "No file has deprivation 2025 or deprivation 2019"),
    "two lookups": ({"again.csv": CHANGES}, "are both changes of LSOAs"),
    "a code that is none": ({"name.csv": WARDS.replace("E01000012", "Harrow 1")}, "name.csv: 1 rows have no LSOA code"),
    "a decile of eleven": ({"will.csv": IMD_2025.replace("10.0", "11.0")}, "will.csv: 1 rows have no decile"),
    "an exact lookup of wards": (
        {"name.csv": WARDS + "a,E01000001,South,E05000002,Here,E07000001\n"},
        "1 LSOAs are in more than one ward",
    ),
    "lookups of two countries": (
        {"any.csv": CHANGES.replace("E01000013", "E01000077")},
        "1 LSOAs have a ward and are not in the lookup",
    ),
}


@pytest.mark.parametrize(("files", "says"), FAULTY.values(), ids=FAULTY)
def test_files_that_do_not_fit_get_one_error_and_change_nothing(hub, tmp_path, capsys, files, says):
    for name, text in files.items():
        (tmp_path / "published" / name).write_text(text or "nothing\n1\n")
    assert take_in(tmp_path) == 2
    assert says in capsys.readouterr().err
    assert not (hub.state / "reference").exists()


def test_a_district_or_police_area_that_is_not_there_is_named(hub, tmp_path, capsys):
    assert take_in(tmp_path, "--district", "Nowhere") == 2
    assert "no district 'Nowhere'" in capsys.readouterr().err
    assert take_in(tmp_path, "--police-area", "Thereshire") == 2
    assert "no police area 'Thereshire'" in capsys.readouterr().err


def test_the_demo_s_region_is_not_mixed_with_real_places(hub, tmp_path, capsys):
    hub.data.mkdir(parents=True)
    hub.fictional.write_text("")
    assert take_in(tmp_path) == 2
    assert "fictional region" in capsys.readouterr().err


@pytest.mark.skipif(not REAL.is_dir(), reason=f"the published lookups are not at {REAL}")
def test_the_published_lookups_are_read_as_they_are(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("UPSTREAM_DATA", str(tmp_path / "data"))
    assert main(["geography", str(REAL), str(REAL / "ward"), "--police-area", "Kent"]) == 0
    assert "279 of the wards have a boundary" in capsys.readouterr().out
    settings = Settings()
    with duckdb.connect() as connection:
        found = connection.execute(
            "select count(*), count(distinct ward), count(distinct district), count(imd_quintile), "
            f"count(imd_2019_quintile) from '{settings.state / 'reference' / 'areas.csv'}'"
        ).fetchall()
    assert found == [(1107, 279, 13, 1107, 1107)]


def boundaries(*wards: tuple[str, list]) -> str:
    features = [
        {"type": "Feature", "properties": {"FID": 1, "WD24CD": code, "WD24NM": "x"},
         "geometry": {"type": "Polygon", "coordinates": [ring]}}
        for code, ring in wards
    ]  # fmt: skip
    return json.dumps({"type": "FeatureCollection", "features": features})


def test_ward_boundaries_become_outlines_that_share_their_corners(hub, tmp_path, capsys):
    north = [[1.0, 51.5], [1.2, 51.5], [1.2, 51.4], [1.1, 51.40001], [1.0, 51.4], [1.0, 51.5]]
    south = [[1.0, 51.4], [1.1, 51.40002], [1.2, 51.4], [1.2, 51.3], [1.0, 51.3], [1.0, 51.4]]
    far = [[9.0, 1.0], [9.1, 1.0], [9.1, 1.1], [9.0, 1.0]]
    text = boundaries(("E05000001", north), ("E05000002", south), ("E05000009", far))
    (tmp_path / "published" / "wards.geojson").write_text(text)
    assert take_in(tmp_path, "--police-area", "Hereshire") == 0
    assert "2 of the wards have a boundary" in capsys.readouterr().out
    shapes = {row["ward"]: row["outline"] for row in own(hub, "ward_shapes")}
    assert list(shapes) == ["E05000001", "E05000002"]
    corners = [set(outline.split()) for outline in shapes.values()]
    assert len(corners[0] & corners[1]) == 3  # where they touch
    assert {corner.split(",")[0] for corner in corners[0]} == {"0", "300", "600"}
    assert min(int(corner.split(",")[1]) for corner in corners[0]) == 0  # north is up


def test_boundaries_in_metres_are_told_and_nothing_is_written(hub, tmp_path, capsys):
    ring = [[619295, 167858], [619395, 167858], [619295, 167958], [619295, 167858]]
    (tmp_path / "published" / "wards.geojson").write_text(boundaries(("E05000001", ring)))
    assert take_in(tmp_path) != 0
    assert "wards.geojson is in metres. Download it as GeoJSON in degrees" in capsys.readouterr().err
    assert not (hub.state / "reference").exists()


def test_a_file_that_has_no_wards_is_told(hub, tmp_path, capsys):
    (tmp_path / "published" / "wards.geojson").write_text('{"features": [{"properties": {"name": "x"}}]}')
    assert take_in(tmp_path) != 0
    assert "wards.geojson has no ward boundaries" in capsys.readouterr().err


def test_every_ward_of_the_fictional_region_has_a_tile_and_no_two_overlap():
    def table(name: str) -> list[dict[str, str]]:
        with Settings().reference_csv(name).open(newline="") as file:
            return list(csv.DictReader(file))

    tiles = {row["ward"]: row["outline"] for row in table("ward_shapes")}
    assert set(tiles) == {row["ward"] for row in table("areas")}
    middles = [
        [sum(int(point.split(",")[axis]) for point in outline.split()) / 6 for axis in (0, 1)]
        for outline in tiles.values()
    ]
    for place, one in enumerate(middles):
        assert all(math.dist(one, other) > 98 for other in middles[:place])  # a tile is 100 wide
