"""Charts of the linkage quality page: dots with intervals, bars, and expected against observed.

They are drawn as the pack's are (charts.py), whose colours and sizes they share. No sentence about a figure stands here.
"""

import altair as alt

from pipelines.board.charts import INK, QUIET, RULE, SERIES, STRONG, WIDE, Row, figure, legend, subtitle

SHAPES = ("circle", "square", "triangle-up", "diamond", "cross")
PERCENT = ".1%"
FIT = alt.AutoSizeParams(type="fit-x", contains="padding")  # labels are part of the width


def intervals(
    rows: list[Row], unit: str, title: str, summary: str, axis: str = PERCENT, marks: tuple[float, ...] = ()
) -> str:
    """A dot and its interval for each row, series told apart by colour and shape; the order of rows is kept.

    Rows: name, series, value, low, high (the last two None where there is no interval). `axis`: format of the numbers.
    marks: values that get a vertical line.
    """
    names = list(dict.fromkeys(row["name"] for row in rows))
    series = list(dict.fromkeys(row["series"] for row in rows))
    several = len(series) > 1
    abreast = len(rows) > len(names)  # several of one name, which stand under each other
    ends = [row[end] for row in rows for end in ("value", "low", "high") if row[end] is not None]
    lowest, highest = min([*ends, *marks]), max([*ends, *marks])
    pad = (highest - lowest) * 0.04 or 0.01
    ceiling = 1.0 if axis == PERCENT else float("inf")
    domain = [lowest - pad, min(highest + pad, max(ceiling, highest))]

    def draw(width: int) -> alt.LayerChart:
        wide = width == WIDE
        labels = alt.Axis(labelLimit=330, labelPadding=8, ticks=False, domain=False, labelColor=INK) if wide else None
        y = alt.Y("name:N", sort=names, title=None, axis=labels, scale=alt.Scale(domain=names))
        beside = alt.YOffset("series:N", sort=series, scale=alt.Scale(paddingInner=0.3))
        x = alt.Axis(format=axis, tickCount=5 if wide else 3, labelOverlap=True, gridColor=RULE)
        scale = alt.Scale(domain=domain, nice=False, zero=False)
        keys = legend(columns=0 if wide else 1)
        colour = alt.Color(
            "series:N", title=None, legend=keys if several else None,
            scale=alt.Scale(domain=series, range=[SERIES[i % len(SERIES)] for i in range(len(series))]),
        )  # fmt: skip
        shape = alt.Shape(
            "series:N", title=None, legend=keys if several else None,
            scale=alt.Scale(domain=series, range=[SHAPES[i % len(SHAPES)] for i in range(len(series))]),
        )  # fmt: skip
        place = {"y": y} | ({"yOffset": beside} if abreast else {})
        base = alt.Chart(alt.Data(values=rows))
        reach = base.transform_filter("datum.low !== null").mark_rule(strokeWidth=2).encode(
            **place, x=alt.X("low:Q", title=None, axis=x, scale=scale), x2="high:Q", color=colour
        )  # fmt: skip
        dot = base.mark_point(filled=True, size=70, opacity=1).encode(
            **place, x=alt.X("value:Q", title=None, axis=x, scale=scale), color=colour, shape=shape
        )
        lines = alt.Chart(alt.Data(values=[{"at": at} for at in marks])).mark_rule(color=QUIET, strokeDash=[3, 3])
        layers = [lines.encode(x="at:Q")] if marks else []
        layers += [reach, dot]
        if not wide:
            layers.append(
                alt.Chart(alt.Data(values=[{"name": name} for name in names]))
                .mark_text(align="left", dy=-16 - 7 * (abreast and len(series)), color=INK)
                .encode(y=y, x=alt.value(0), text="name:N")
            )
        step = 16 * len(series) + 12 if abreast else 28
        return alt.layer(*layers).properties(
            width=width, autosize=FIT, height=alt.Step(step + (0 if wide else 24), **{"for": "position"}),
            title=subtitle(unit),
        )  # fmt: skip

    return figure(draw, title, summary)


def bars(rows: list[Row], unit: str, x_title: str, title: str, summary: str) -> str:
    """A bar for each row, in their order. Rows: name, amount (None where it is withheld: not drawn)."""
    names = [row["name"] for row in rows]

    def draw(width: int) -> alt.Chart:
        wide = width == WIDE
        every = max(1, len(names) // (12 if wide else 5))
        axis = alt.Axis(
            values=names[::every], labelAngle=0 if every == 1 or wide else -45, labelOverlap=False, title=x_title
        )
        return (
            alt.Chart(alt.Data(values=[row for row in rows if row["amount"] is not None]))
            .mark_bar(color=STRONG)
            .encode(
                x=alt.X("name:N", sort=names, scale=alt.Scale(domain=names, padding=0.15), axis=axis),
                y=alt.Y("amount:Q", title=None, axis=alt.Axis(format="~s", tickCount=4)),
            )
            .properties(width=width, autosize=FIT, height=230, title=subtitle(unit))
        )

    return figure(draw, title, summary)


def expected_and_observed(rows: list[Row], title: str, summary: str) -> str:
    """Observed share against expected share, with intervals, over the line on which they are equal.

    Rows: series, expected, value, low, high.
    """
    series = list(dict.fromkeys(row["series"] for row in rows))

    def draw(width: int) -> alt.LayerChart:
        side = 420 if width == WIDE else width - 50
        axis = alt.Axis(format=".0%", values=[0, 0.25, 0.5, 0.75, 1])
        scale = alt.Scale(domain=[0, 1])
        x = alt.X("expected:Q", title="Match probability, mean", axis=axis, scale=scale)
        y = alt.Y("value:Q", title="Observed share of one person", axis=axis, scale=scale)
        keys = legend(columns=1) if len(series) > 1 else None
        colour = alt.Color(
            "series:N", title=None, legend=keys, scale=alt.Scale(domain=series, range=SERIES[: len(series)])
        )
        shape = alt.Shape(
            "series:N", title=None, legend=keys, scale=alt.Scale(domain=series, range=list(SHAPES[: len(series)]))
        )
        equal = [{"expected": 0, "value": 0}, {"expected": 1, "value": 1}]
        line = alt.Chart(alt.Data(values=equal)).mark_line(color=QUIET, strokeDash=[4, 4], strokeWidth=1.5)
        base = alt.Chart(alt.Data(values=rows))
        reach = base.mark_rule(strokeWidth=2).encode(x=x, y=alt.Y("low:Q", scale=scale), y2="high:Q", color=colour)
        dot = base.mark_point(filled=True, size=70, opacity=1).encode(x=x, y=y, color=colour, shape=shape)
        return alt.layer(line.encode(x=x, y=y), reach, dot).properties(width=side, height=side)

    return figure(draw, title, summary)
