"""What the README tells an analyst to type works."""

import re

import duckdb
import pytest

from pipelines.settings import PROJECT

QUERIES = re.findall(r"```sql\n(.*?)```", (PROJECT / "README.md").read_text(encoding="utf-8"), flags=re.DOTALL)


@pytest.mark.parametrize("query", QUERIES)
def test_a_query_of_the_readme_has_rows(region, query):
    with duckdb.connect(str(region.settings.releases / "current" / "analyst.duckdb"), read_only=True) as connection:
        assert connection.execute(query).fetchall()


def test_the_board_tables_open_under_the_name_that_the_readme_uses(region):
    with duckdb.connect(str(region.settings.releases / "current" / "board.duckdb"), read_only=True) as connection:
        assert connection.execute("select label from board.headlines").fetchall()
