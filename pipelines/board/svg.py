"""The few shapes that charts are drawn of, as SVG that stands in a page: no script, and the page's own colours and fonts.

Looks are classes of page.css, so that a drawing follows the reader's dark page, paper and text size. What does not
belong here: what the shapes mean (charts.py).
"""

import re
from collections.abc import Callable, Iterable
from itertools import pairwise

from markupsafe import Markup

from pipelines.board.drawing import attribute

WIDE, NARROW = 820, 320  # pixels: the page's figure on a desk or on paper, and on a telephone


def image(draw: Callable[[int], tuple[int, str]], title: str, alternative: str) -> Markup:
    """A drawing in both widths, each an image with a name and a description; the page shows one of them.

    draw: gives height and shapes for a width.
    """
    return Markup("".join(_one(draw, width, title, alternative) for width in (WIDE, NARROW)))


def _one(draw: Callable[[int], tuple[int, str]], width: int, title: str, alternative: str) -> str:
    height, shapes = draw(width)
    name = "wide" if width == WIDE else "narrow"
    identifier = f"{name}-{re.sub('[^a-z0-9]+', '-', title.lower()).strip('-')}"
    return (
        f'<svg class="chart {name}" viewBox="0 0 {width} {height}" role="img" aria-labelledby="{identifier}-title" '
        f'aria-describedby="{identifier}-desc"><title id="{identifier}-title">{attribute(title)}</title>'
        f'<desc id="{identifier}-desc">{attribute(alternative)}</desc>{shapes}</svg>'
    )


def scale(low: float, high: float, start: float, end: float) -> Callable[[float], float]:
    """Pixels of a value, from `start` at `low` to `end` at `high`."""
    span = (high - low) or 1
    return lambda value: start + (value - low) / span * (end - start)


def text(x: float, y: float, words: str, css: str = "", anchor: str = "start") -> str:
    turned = "" if anchor == "start" else f' text-anchor="{anchor}"'
    return f'<text x="{_px(x)}" y="{_px(y)}"{_css(css)}{turned}>{attribute(words)}</text>'


def line(x1: float, y1: float, x2: float, y2: float, css: str) -> str:
    return path([(x1, y1), (x2, y2)], css)


def path(points: Iterable[tuple[float, float]], css: str) -> str:
    """A line through the points."""
    return f'<path d="M{"L".join(f"{_px(x)} {_px(y)}" for x, y in points)}"{_css(css)}/>'


def rectangle(x: float, y: float, width: float, height: float, css: str) -> str:
    return f'<rect x="{_px(x)}" y="{_px(y)}" width="{_px(max(width, 0))}" height="{_px(height)}"{_css(css)}/>'


def dot(x: float, y: float, radius: float, css: str) -> str:
    return f'<circle cx="{_px(x)}" cy="{_px(y)}" r="{_px(radius)}"{_css(css)}/>'


def diamond(x: float, y: float, reach: float, css: str) -> str:
    corners = [(x, y - reach), (x + reach, y), (x, y + reach), (x - reach, y)]
    return f'<path d="M{"L".join(f"{_px(a)} {_px(b)}" for a, b in corners)}Z"{_css(css)}/>'


def ribbon(x1: float, y1: float, x2: float, y2: float, thickness: float, css: str) -> str:
    """A band from the height y1 at x1 to y2 at x2; y1 and y2 are its upper edges."""
    middle = (x1 + x2) / 2
    over = f"M{_px(x1)} {_px(y1)}C{_px(middle)} {_px(y1)} {_px(middle)} {_px(y2)} {_px(x2)} {_px(y2)}"
    below, last = y2 + thickness, y1 + thickness
    under = f"V{_px(below)}C{_px(middle)} {_px(below)} {_px(middle)} {_px(last)} {_px(x1)} {_px(last)}Z"
    return f'<path d="{over}{under}"{_css(css)}/>'


def area(rings: Iterable[Iterable[tuple[float, float]]], css: str) -> str:
    """A filled shape on whole pixels; a ring inside another is a hole. Steps from corner to corner keep it short."""
    return f'<path d="{"".join(map(_ring, rings))}" fill-rule="evenodd"{_css(css)}/>'


def _ring(points: Iterable[tuple[float, float]]) -> str:
    corners = [(round(x), round(y)) for x, y in points]
    steps = [(x2 - x1, y2 - y1) for (x1, y1), (x2, y2) in pairwise(corners)]
    written = " ".join(f"{dx} {dy}" for dx, dy in steps if dx or dy).replace(" -", "-")
    return f"M{corners[0][0]} {corners[0][1]}l{written}z" if written else ""


def _css(name: str) -> str:
    return f' class="{name}"' if name else ""


def _px(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
