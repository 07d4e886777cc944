"""The linkage quality page says what the marts say, withholds what is small, stands alone, and a browser shows it."""

import re
import shutil
import subprocess
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from pipelines.board.linkage_page import TRUTHS, render_linkage_page
from pipelines.linkage.quality import How

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FEEDS = [{"feed": "police_incidents", "label": "Police"}, {"feed": "ae_attendances", "label": "A&E"}]
Rows = list[dict]


def measure(name: str, detail: str, value: float, ends: tuple | None = None, how: str = "counted") -> dict:
    low, high = ends or (None, None)
    return {"measure": name, "detail": detail, "value": value, "low": low, "high": high, "unit": "", "how": how}


def group(name: str, grouping: str, value: float, people: int, how: str, measure: str = "pair recall") -> dict:
    return {
        "measure": measure, "detail": "events", "grouping": grouping, "group_name": name, "people": people,
        "trials": people, "value": value, "low": value - 0.02, "high": min(value + 0.01, 1), "how": how,
    }  # fmt: skip


def quality() -> Rows:
    return [
        measure("clients", "all feeds", 11_003), measure("clients", "police_incidents", 4_002),
        measure("clients", "ae_attendances", 7_001), measure("people", "all feeds", 8_004, (7_900, 8_100), "model"),
        measure("completeness", "police_incidents: dob", 0.962), measure("completeness", "ae_attendances: dob", 0.994),
        measure("pair precision", "expected by the model", 0.985, how="model"),
        measure("pair recall", "expected by the model", 0.97, how="model"),
        measure("pair precision", "verified", 0.991, (0.98, 0.996), "NHS numbers"),
        measure("blocking recall", "rules against rules", 0.997, (0.995, 0.999), "capture-recapture"),
        measure("calibration: expected", "0.6 to 0.7", 0.65, how="model"),
        measure("calibration: observed", "0.6 to 0.7", 0.82, (0.7, 0.9), "NHS numbers"),
        measure("calibration: pairs", "0.6 to 0.7", 41, how="NHS numbers"),
        measure("calibration: expected", "0.7 to 0.8", 0.75, how="model"),
        measure("calibration: observed", "0.7 to 0.8", 0.111, (0.0, 0.5), "NHS numbers"),
        measure("calibration: pairs", "0.7 to 0.8", 3, how="NHS numbers"),
        measure("pairs by match weight", "under -10", 900), measure("pairs by match weight", "8 to 10", 100),
        measure("m", "dob: the same", 0.9, how="model"), measure("u", "dob: the same", 0.00005, how="model"),
        measure("people by records", "1", 5_000), measure("people by records", "2", 3_000),
        measure("people by records", "9", 4),
        measure("stability", "records with another person id", 3),
        measure("review queue", "near threshold", 61), measure("review queue", "nhs number clash", 2),
        measure("headline", "people_seen", 8_004, (7_901, 8_102), "linkage scenarios"),
        measure("headline band", "people_seen", 8_004, (8_010.5, 8_120.2), "linkage draws"),
        measure("headline", "ae_stays_24_hours", 6, (6, 6), "linkage scenarios"),
    ]  # fmt: skip


def marts() -> dict[str, Rows]:
    anchor = "cross-feed anchor"
    return {
        "linkage_quality": quality(),
        "linkage_by_group": [
            group("everybody", "everybody", 0.98, 800, anchor),
            group("white", "ethnic group", 0.982, 700, anchor), group("asian", "ethnic group", 0.941, 90, anchor),
            group("mixed", "ethnic group", 0.123, 6, anchor), group("F", "sex", 0.983, 400, anchor),
            group("1", "deprivation quintile", 0.977, 200, anchor),
            group("white", "ethnic group", 0.986, 700, "model", "pair precision"),
            group("ae_attendances and police_incidents", "feed pair", 0.98, 800, anchor),
        ],
        "linkage_anchors": [
            {"anchor": "police brought the patient to A&E", "measure": "pair recall", "feed": "ae_attendances",
             "other_feed": "police_incidents", "trials": 622, "people": 301, "found": 615, "found_share": 0.9887,
             "chance_share": 0.05, "value": 0.9881, "low": 0.97, "high": 0.995, "how": anchor},
        ],
        "linkage_unlinked": [
            {"feed": "ae_attendances", "attribute": "age band", "level": level, "linked_clients": linked,
             "unlinked_clients": unlinked, "linked_share": 0.4, "unlinked_share": 0.3, "difference": difference,
             "low": difference - 0.05, "high": difference + 0.05, "how": "counted"}
            for level, linked, unlinked, difference in (("0-17", 41, 402, -0.91), ("85+", 55, 61, 0.02), ("75-84", 3, 60, 0.444))
        ],
    }  # fmt: skip


