"""The linkage quality page: one self-contained HTML page for the hub and its analysts, made from a release's marts.

It holds no token, no agency's reference and no person id. What does not belong here: what the figures say and what is
withheld of them (linkage_figures.py), drawing (linkage_charts.py), measuring (pipelines/linkage/quality.py and
sql/marts/linkage_*.sql), and the answer key, whose figures are handed in for fictional people alone.
"""

from pathlib import Path

import duckdb

from pipelines.board import words
from pipelines.board.drawing import Row
from pipelines.board.linkage_figures import TRUTHS, Disclosure, Page
from pipelines.board.page import render_page
from pipelines.publish.content import open_released

MARTS = ("linkage_quality", "linkage_by_group", "linkage_anchors", "linkage_unlinked")


def render_linkage_page(analyst: Path, out: Path, facts: dict, answer_key: list[Row] | None = None) -> None:
    """Writes the page `out` from an analyst database.

    facts: as pipelines.publish.about.pack_facts gives them. answer_key: rows of the shape of marts.linkage_by_group, and
    of the calibration in marts.linkage_quality, for fictional people; None where there is no key.
    """
    marts = read_rows(analyst, MARTS)
    key = answer_key or []
    names = {feed["feed"]: words.uncapitalised(feed["label"]) for feed in facts["feeds"]}
    page = Page(marts, key, names, Disclosure(facts))
    sections = [section for section in page.sections() if section.figures]
    render_page(
        "linkage.html", out, facts=facts, brief=page.brief(), sections=sections,
            truths=TRUTHS if key else {name: text for name, text in TRUTHS.items() if name != "answer key"},
            with_key=bool(key),
    )  # fmt: skip


def read_rows(analyst: Path, marts: tuple[str, ...]) -> dict[str, list[Row]]:
    """Marts, those that the release has, as rows."""
    with open_released(analyst) as connection:
        there = connection.execute(
            "SELECT table_name FROM duckdb_tables() WHERE database_name = 'released' AND schema_name = 'marts'"
        ).fetchall()
        return {mart: _rows(connection, mart) if (mart,) in there else [] for mart in marts}


def _rows(connection: duckdb.DuckDBPyConnection, mart: str) -> list[Row]:
    result = connection.execute(f"SELECT * FROM released.marts.{mart} ORDER BY ALL")
    names = [column[0] for column in result.description]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]
