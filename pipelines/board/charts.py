"""The pack's charts, as SVG that stands in the page: no script, no network, the reader's own fonts and colour scheme.

Each function takes rows as the board database holds them and returns markup in two widths, of which the page shows
one. What does not belong here: sentences about the figures (words.py) and the page around them (pack.py).
"""

import re
from collections.abc import Callable
from html import escape
from io import StringIO

import altair as alt

WIDE, NARROW = 820, 320  # pixels: the page's figure on a desk or on paper, and on a telephone

# Colours by what they stand for. The page maps each to a lighter one where the reader asked for a dark page. They
# differ in lightness, so that they hold without colour vision and in grey print; none is red or green.
INK, QUIET, RULE = "#22303c", "#55636f", "#d5dbe0"
STRONG, WEAK = "#12436d", "#a9c4da"
SERIES = ["#12436d", "#f08a3c", "#9b86cf", "#3d4b57", "#7fb8d6"]
CSS_NAMES = {
    INK: "--ink", QUIET: "--quiet", RULE: "--rule", WEAK: "--weak",
    **{colour: f"--series-{number}" for number, colour in enumerate(SERIES, 1)},
}  # fmt: skip

PARTS = {"cycling": "Contacts of people who go round", "other": "Contacts of other people"}
FONT = "Helvetica Neue, Arial, Helvetica, Liberation Sans, sans-serif"
MONTH_LABEL = (
    "['Jan','Feb','Mar','Apr','May','Jun','Jul','Aug','Sep','Oct','Nov','Dec'][toNumber(slice(datum.label, 5)) - 1]"
    " + ' ' + slice(datum.label, 0, 4)"
)

Row = dict


def contacts_by_month(months: list[Row], title: str, summary: str) -> str:
    """Bars of contacts a month, the part of people who cycle marked, over a line of their share.

    Rows: month (YYYY-MM), cycling, other, share (0 to 1 or None), complete (whether every service's records arrived).
    A month that is not complete is drawn paler and has no share.
    """
    bars = [
        {"month": row["month"], "part": PARTS[part], "order": order, "contacts": row[part], "complete": row["complete"]}
        for row in months
        for order, part in enumerate(PARTS)
    ]
    shares = [{"month": row["month"], "share": row["share"]} for row in months]
    domain = [row["month"] for row in months]

    def draw(width: int) -> alt.VConcatChart:
        x = alt.X("month:O", scale=alt.Scale(domain=domain, padding=0.25), title=None)
        labels = alt.Axis(values=domain[:: 3 if width == WIDE else 6], labelAngle=0, labelExpr=MONTH_LABEL, tickSize=4)
        colour = alt.Color(
            "part:N",
            title=None,
            scale=alt.Scale(domain=list(PARTS.values()), range=[STRONG, WEAK]),
            legend=legend(columns=1 if width == NARROW else 0),
        )
        contacts = alt.Chart(alt.Data(values=bars)).mark_bar().encode(
            x=x.axis(None),
            y=alt.Y("contacts:Q", title=None, axis=alt.Axis(format=",.0f", tickCount=4)),
            color=colour,
            order="order:O",
            opacity=alt.condition("datum.complete", alt.value(1), alt.value(0.45)),
        )  # fmt: skip
        line = alt.Chart(alt.Data(values=shares)).encode(
            x=x.axis(labels),
            y=alt.Y("share:Q", title=None, scale=alt.Scale(zero=True), axis=alt.Axis(format=".0%", tickCount=3)),
        )
        share = line.mark_line(color=STRONG, strokeWidth=2.5) + line.mark_point(color=STRONG, filled=True, size=30)
        return alt.vconcat(
            contacts.properties(width=width - 60, height=220),
            share.properties(width=width - 60, height=90, title=subtitle("Share of contacts of people who go round")),
            spacing=16,
        )

    return figure(draw, title, summary)


def stacked_bars(rows: list[Row], parts: dict[str, str], unit: str, title: str, summary: str) -> str:
    """Horizontal bars, longest first, each divided into parts, with the total at the end.

    Rows: name, part, amount (None where it is withheld: not drawn, and a plus stands after the total). `parts` maps each part, in order, to its colour; `unit` says what is counted.
    """
    totals: dict[str, int] = {}
    drawn = [row for row in rows if row["amount"] is not None]
    for row in drawn:
        totals[row["name"]] = totals.get(row["name"], 0) + row["amount"]
    partly = {row["name"] for row in rows if row["amount"] is None}
    names = sorted(totals, key=lambda name: (-totals[name], name))
    order = list(parts)
    values = [row | {"order": order.index(row["part"])} for row in drawn]
    ends = [
        {"name": name, "amount": totals[name], "words": f"{totals[name]:,}{'+' if name in partly else ''}"}
        for name in names
    ]
    longest = max(totals.values(), default=1)

    def draw(width: int) -> alt.LayerChart:
        wide = width == WIDE
        beside = alt.Axis(labelLimit=250, labelPadding=8, ticks=False, domain=False, labelColor=INK) if wide else None
        y = alt.Y("name:N", sort=names, title=None, axis=beside)
        x = alt.X("amount:Q", title=None, stack="zero", axis=None, scale=alt.Scale(domain=[0, longest]))
        keys = legend(columns=0 if wide else 1)
        colour = alt.Color("part:N", title=None, scale=alt.Scale(domain=order, range=list(parts.values())), legend=keys)
        bars = alt.Chart(alt.Data(values=values)).mark_bar(height=22 if wide else 16)
        bars = bars.encode(y=y, x=x, color=colour, order="order:O")
        text = alt.Chart(alt.Data(values=ends)).encode(y=y)
        end = text.mark_text(align="left", dx=6, color=INK, fontWeight="bold").encode(x="amount:Q", text="words:N")
        above = text.mark_text(align="left", dy=-18, color=INK).encode(x=alt.value(0), text="name:N")
        layers = [bars, end] if wide else [bars, end, above]
        return alt.layer(*layers).properties(
            width=width - (310 if wide else 70), height=alt.Step(36 if wide else 50), title=subtitle(unit)
        )

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