@pytest.fixture(scope="module")
def make_page(tmp_path_factory, facts) -> Callable[..., str]:
    def make(tables: dict[str, Rows] | None = None, key: Rows | None = None) -> str:
        folder = tmp_path_factory.mktemp("page")
        with duckdb.connect(str(folder / "analyst.duckdb")) as connection:
            connection.execute("create schema marts")
            for name, rows in (marts() if tables is None else tables).items():
                connection.register("rows", pa.Table.from_pylist(rows))
                connection.execute(f"create table marts.{name} as select * from rows")
                connection.unregister("rows")
        out = folder / "linkage_quality.html"
        render_linkage_page(folder / "analyst.duckdb", out, facts | {"feeds": FEEDS}, key)
        return out.read_text(encoding="utf-8")

    return make


@pytest.fixture(scope="module")
def html(make_page) -> str:
    return make_page()


class Reader(HTMLParser):
    """What a reader sees: all text outside charts, styles and the title."""

    def __init__(self, html: str):
        super().__init__()
        self.words: list[str] = []
        self.hidden = 0
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.hidden += tag in ("svg", "style")

    def handle_endtag(self, tag):
        self.hidden -= tag in ("svg", "style")

    def handle_data(self, data):
        if not self.hidden:
            self.words.append(data)


def text(html: str) -> str:
    return " ".join(" ".join(Reader(html).words).split())


def test_the_brief_says_what_was_joined_and_by_what_the_rest_is_known(html):
    said = text(html)
    assert "11,005 records of the agencies were joined into 8,005 people." in said
    assert "About 98.0% of links are found (by cross-feed anchors, 96.0% to 99.0%)." in said
    assert "About 99.1% of links are right (by NHS numbers, 98.0% to 99.6%)." in said


def test_the_page_says_for_whom_it_is(html):
    assert "For the hub and its analysts, not for publication." in text(html)
    assert "Wexmoor is a fictional region" in text(html)


def test_every_figure_is_read_in_a_sentence_and_has_a_caveat_and_its_table(html):
    figures = re.findall(r'<figure id="figure-\d+">.*?</figure>', html, re.DOTALL)
    assert len(figures) >= 14
    for figure in figures:
        assert re.search(r'<p class="reading">[A-Z0-9].{20,}\.</p>', figure, re.DOTALL), figure[:200]
        assert re.search(r'<p class="caveat">.{20,}</p>', figure, re.DOTALL)
        assert "<table>" in figure
        for chart in re.findall(r"<svg.*?</desc>", figure, re.DOTALL):
            assert 'role="img"' in chart and len(re.search(r"<desc[^>]*>(.*)</desc>", chart)[1]) > 20


def test_small_counts_are_withheld_with_their_row_and_said_to_be(html):
    said = text(html)
    for hidden in ("12.3%", "11.1%", "+0.44", "Mixed", "0.7 to 0.8"):
        assert hidden not in html, hidden
    assert "Ae stays 24 hours withheld withheld withheld –" in said
    assert "9 fewer than 8" in said and "NHS number clash fewer than 8" in said
    assert "fewer than 8 records came under another person id" in said
    assert "1 row is withheld (fewer than 8) and not drawn" in said


def test_other_counts_are_rounded(html):
    said = text(html)
    for exact in ("11,003", "8,004", "7,901", " 622 ", " 301 "):
        assert exact not in said
    assert "People seen 7,900 8,005 8,100 8,010 to 8,120" in said


