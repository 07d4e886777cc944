"""How a page of a release is made: one template for all, one style sheet, one set of words for numbers.

A page is one file that needs nothing from elsewhere. What does not belong here: what a page says.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from pipelines.board import words

HERE = Path(__file__).parent
STYLE = HERE / "page.css"


def render_page(template: str, out: Path, filters: Mapping[str, Callable] | None = None, **context: object) -> None:
    """Writes the page `out` from a template that extends page.html. Text is escaped; Markup is not."""
    environment = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {
        "number": words.number,
        "percent": words.percent,
        "month": words.month,
        "whole_months": words.whole_months,
    }
    environment.filters |= filters or {}
    page = environment.get_template(template).render(style=STYLE.read_text(encoding="utf-8"), **context)
    out.write_text(page, encoding="utf-8")
