"""Pages in a browser: axe-core finds nothing, nothing is lost on a telephone, enlarged, on paper or by keyboard alone.

axe-core finds what a machine can find of WCAG 2.2 AA; whether words are understood, readers tell (test_words.py). The pages
on linkage and data quality have the same test beside their own.
"""

from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from pipelines.board.dictionary_page import render_dictionary_page
from pipelines.board.pack import render_pack

A4_BETWEEN_MARGINS = 680  # CSS pixels of 180 mm
STOPS = """
() => [...document.querySelectorAll('a[href], summary, [tabindex="0"]')].filter(each => each.checkVisibility()).length
"""
STOP = """
() => {
    const at = document.activeElement, box = at.getBoundingClientRect(), style = getComputedStyle(at)
    return {
        page: at === document.body, text: at.textContent.slice(0, 40), tag: at.tagName,
        ringed: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2,
        seen: box.width > 0 && box.bottom > 0 && box.top < innerHeight && box.right > 0,
    }
}
"""


@pytest.fixture(scope="module")
def pack(board, facts, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("accessible") / "board_pack.html"
    render_pack(board, path, facts)
    return path


@pytest.fixture(scope="module")
def dictionary(facts, tmp_path_factory) -> Path:
    """A dictionary of two tables that join, one of whose columns is deprecated."""
    folder = tmp_path_factory.mktemp("dictionary")
    columns = [
        {
            "table_name": table, "position": place, "column_name": column, "data_type": "VARCHAR", "meaning": f"The {column}",
            "key_position": 1 if place == 1 else None, "joins_table": joins, "deprecated_in": gone,
            "use_instead": gone and "person_id",
        }
        for table, place, column, joins, gone in (
            ("people", 1, "person_id", None, None), ("contacts", 1, "contact_id", None, None),
            ("contacts", 2, "person_id", "people", None), ("contacts", 3, "a_name_that_is_rather_long_and_old", None, "2026-01"),
        )
    ]  # fmt: skip
    lineage = [
        {"schema_name": "marts", "table_name": "contacts", "column_name": "person_id", "from_schema": "accepted",
         "from_table": f"clients_{number}", "from_column": "ref"}
        for number in range(15)
    ]  # fmt: skip
    with duckdb.connect(str(folder / "analyst.duckdb")) as connection:
        connection.execute("create schema marts")
        for name, rows in (("dictionary", columns), ("column_lineage", lineage)):
            connection.register("rows", pa.Table.from_pylist(rows))
            connection.execute(f"create table marts.{name} as from rows")
            connection.unregister("rows")
        for name in ("people", "contacts"):
            connection.execute(f"create table marts.{name} (person_id varchar)")
            connection.execute(f"comment on table marts.{name} is 'One row for each of the {name}.'")
    render_dictionary_page(folder / "analyst.duckdb", folder / "data_dictionary.html", facts)
    return folder / "data_dictionary.html"


def test_the_pack_is_accessible_on_every_screen(pack, faults):
    assert faults(pack) == []


def test_the_dictionary_is_accessible_on_every_screen(dictionary, faults):
    assert faults(dictionary) == []


def test_a_page_without_alternatives_is_found(tmp_path, faults):
    page = tmp_path / "bad.html"
    page.write_text(
        '<!DOCTYPE html><html><body><img src="data:,"><p style="color:#ccc;width:2000px">Pale</p></body></html>'
    )
    found = " ".join(faults(page))
    assert all(fault in found for fault in ("image-alt", "color-contrast", "html-has-lang", "pixels wider"))


def test_by_keyboard_alone_everything_is_reached_in_order_and_seen(pack, chromium):
    page = chromium.new_page(viewport={"width": 1280, "height": 900})
    page.goto(pack.as_uri())
    expected = page.evaluate(STOPS)
    page.keyboard.press("Tab")
    first = page.evaluate(STOP)
    assert first["text"] == "Skip to the content" and first["seen"]
    stops = [first]
    while len(stops) < expected + 5:
        page.keyboard.press("Tab")
        stop = page.evaluate(STOP)
        if stop["page"]:
            break
        stops.append(stop)
    assert len(stops) == expected
    assert [stop for stop in stops if not (stop["ringed"] and stop["seen"])] == []
    page.close()


def test_the_table_behind_a_figure_opens_by_keyboard_and_can_be_scrolled(pack, chromium):
    page = chromium.new_page(viewport={"width": 1280, "height": 900})
    page.goto(pack.as_uri())
    page.locator("figure summary").first.focus()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.parentElement.open")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('role')") == "region"
    assert page.evaluate("document.activeElement.getAttribute('aria-label').length") > 3
    page.close()


def test_the_skip_link_leads_past_the_header(pack, chromium):
    page = chromium.new_page()
    page.goto(pack.as_uri())
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.url.endswith("#main")
    page.close()


def test_on_paper_nothing_is_cut_off_and_colours_are_those_of_paper(pack, chromium):
    page = chromium.new_page(viewport={"width": A4_BETWEEN_MARGINS, "height": 980}, color_scheme="dark")
    page.goto(pack.as_uri())
    page.emulate_media(media="print", color_scheme="dark")
    page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    wider = page.evaluate(
        "[...document.querySelectorAll('figure, table, .scroll, .chart')].filter(each => each.checkVisibility() && "
        "each.getBoundingClientRect().right > innerWidth + 1).map(each => each.outerHTML.slice(0, 150))"
    )
    assert wider == []
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    page.close()


def test_a_page_is_one_small_file_that_asks_for_nothing(pack, dictionary, chromium):
    for path in (pack, dictionary):
        asked = []
        page = chromium.new_page()
        page.on("request", lambda request, asked=asked: asked.append(request.url))
        page.goto(path.as_uri())
        page.wait_for_load_state("networkidle")
        assert [url for url in asked if url not in (path.as_uri(), "data:,")] == []
        assert path.stat().st_size < 3_000_000
        page.close()


@pytest.mark.parametrize("width", [320, 1280])
def test_one_drawing_of_each_chart_is_shown(pack, chromium, width):
    page = chromium.new_page(viewport={"width": width, "height": 900})
    page.goto(pack.as_uri())
    drawings = page.evaluate("[...document.querySelectorAll('svg.chart')].map(each => each.checkVisibility())")
    assert drawings and sum(drawings) == len(drawings) / 2
    page.close()
