"""The analyst's cookbook: docs/cookbook/<number>_<name>.sql is one question, how to read the answer, and one query.

A file's first comment is the question, its second how to read the answer. docs/cookbook.md is made from the files and
from the answers that the demo's release gives (make cookbook). It counts people of
the demo's fictional region and is never made of real ones.
"""

import argparse
import sys
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import duckdb

from pipelines.publish.content import open_released
from pipelines.settings import Settings

HEAD = """# Twenty questions

Queries over `analyst.duckdb` of a release, for DuckDB's command line, Python or any tool that speaks it. Answers are those
of the fictional region of `make demo`. The files are in [cookbook/](cookbook/); this page is made from them.
"""


@dataclass(frozen=True)
class Question:
    """A file of the cookbook."""

    name: str
    question: str
    reading: str
    sql: str


def questions(settings: Settings) -> list[Question]:
    """Every question, in its order. Raises ValueError for a file that does not begin with its two comments."""
    return [_question(path) for path in sorted((settings.project / "docs" / "cookbook").glob("*.sql"))]


def answer(connection: duckdb.DuckDBPyConnection, question: Question) -> tuple[list[str], list[tuple]]:
    """Names of the columns, and the rows."""
    result = connection.execute(question.sql)
    return [column[0] for column in result.description], result.fetchall()


def page(settings: Settings, analyst: Path) -> str:
    """docs/cookbook.md with the answers of an analyst database."""
    with open_released(analyst) as connection:
        parts = [
            f"## {number}. {asked.question}\n\n{asked.reading}\n\n```sql\n{asked.sql}\n```\n\n{_table(*answer(connection, asked))}\n"
            for number, asked in enumerate(questions(settings), 1)
        ]
    return "\n".join([HEAD, *parts])


def _question(path: Path) -> Question:
    question, reading, *sql = path.read_text(encoding="utf-8").rstrip().splitlines()
    if not (question.startswith("-- ") and reading.startswith("-- ")):
        raise ValueError(f"{path.name} must begin with two comments: the question, and how to read the answer.")
    return Question(path.stem, question[3:], reading[3:], "\n".join(sql))


def _table(names: list[str], rows: list[tuple]) -> str:
    cells = [names, ["---"] * len(names), *([_cell(value) for value in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in cells)


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return f"{value:,.0f}"
    if isinstance(value, float):
        return f"{value:,.3f}".rstrip("0").rstrip(".")
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def main(argv: list[str] | None = None) -> int:
    top = argparse.ArgumentParser(
        description="Make docs/cookbook.md from its files and the answers of the demo's release."
    )
    top.add_argument("analyst", type=Path, help="analyst.duckdb of the demo")
    settings = Settings()
    (settings.project / "docs" / "cookbook.md").write_text(
        page(settings, top.parse_args(argv).analyst), encoding="utf-8"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
