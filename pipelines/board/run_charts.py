"""Run charts as SVG that stands in a page: no script, no network, colours of the page, and words for who does not see them.

What counts as special cause was worked out before (pipelines/run_chart.py); here it is only drawn.
"""

from html import escape

from pipelines.board import words
from pipelines.board.charts import Row

WIDE, HIGH, MARGIN, BESIDE = 440, 180, 30, 96  # pixels of the drawing; BESIDE: for the words at the limits
SPARK_WIDE, SPARK_HIGH = 120, 26


def run_chart_svg(rows: list[Row], title: str, summary: str, share: bool) -> str:
    """Months in order with mean and limits; a month of special cause is a ring. Rows of marts.quality_trend."""
    limits = [row[end] for row in rows for end in ("lower", "upper") if row[end] is not None]
    low, high = min([0, *limits, *(row["value"] for row in rows)]), max([*limits, *(row["value"] for row in rows)]) or 1
    low = max(low, 0)

    def y(value: float) -> float:
        return HIGH - MARGIN - (max(value, low) - low) / ((high - low) or 1) * (HIGH - 2 * MARGIN)

    def x(place: int) -> float:
        return MARGIN + place * (WIDE - MARGIN - BESIDE) / max(len(rows) - 1, 1)

    parts = []
    if rows[-1]["mean"] is not None:
        for name, dash in (("mean", ""), ("lower", "5 4"), ("upper", "5 4")):
            value = rows[-1][name]
            if value < low:
                continue
            parts.append(
                f'<line x1="{MARGIN}" x2="{WIDE - BESIDE}" y1="{y(value):.1f}" y2="{y(value):.1f}" '
                f'stroke="var(--quiet)" stroke-width="1" stroke-dasharray="{dash}"/>'
            )
            written = f"{value:.1%}" if share else f"{value:,.1f}"
            parts.append(f'<text x="{WIDE - BESIDE + 8}" y="{y(value) + 5:.1f}">{name} {written}</text>')
    line = " ".join(f"{x(place):.1f},{y(row['value']):.1f}" for place, row in enumerate(rows))
    parts.append(f'<polyline points="{line}" fill="none" stroke="var(--series-1)" stroke-width="2"/>')
    for place, row in enumerate(rows):
        ring = row["special_cause"] is not None
        parts.append(
            f'<circle cx="{x(place):.1f}" cy="{y(row["value"]):.1f}" r="{6 if ring else 3}" '
            f'fill="{"var(--paper)" if ring else "var(--series-1)"}" stroke="var(--series-1)" stroke-width="{3 if ring else 0}"/>'
        )
    for place, anchor in {0: "start", len(rows) - 1: "end"}.items():
        parts.append(
            f'<text x="{x(place):.1f}" y="{HIGH - 8}" text-anchor="{anchor}">{words.month(rows[place]["period"])}</text>'
        )
    return (
        f'<svg class="run" viewBox="0 0 {WIDE} {HIGH}" role="img" aria-label="{escape(title)}. {escape(summary)}">'
        f"{''.join(parts)}</svg>"
    )


def spark_svg(rows: list[Row], title: str) -> str:
    """A small line of shares by month, from nothing to the highest. Rows: period, value. Nothing for one month."""
    if len(rows) < 2:
        return ""
    high = max(row["value"] for row in rows) or 1
    step = (SPARK_WIDE - 8) / (len(rows) - 1)
    at = [(4 + place * step, SPARK_HIGH - 4 - row["value"] / high * (SPARK_HIGH - 8)) for place, row in enumerate(rows)]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in at)
    said = f"{title}, from {words.month(rows[0]['period'])} to {words.month(rows[-1]['period'])}, at most {high:.1%}"
    return (
        f'<svg class="spark" viewBox="0 0 {SPARK_WIDE} {SPARK_HIGH}" role="img" aria-label="{escape(said)}">'
        f'<line x1="4" x2="{SPARK_WIDE - 4}" y1="{SPARK_HIGH - 4}" y2="{SPARK_HIGH - 4}" stroke="var(--rule)"/>'
        f'<polyline points="{line}" fill="none" stroke="var(--series-1)" stroke-width="1.5"/>'
        f'<circle cx="{at[-1][0]:.1f}" cy="{at[-1][1]:.1f}" r="2.5" fill="var(--series-1)"/></svg>'
    )
