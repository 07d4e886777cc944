"""Charts of the linkage quality page: dots with intervals, bars, and expected against observed.

They are drawn by a library, which knows scales, legends and labels; the few charts of the pack, which a page shows many
times, are not (svg.py). No sentence about a figure stands here.
"""

import re
from collections.abc import Callable
from html import escape
from io import StringIO

import altair as alt

from pipelines.board.drawing import Row

WIDE, NARROW = 820, 320  # pixels: the page's figure on a desk or on paper, and on a telephone

# Colours by what they stand for. The page maps each to a lighter one where the reader asked for a dark page. They
# differ in lightness, so that they hold without colour vision and in grey print; none is red or green.
INK, QUIET, RULE = "#22303c", "#55636f", "#d5dbe0"
STRONG, WEAK = "#12436d", "#a9c4da"
SERIES = ["#12436d", "#c8641b", "#8a72c6", "#3d4b57", "#3a88b0"]
CSS_NAMES = {
    INK: "--ink", QUIET: "--quiet", RULE: "--rule", WEAK: "--weak",
    **{colour: f"--series-{number}" for number, colour in enumerate(SERIES, 1)},
}  # fmt: skip

FONT = "Helvetica Neue, Arial, Helvetica, Liberation Sans, sans-serif"

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


def subtitle(text: str) -> alt.TitleParams:
    return alt.TitleParams(text, anchor="start", frame="group", fontSize=13, fontWeight="normal", color=QUIET, offset=8)


def legend(columns: int = 0) -> alt.Legend:
    return alt.Legend(
        orient="top", direction="horizontal", columns=columns, symbolType="square", symbolSize=140, offset=12
    )


def figure(draw: Callable[[int], alt.TopLevelMixin], title: str, summary: str) -> str:
    """Both widths of a chart, each an image with a name and a description for those who do not see it."""
    return "".join(
        _accessible(_svg(draw(width)), f"{prefix}-{re.sub('[^a-z]+', '-', title.lower())}", prefix, title, summary)
        for prefix, width in (("wide", WIDE), ("narrow", NARROW))
    )


def _svg(chart: alt.TopLevelMixin) -> str:
    styled = (
        chart.configure(background="transparent", font=FONT, padding=4)
        .configure_view(stroke=None)
        .configure_axis(
            labelFont=FONT, titleFont=FONT, titleFontWeight="normal", labelFontSize=13, titleFontSize=13, labelColor=QUIET,
            titleColor=QUIET, gridColor=RULE, domainColor=RULE, tickColor=RULE,
        )
        .configure_legend(labelFontSize=13, titleFontSize=13, labelColor=INK, titleColor=QUIET, labelLimit=260)
        .configure_text(font=FONT, fontSize=13)
    )  # fmt: skip
    out = StringIO()
    styled.save(out, format="svg")
    return out.getvalue()


def _accessible(svg: str, identifier: str, css_class: str, title: str, summary: str) -> str:
    """The SVG as one image with text alternatives, its own ids, and colours that follow the page."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r' (?:role|class|aria-[a-z]+)="[^"]*"', "", svg)
    svg = re.sub(r'\bid="([^"]+)"', rf'id="{identifier}-\1"', svg)
    svg = re.sub(r"url\(#([^)]+)\)", rf"url(#{identifier}-\1)", svg)
    for colour, name in CSS_NAMES.items():
        svg = re.sub(f'"{colour}"', f'"var({name}, {colour})"', svg, flags=re.IGNORECASE)
    opening, rest = svg.split(">", 1)
    words = (
        f'<title id="{identifier}-title">{escape(title)}</title><desc id="{identifier}-desc">{escape(summary)}</desc>'
    )
    return (
        f'{opening} class="chart {css_class}" role="img" aria-labelledby="{identifier}-title" '
        f'aria-describedby="{identifier}-desc">{words}{rest}'
    )
