"""What every chart gives back, and how its amounts, shades and gaps are written: the same in a drawing and in a table.

Amounts are published ones: None is withheld, and stays so. What does not belong here: where anything is drawn (charts.py,
chart_tables.py) and sentences of the pack (words.py).
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from math import floor, log10
from statistics import quantiles

from markupsafe import Markup

from pipelines.board import words

WITHHELD = "withheld"
SHADES = 5
FORMS = {"count": words.number, "share": words.percent, "rate": lambda value: f"{value:,.1f}"}

Row = dict


@dataclass(frozen=True)
class Drawing:
    """A chart for a page: markup that stands in it, and the same for those who do not see it.

    finding: what the chart says, in a sentence. columns, rows: the table behind it, in words.
    """

    markup: Markup
    alternative: str
    finding: str
    columns: list[str]
    rows: list[list[str]]


@dataclass(frozen=True)
class Shading:
    """Five shades, from the lowest fifth of the published values to the highest. uppers: highest value of each shade."""

    uppers: list[float]
    form: str

    def shade(self, value: float) -> int:
        """1 (lowest) to as many as there are."""
        return bisect_left(self.uppers, _as_written(value, self.form)) + 1

    def legend(self, values: Iterable[float | None]) -> Markup:
        """Each shade that occurs, with the lowest and the highest value in it."""
        by_shade: dict[int, list[float]] = {}
        missing = False
        for value in values:
            if value is None:
                missing = True
            else:
                by_shade.setdefault(self.shade(value), []).append(value)
        items = [(f"heat-{shade}", self._span(found)) for shade, found in sorted(by_shade.items())]
        if missing:
            items.append((WITHHELD, WITHHELD))
        keys = "".join(f'<li><span class="key {name}"></span>{said}</li>' for name, said in items)
        return Markup(f'<ul class="legend">{keys}</ul>')

    def _span(self, found: list[float]) -> str:
        low, high = written(min(found), self.form), written(max(found), self.form)
        if low == high:
            return low
        return f"up to {high}" if low.startswith("less than") else f"{low} to {high}"


def _as_written(value: float, form: str) -> float:
    """A value as exact as it is printed."""
    if form == "share":
        return min(value, 0.005) if value < 0.01 else round(value, 2)
    return round(value, 1 if form == "rate" else 0)


def shading(values: Iterable[float | None], form: str) -> Shading:
    """Shades that divide the published values into fifths; values that are printed alike have the same shade."""
    shown = sorted(_as_written(value, form) for value in values if value is not None)
    cuts = quantiles(shown, n=SHADES, method="inclusive") if len(shown) > 1 else []
    return Shading(sorted(set(cuts)), form)


def written(value: float | None, form: str) -> str:
    """An amount in words. form: count, share (0 to 1) or rate."""
    return WITHHELD if value is None else FORMS[form](value)


def left_out(amounts: Iterable[float | None]) -> str:
    """A sentence about what is withheld; '' where nothing is."""
    hidden = sum(amount is None for amount in amounts)
    if not hidden:
        return ""
    return f"{hidden:,} {'figure is' if hidden == 1 else 'figures are'} withheld and not drawn."


def said(*sentences: str) -> str:
    """Sentences one after the other, without those that are empty."""
    return " ".join(sentence for sentence in sentences if sentence)


def in_order(names: Iterable[str]) -> list[str]:
    """Each once, in the order in which they first come."""
    return list(dict.fromkeys(names))


def ticks(low: float, high: float, about: int = 4) -> list[float]:
    """Round numbers from low to high, about as many as asked for."""
    if high <= low:
        return [low]
    power = 10.0 ** floor(log10((high - low) / about))
    step = next(power * times for times in (1, 2, 5, 10) if power * times >= (high - low) / about)
    first = -(-low // step)
    count = int((high - first * step) / step + 1e-9)
    return [round((first + place) * step, 10) for place in range(count + 1)]


def runs(marks: Sequence[str | None]) -> list[tuple[str, int, int]]:
    """(mark, first place, last place) of each run of equal marks that are not None."""
    edges = [0, *(place for place, (one, other) in enumerate(pairwise(marks), 1) if one != other), len(marks)]
    return [(mark, start, end - 1) for start, end in pairwise(edges) if marks and (mark := marks[start]) is not None]


def attribute(text: str) -> str:
    """Text as it may stand between the quotes of an attribute, or between tags."""
    return escape(text, quote=True)
