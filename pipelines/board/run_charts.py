"""Run charts, drawn: the XmR charts of NHS England's Making Data Count, and small lines for cells of a table.

A month that chance alone explains is a dot in a quiet colour; special cause is a larger diamond in purple, as Making Data
Count marks a change that is neither better nor worse, and is said in words. What counts as special cause is worked out
elsewhere (pipelines/run_chart.py).
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

from markupsafe import Markup

from pipelines import run_chart as charting
from pipelines.board import svg, words
from pipelines.board.drawing import Drawing, Row, attribute, runs, said, ticks, written

SPARK_WIDE, SPARK_HIGH = 120, 26
LIMITS = {"mean": "Mean", "upper": "Upper limit", "lower": "Lower limit"}

Points = Sequence[charting.Point | None]
Scale = Callable[[float], float]


def run_chart(
    rows: Sequence[Row], title: str, unit: str, form: str = "count", steps: Mapping[str, str] | None = None
) -> Drawing:
    """Months in order with mean and limits of chance.

    Rows: month (YYYY-MM), value (None where it is not known: a gap). steps: month from which mean and limits are worked
    out anew, to the reason, which is printed: there is no new base without a reason.
    """
    steps = {month: why for month, why in (steps or {}).items() if any(row["month"] == month for row in rows)}
    points = _points(rows, list(steps))
    finding = _finding(rows, points, form)
    gaps = [words.month(row["month"]) for row in rows if row["value"] is None]
    missing = f"Not known: {words.listed(gaps)}." if gaps else ""
    notes = [f"From {words.month(month)}, mean and limits are worked out anew: {why}." for month, why in steps.items()]
    alternative = said(f"{unit}, month by month.", finding, missing, *notes)
    drawn = svg.image(lambda width: _draw(width, rows, points, unit, form, list(steps)), title, alternative)
    printed = Markup("".join(f'<p class="note">{attribute(note)}</p>' for note in notes))
    table = [
        [words.month(row["month"]), written(point.value, form), point.cause or "no"]
        if point
        else [words.month(row["month"]), "not known", ""]
        for row, point in zip(rows, points, strict=True)
    ]
    return Drawing(drawn + printed, alternative, finding, ["Month", unit, "Special cause"], table)


def spark_svg(rows: Sequence[Row], title: str) -> str:
    """A small line of shares by month, from nothing to the highest. Rows: period, value. Nothing for one month."""
    if len(rows) < 2:
        return ""
    high = max(row["value"] for row in rows) or 1
    x = svg.scale(0, len(rows) - 1, 4, SPARK_WIDE - 4)
    y = svg.scale(0, high, SPARK_HIGH - 4, 4)
    at = [(x(place), y(row["value"])) for place, row in enumerate(rows)]
    told = f"{title}, from {words.month(rows[0]['period'])} to {words.month(rows[-1]['period'])}, at most {high:.1%}"
    return (
        f'<svg class="spark" viewBox="0 0 {SPARK_WIDE} {SPARK_HIGH}" role="img" aria-label="{attribute(told)}">'
        f"{svg.line(4, SPARK_HIGH - 4, SPARK_WIDE - 4, SPARK_HIGH - 4, 'grid')}{svg.path(at, 'series thin')}"
        f"{svg.dot(*at[-1], 2.5, 'common')}</svg>"
    )


def _points(rows: Sequence[Row], steps: Sequence[str]) -> Points:
    """A point for each row, None where the value is not known; each part between steps has limits of its own."""
    points: list[charting.Point | None] = [None] * len(rows)
    starts = [0, *(place for place, row in enumerate(rows) if place and row["month"] in steps), len(rows)]
    for start, end in pairwise(starts):
        known = [place for place in range(start, end) if rows[place]["value"] is not None]
        found = charting.run_chart([rows[place]["value"] for place in known])
        for place, point in zip(known, found, strict=True):
            points[place] = point
    return points


def _finding(rows: Sequence[Row], points: Points, form: str) -> str:
    """The last change that chance does not explain, or that there is none."""
    known = [(row["month"], point) for row, point in zip(rows, points, strict=True) if point]
    if not known:
        return "No month can be shown."
    if known[-1][1].mean is None:
        few = sum(point.mean is None for _, point in known)
        return f"It takes {charting.FEWEST_POINTS} months to tell a change from chance. So far there are {few}."
    found = runs([point.cause for _, point in known])
    if not found:
        return f"Chance alone explains how the months differ. The mean is {written(known[-1][1].mean, form)}."
    cause, start, end = found[-1]
    (first, point), (last, last_point) = known[start], known[end]
    span = words.month(first) if start == end else f"{words.month(first)} to {words.month(last)}"
    side = "above" if point.value > point.mean else "below"
    changed = {
        charting.TREND: f"each month was {'higher' if last_point.value > point.value else 'lower'} than the one before",
        charting.SHIFT: f"every month was {side} the mean",
        charting.TWO_OF_THREE: f"months were far {side} the mean",
        charting.OUTSIDE: f"{side} the limit of chance",
    }[cause]
    return f"{span}: {changed}. Chance alone seldom does that."


def _draw(
    width: int, rows: Sequence[Row], points: Points, unit: str, form: str, steps: Sequence[str]
) -> tuple[int, str]:
    wide = width == svg.WIDE
    height, left, right, top, bottom = (330, 62, 150, 40, 34) if wide else (270, 52, 10, 58, 32)
    low, high = _ends(points)
    x = svg.scale(0, max(len(rows) - 1, 1), left + 10, width - right - 10)
    y = svg.scale(low, high, height - bottom, top)
    shapes = [svg.text(0, 16, unit), *_axes(rows, x, y, (low, high), (left, width - right, height), form, wide)]
    for month in steps:
        at = x(next(place for place, row in enumerate(rows) if row["month"] == month) - 0.5)
        shapes += [svg.line(at, top - 6, at, height - bottom, "step"), svg.text(at + 4, top - 2, "New base")]
    shapes += _limits(points, x, y, form, low, width - right + 8 if wide else None)
    for _, start, end in runs(["known" if point else None for point in points]):
        shapes.append(svg.path([(x(place), y(points[place].value)) for place in range(start, end + 1)], "series"))
    for place, point in enumerate(points):
        if point and point.cause:
            shapes.append(svg.diamond(x(place), y(point.value), 7 if wide else 6, "special"))
        elif point:
            shapes.append(svg.dot(x(place), y(point.value), 3.2 if wide else 2.6, "common"))
    return height, "".join(shapes + _keys(points, wide))


def _ends(points: Points) -> tuple[float, float]:
    """What the vertical axis reaches from and to. It need not begin at nothing: what is read is change, not size."""
    values = [end for point in points if point for end in (point.value, point.lower, point.upper) if end is not None]
    low, high = min(values, default=0), max(values, default=1)
    pad = (high - low) * 0.08 or abs(high) * 0.1 or 1
    never_negative = all(point.value >= 0 for point in points if point)
    return max(low - pad, 0) if never_negative else low - pad, high + pad


def _axes(
    rows: Sequence[Row],
    x: Scale,
    y: Scale,
    ends: tuple[float, float],
    frame: tuple[int, int, int],
    form: str,
    wide: bool,
) -> list[str]:
    left, right, height = frame
    shapes = []
    for at in ticks(*ends):
        shapes += [
            svg.line(left, y(at), right, y(at), "grid"),
            svg.text(left - 8, y(at) + 4, written(at, form), anchor="end"),
        ]
    every = max(1, -(-len(rows) // (7 if wide else 4)))
    for place in range(0, len(rows), every):
        shapes.append(svg.text(x(place), height - 8, _short(rows[place]["month"]), anchor="middle"))
    return shapes


def _limits(points: Points, x: Scale, y: Scale, form: str, low: float, beside: float | None) -> list[str]:
    """Mean and limits of each part that has them; the last one's are written beside the chart where there is room."""
    parts = runs(
        [None if point is None or point.mean is None else f"{point.mean} {point.upper}" for point in _filled(points)]
    )
    shapes = []
    for _, start, end in parts:
        point = next(point for point in points[start : end + 1] if point)
        for name, css in (("mean", "mean"), ("upper", "limit"), ("lower", "limit")):
            value = getattr(point, name)
            if value < low:
                continue
            shapes.append(svg.line(x(start - 0.5), y(value), x(end + 0.5), y(value), css))
            if beside and end == len(points) - 1:
                shapes.append(svg.text(beside, y(value) + 4, f"{LIMITS[name]} {written(value, form)}"))
    return shapes


def _filled(points: Points) -> list[charting.Point | None]:
    """The points, with the one before in the place of a gap, so that limits go through it."""
    filled: list[charting.Point | None] = []
    for point in points:
        filled.append(point or (filled[-1] if filled else None))
    return filled


def _keys(points: Points, wide: bool) -> list[str]:
    """What the shapes mean, where there are both."""
    if not any(point and point.cause for point in points):
        return []
    across, down = (560, 16) if wide else (0, 38)
    return [
        svg.diamond(across + 8, down - 4, 7, "special"),
        svg.text(across + 22, down, "More than chance explains"),
    ]


def _short(month: str) -> str:
    """'2025-03' as 'Mar 2025'."""
    name, year = words.month(month).split()
    return f"{name[:3]} {year}"
