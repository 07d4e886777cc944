"""The board pack: one self-contained HTML page, made from board.duckdb and what the release says about itself.

It reads no mart and no warehouse, so that no figure can reach the page around disclosure control. What does not
belong here: charts (charts.py), sentences (words.py), text and looks (pack.html, page.css).
"""

from collections import defaultdict
from pathlib import Path

import duckdb

from pipelines.board import words
from pipelines.board.chart_tables import bars_by_part
from pipelines.board.drawing import Row
from pipelines.board.page import render_page
from pipelines.board.run_charts import run_chart
from pipelines.publish.content import open_released

HEADLINE_DEFINITION = "cross_agency_cycle"
TABLES = {
    "headlines": "position",
    "monthly_contacts": "month, feed_label",
    "handoffs": "from_label, to_label, need_kept",
    "first_missed_doors": "need_label, door_label",
    "feed_health": "feed_label, agency",
}  # with the order of their rows on the page


def render_pack(board: Path, out: Path, facts: dict) -> None:
    """Writes the page `out` from the board database. `facts` are as pipelines.publish.about.pack_facts gives them."""
    tables = read_board(board)
    rows = {name: table["rows"] for name, table in tables.items()}
    months = monthly_totals(rows["monthly_contacts"])
    render_page(
        "pack.html", out, {"cell": _cell, "heading": _heading},
            facts=facts,
            tables=tables,
            period=_period(rows["monthly_contacts"]),
            summary=words.summary(rows["headlines"], rows["first_missed_doors"]),
            headlines=[
                words.headline(row, facts["round_to"]) | {"id": row["headline_id"]} for row in rows["headlines"]
            ],
            figures=_figures(rows, months),
            offers=matching_offers(rows["first_missed_doors"], facts["needs"], facts["offers"]),
            withheld_needs=words.listed(
                [words.uncapitalised(need) for need in withheld_needs(rows["first_missed_doors"])]
            ),
            feeds=[words.feed_health(feed) for feed in rows["feed_health"]],
            linkage=words.linkage(facts["linkage"]),
            cycling_definition=next(
                (d["label"] for d in facts["definitions"] if d["definition_id"] == HEADLINE_DEFINITION), ""
            ),
    )  # fmt: skip


def read_board(board: Path) -> dict[str, Row]:
    """Each board table as {description, columns: [(name, description)], rows: [dict]}."""
    with open_released(board) as connection:
        return {name: _read(connection, name, order) for name, order in TABLES.items()}


def _read(connection: duckdb.DuckDBPyConnection, table: str, order: str) -> Row:
    columns = connection.execute(
        "SELECT column_name, comment FROM duckdb_columns() WHERE database_name = 'released' AND table_name = ? "
        "ORDER BY column_index",
        [table],
    ).fetchall()
    description = connection.execute(
        "SELECT comment FROM duckdb_tables() WHERE database_name = 'released' AND table_name = ?", [table]
    ).fetchall()
    rows = connection.execute(f"SELECT * FROM released.{table} ORDER BY {order}").fetchall()
    names = [name for name, _ in columns]
    return {
        "description": description[0][0],
        "columns": columns,
        "rows": [dict(zip(names, row, strict=True)) for row in rows],
    }


def monthly_totals(monthly: list[Row]) -> list[Row]:
    """Contacts over all services a month: month, cycling, other, share, complete (no service missing or withheld)."""
    months: dict[str, list[Row]] = defaultdict(list)
    for row in monthly:
        months[row["month"]].append(row)
    totals = []
    for period, rows in sorted(months.items()):
        shown = [row for row in rows if row["contacts"] is not None]
        contacts = sum(row["contacts"] for row in shown)
        cycling = sum(row["contacts_of_people_who_cycle"] for row in shown)
        totals.append({
            "month": period,
            "cycling": cycling,
            "other": contacts - cycling,
            "share": words.share(cycling, contacts) if len(shown) == len(rows) else None,
            "complete": len(shown) == len(rows),
        })  # fmt: skip
    return totals


def matching_offers(doors: list[Row], needs: list[Row], offers: list[Row]) -> list[Row]:
    """Per need that has a published first missed door, most spells first: that door, and the offers for the need."""
    need_ids = {need["label"]: need["need"] for need in needs}
    result = []
    for label in dict.fromkeys(row["need_label"] for row in doors):
        if top := words.most_missed([row for row in doors if row["need_label"] == label]):
            matching = [offer["label"] for offer in offers if need_ids.get(label) in offer["needs"].split(";")]
            result.append({"need": label, "door": top["door_label"], "spells": top["spells"], "offers": matching})
    return sorted(result, key=lambda row: (-row["spells"], row["need"]))


def withheld_needs(doors: list[Row]) -> list[str]:
    """Needs of which every first missed door is withheld."""
    published = {row["need_label"] for row in doors if not row["withheld_reason"]}
    return sorted({row["need_label"] for row in doors} - published)


def _figures(rows: dict[str, list[Row]], months: list[Row]) -> dict[str, Row]:
    """The three charts: reading, markup, table behind each, and how many of its cells are withheld."""
    handoffs, doors = rows["handoffs"], rows["first_missed_doors"]
    readings = {
        "monthly_contacts": words.contacts_reading(months),
        "handoffs": words.handoffs_reading(handoffs),
        "first_missed_doors": words.doors_reading(doors),
    }
    drawn = {
        "monthly_contacts": run_chart(
            [
                {"month": row["month"], "value": row["cycling"] + row["other"] if row["complete"] else None}
                for row in months
            ],
            "Contacts a month", "Contacts",
        ),
        "handoffs": bars_by_part(
            [
                {"name": f"{row['from_label']} → {row['to_label']}", "part": row["need_kept"], "amount": row["handoffs"]}
                for row in handoffs
            ],
            "Hand-offs between services", "Hand-offs", "From and to",
        ),
        "first_missed_doors": bars_by_part(
            [{"name": row["need_label"], "part": row["door_label"], "amount": row["spells"]} for row in doors],
            "First missed doors by need", "Spells that came to a crisis, by first missed door", "Need",
        ),
    }  # fmt: skip
    return {
        name: {
            "reading": readings[name],
            "chart": drawn[name].markup,
            "withheld": sum(1 for row in rows[name] if row["withheld_reason"]),
        }
        for name in drawn
    }


def _period(monthly: list[Row]) -> str:
    months = sorted(row["month"] for row in monthly)
    return f"{words.month(months[0])} to {words.month(months[-1])}" if months else "no month"


def _heading(name: str) -> str:
    return name.replace("_", " ").removesuffix(" label").capitalize()


def _cell(value: object, name: str, reason: str | None) -> str:
    """A value of a data table in words."""
    if value is None:
        return f"withheld ({reason})" if reason else "–"
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "yes" if value else "no"
    return words.number(value)
