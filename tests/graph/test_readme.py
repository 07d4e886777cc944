"""What the README and the guides tell somebody to type works."""

import argparse
import re

import duckdb
import pytest

from pipelines import cli
from pipelines.settings import PROJECT

QUERIES = re.findall(r"```sql\n(.*?)```", (PROJECT / "README.md").read_text(encoding="utf-8"), flags=re.DOTALL)


@pytest.mark.parametrize("query", QUERIES)
def test_a_query_of_the_readme_has_rows(region, query):
    with duckdb.connect(str(region.settings.releases / "current" / "analyst.duckdb"), read_only=True) as connection:
        assert connection.execute(query).fetchall()


def test_the_board_tables_open_under_the_name_that_the_readme_uses(region):
    with duckdb.connect(str(region.settings.releases / "current" / "board.duckdb"), read_only=True) as connection:
        assert connection.execute("select label from board.headlines").fetchall()


PAGES = [PROJECT / "README.md", *sorted((PROJECT / "docs").glob("*.md"))]


def commands_of(text: str) -> list[tuple[str, set[str]]]:
    """Each `upstream` command in code of a page, with the options that it is given."""
    code = re.findall(r"```\n(.*?)```|`([^`]+)`", text, flags=re.DOTALL)
    lines = "\n".join(block.replace("\\\n", " ") or span for block, span in code).splitlines()
    typed = [re.match(r"\s*upstream ([a-z-]+)([^#]*)", line) for line in lines]
    return [(found[1], set(re.findall(r"--[a-z-]+", found[2]))) for found in typed if found]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_of_a_page_exists_with_its_options(page) -> None:
    (known,) = [a.choices for a in cli.parser()._actions if isinstance(a, argparse._SubParsersAction)]
    for command, options in commands_of(page.read_text(encoding="utf-8")):
        assert command in known
        assert options <= options_of(known[command])


def options_of(parser: argparse.ArgumentParser) -> set[str]:
    """Its own and those of what it can be told to do, such as `release approve`."""
    choices = [a.choices for a in parser._actions if isinstance(a, argparse._SubParsersAction)]
    parts = [options_of(part) for parts in choices for part in parts.values()]
    return set(parser._option_string_actions).union(*parts)


def test_commands_are_found_in_code_over_several_lines_and_in_sentences() -> None:
    text = "Type `upstream status`:\n```\nupstream run --force \\\n  --also   # why\n```\n"
    assert commands_of(text) == [("status", set()), ("run", {"--force", "--also"})]