def test_calibration_says_how_many_tenths_are_off_and_by_how_much(html):
    said = "Of 1 tenths above 0.5, 1 has an interval that leaves the expected share out; the observed share is off by 17 points"
    assert said in text(html)


def test_the_lowest_group_of_those_that_can_be_shown_is_named(html):
    assert "Recall is lowest for ethnic group: Asian: 94.1%" in text(html)


def test_differences_of_linked_records_are_counted_and_the_largest_named(html):
    assert "1 of 2 levels differ by more than 0.1; the most, -0.91, is age band: 0-17 in A&E." in text(html)


def test_every_way_to_the_truth_is_explained_in_the_words_of_the_marts(html):
    assert set(TRUTHS) == {str(how) for how in How}
    used = {row["how"] for rows in marts().values() for row in rows}
    for how in used:
        assert TRUTHS[how] in text(html)


def test_the_answer_key_is_on_the_page_only_where_it_was_handed_in(make_page, html):
    assert "answer key" not in text(html).lower()
    key = "answer key"
    rows = [
        group("everybody", "everybody", 0.981, 9_000, key), group("white", "ethnic group", 0.983, 8_000, key),
        group("black", "ethnic group", 0.944, 300, key),
        group("", "", 0.039, 8_300, key) | {"measure": "pair recall gap", "low": 0.02, "high": 0.051},
        measure("calibration: expected", "0.8 to 0.9", 0.85, how="model") | {"grouping": ""},
        measure("calibration: observed", "0.8 to 0.9", 0.86, (0.8, 0.9), key) | {"grouping": ""},
        measure("calibration: pairs", "0.8 to 0.9", 500, how=key) | {"grouping": ""},
    ]  # fmt: skip
    said = text(make_page(key=rows))
    assert "Recall is lowest for ethnic group: Black: 94.4%" in said
    assert "lie 3.9 points (95 % interval 2.0 to 5.1); at most 5 are wanted" in said
    assert TRUTHS[key] in said


def test_a_release_that_knows_next_to_nothing_still_has_a_page(make_page):
    assert "How the truth was got" in text(make_page(tables={}))
    few = {"linkage_quality": [measure("clients", "police_incidents", 3), measure("people by records", "1", 3)]}
    assert "fewer than 8" in text(make_page(tables=few))


def test_words_are_of_opportunity_and_blame_nobody(html):
    assert not re.search(r"\bfail|\bblame|\bguilty", text(html).lower())


def test_the_page_needs_nothing_from_elsewhere_and_its_ids_are_its_own(html):
    assert "<script" not in html
    assert set(re.findall(r'(?:href|src|xlink:href|action|data)="([^"#][^"]*)"', html)) <= {"data:,"}
    style = html.split("<style>")[1].split("</style>")[0]
    assert "url(" not in style and "@import" not in style
    ids = re.findall(r'\bid="([^"]+)"', html)
    assert len(ids) == len(set(ids))
    for names in re.findall(r'aria-(?:labelledby|describedby)="([^"]+)"', html):
        assert names in ids
    assert re.search(r'<html lang="en-GB">', html) and html.count("<h1>") == 1


def test_text_from_the_data_cannot_become_markup(make_page):
    tables = marts()
    tables["linkage_by_group"].append(group("<script>x</script>", "sex", 0.5, 100, "cross-feed anchor"))
    odd = make_page(tables=tables)
    assert "<script" not in odd and "&lt;script&gt;" in odd.lower()


def test_it_is_accessible_on_every_screen(html, tmp_path, faults):
    page = tmp_path / "linkage_quality.html"
    page.write_text(html, encoding="utf-8")
    assert faults(page) == []


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine: install it to open the page in a browser")
def test_a_browser_shows_the_charts_and_has_nothing_to_complain_of(html, tmp_path):
    page = tmp_path / "linkage_quality.html"
    page.write_text(html, encoding="utf-8")
    result = subprocess.run(
        [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", f"--user-data-dir={Path(tmp_path) / 'profile'}",
         "--enable-logging=stderr", "--v=0", "--dump-dom", page.as_uri()],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert len(re.findall(r'<svg[^>]* role="img"', result.stdout)) >= 16
    assert "CONSOLE" not in result.stderr and "ERR_" not in result.stderr
