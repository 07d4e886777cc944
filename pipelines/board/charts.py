"""Charts of the pack that are drawn and stand for one moment: a flow, a funnel and a map of wards.

Each takes rows as the board database holds them and gives a Drawing. Changes over time are in run_charts.py. Where every
value fits into a cell, the chart is a table (chart_tables.py). What does not belong here: sentences that choose among
figures (words.py), the page around them (pack.py), and what lies outside a funnel (pipelines/warehouse/funnel.py).
"""

from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise

from pipelines.board import svg, words
from pipelines.board.drawing import Drawing, Row, Shading, left_out, said, shading, ticks, written
from pipelines.warehouse import funnel as limits
from pipelines.warehouse.funnel import ACTION, FEWEST_AREAS, WARNING, Area, limits_at

MOST_STEPS = 3  # of a flow: more cannot be followed
MOST_FLOWS = 12  # drawn by name; the smaller ones are drawn together
OTHER = "Other"
MOST_NAMED = 6  # places outside a funnel that are named in the drawing
CURVE = 40  # points of a funnel's limits
LETTER, LINE = 7, 16  # pixels of a letter and of a line of text, about
HIGHEST = 640  # pixels of a map
GAP = 14  # pixels between the nodes of a flow

Flows = dict[tuple[str, ...], float]
Points = list[tuple[float, float]]


def flow(rows: Sequence[Row], title: str, unit: str, steps: Sequence[str]) -> Drawing:
    """Where people go next: bands as thick as their amounts, in two or three steps.

    Rows: path (as many names as there are steps), amount (None where it is withheld: not drawn). steps: a heading each.
    """
    if not 2 <= len(steps) <= MOST_STEPS or any(len(row["path"]) != len(steps) for row in rows):
        raise ValueError(f"A flow has two or three steps, and each path as many names: {title}")
    shown = sorted((row for row in rows if row["amount"]), key=lambda row: -row["amount"])
    finding = "No flow can be shown."
    if shown:
        finding = f"The most frequent way: {' → '.join(shown[0]['path'])}, about {words.number(shown[0]['amount'])}."
    alternative = said(f"{unit}, by where they go next.", finding, left_out(row["amount"] for row in rows))
    flows = _largest(shown)

    def draw(width: int) -> tuple[int, str]:
        return _draw_flow(flows, steps) if width == svg.WIDE else _draw_list(flows, unit)

    table = [[*row["path"], written(row["amount"], "count")] for row in rows]
    return Drawing(svg.image(draw, title, alternative), alternative, finding, [*steps, unit], table)


def _largest(shown: Sequence[Row]) -> Flows:
    """The largest flows by path; of the others all steps after the first are one."""
    flows: Flows = defaultdict(float)
    for place, row in enumerate(shown):
        path = tuple(row["path"])
        flows[path if place < MOST_FLOWS else path[:1] + (OTHER,) * (len(path) - 1)] += row["amount"]
    return dict(flows)


def _draw_flow(flows: Flows, steps: Sequence[str]) -> tuple[int, str]:
    height, top, bar, beside = 400, 40, 14, 190
    total = sum(flows.values()) or 1
    columns = [_nodes(flows, step) for step in range(len(steps))]
    room = height - top - 10 - GAP * (max(map(len, columns)) - 1)
    places = [_stacked(nodes, top, room / total) for nodes in columns]
    at = [step * (svg.WIDE - beside - bar) / (len(steps) - 1) for step in range(len(steps))]
    shapes = []
    for step in range(len(steps) - 1):
        out, into = ({name: y for name, (y, _) in places[step + side].items()} for side in (0, 1))
        links = _links(flows, step)
        order = [(one, other) for one in out for other in into if (one, other) in links]
        largest = max((pair for pair in order if OTHER not in pair), key=links.get, default=None)
        for one, other in order:
            thick = links[one, other] * room / total
            css = "band strong" if (one, other) == largest else "band"
            shapes.append(svg.ribbon(at[step] + bar, out[one], at[step + 1], into[other], thick, css))
            out[one] += thick
            into[other] += thick
    for x, heading, nodes, placed in zip(at, steps, columns, places, strict=True):
        shapes.append(svg.text(x, 16, heading, "ink bold"))
        for name, (y, thick) in placed.items():
            shapes.append(svg.rectangle(x, y, bar, max(thick, 1), "bar"))
            shapes.append(svg.text(x + bar + 6, y + thick / 2 + 4, f"{name} {words.number(nodes[name])}", "ink halo"))
    return height, "".join(shapes)


def _nodes(flows: Flows, step: int) -> dict[str, float]:
    """Amount of each name at a step, largest first."""
    nodes: dict[str, float] = defaultdict(float)
    for path, amount in flows.items():
        nodes[path[step]] += amount
    return dict(sorted(nodes.items(), key=lambda node: (node[0] == OTHER, -node[1])))


def _links(flows: Flows, step: int) -> dict[tuple[str, str], float]:
    links: dict[tuple[str, str], float] = defaultdict(float)
    for path, amount in flows.items():
        links[path[step], path[step + 1]] += amount
    return links


def _stacked(nodes: dict[str, float], top: float, pixels: float) -> dict[str, tuple[float, float]]:
    """Upper edge and thickness of each node, one under the other."""
    places, y = {}, top
    for name, amount in nodes.items():
        places[name] = (y, amount * pixels)
        y += amount * pixels + GAP
    return places


def _draw_list(flows: Flows, unit: str) -> tuple[int, str]:
    """The same as bars under each other: bands cannot be followed on a telephone."""
    step, top = 44, 30
    longest = max(flows.values(), default=1)
    shapes = [svg.text(0, 14, unit)]
    for place, (path, amount) in enumerate(sorted(flows.items(), key=lambda item: -item[1])):
        y = top + place * step
        shapes += [
            svg.text(0, y + 12, " → ".join(path), "ink"),
            svg.rectangle(0, y + 18, 250 * amount / longest, 14, "bar"),
            svg.text(250 * amount / longest + 6, y + 30, words.number(amount), "ink bold"),
        ]
    return top + step * len(flows), "".join(shapes)


def funnel(rows: Sequence[Row], title: str, unit: str, exposed: str, per: int = 1000) -> Drawing:
    """Rates of places against what they are counted over, with limits within which chance and the usual spread explain
    them: in the place of a league table.

    Rows: name, events, exposure (either None where it is withheld). unit: the rate in words; exposed: the exposure.
    """
    places = [row for row in rows if row["events"] is not None and row["exposure"]]
    rate = sum(row["events"] for row in places) / (sum(row["exposure"] for row in places) or 1)
    expected = [rate * row["exposure"] for row in places]
    areas = limits.funnel([row["events"] for row in places], expected)
    verdicts = {row["name"]: _verdict(area) for row, area in zip(places, areas, strict=True)}
    finding = _funnel_finding(verdicts, areas)
    alternative = said(f"{unit}, by {words.uncapitalised(exposed)}.", finding, left_out(row["events"] for row in rows))
    markup = svg.image(lambda width: _draw_funnel(width, places, areas, rate, unit, exposed, per), title, alternative)
    table = [
        [row["name"], written(row["events"], "count"), written(row["exposure"], "count"),
         written(row["events"] / row["exposure"] * per if row["name"] in verdicts else None, "rate"),
         verdicts.get(row["name"], "")]
        for row in rows
    ]  # fmt: skip
    return Drawing(markup, alternative, finding, ["Place", "Events", exposed, unit, "Beside the limits"], table)


def _verdict(area: Area) -> str:
    if area.ratio is None:
        return "too few places"
    return "above" if area.ratio > area.upper else "below" if area.ratio < area.lower else "within"


def _funnel_finding(verdicts: dict[str, str], areas: Sequence[Area]) -> str:
    if not areas or areas[0].spread is None:
        return f"It takes {FEWEST_AREAS} places to tell a difference from chance. There are {len(verdicts)}."
    parts = [
        f"{words.listed(found)} {'is' if len(found) == 1 else 'are'} {side} what chance and the usual spread explain"
        for side in ("above", "below")
        if (found := [name for name, verdict in verdicts.items() if verdict == side])
    ]
    if not parts:
        return "No place differs from the others by more than chance and the usual spread explain."
    return f"{'; '.join(parts)}. The others do not differ."


def _draw_funnel(
    width: int, places: Sequence[Row], areas: Sequence[Area], rate: float, unit: str, exposed: str, per: int
) -> tuple[int, str]:
    wide = width == svg.WIDE
    height, left, right, top, bottom = (400, 56, 130, 36, 50) if wide else (330, 46, 8, 36, 50)
    rates = [row["events"] / row["exposure"] * per for row in places]
    most = max((row["exposure"] for row in places), default=1) * 1.05
    least = min((row["exposure"] for row in places), default=0) * 0.85
    limited = bool(areas) and areas[0].spread is not None
    high = max([*rates, *(area.upper * rate * per for area in areas if limited)], default=1) * 1.1
    x, y = svg.scale(least, most, left, width - right), svg.scale(0, high, height - bottom, top)
    shapes = [svg.text(0, 16, unit), svg.text(width - right, height - 6, exposed, anchor="end")]
    for at in ticks(0, high):
        shapes += [
            svg.line(left, y(at), width - right, y(at), "grid"),
            svg.text(left - 8, y(at) + 4, written(at, "count" if high > 8 else "rate"), anchor="end"),
        ]
    for at in ticks(least, most, 5 if wide else 3):
        shapes.append(svg.text(x(at), height - bottom + 20, words.number(at), anchor="middle"))
    shapes.append(svg.line(left, y(rate * per), width - right, y(rate * per), "mean"))
    if wide:
        shapes.append(svg.text(width - right + 8, y(rate * per) + 4, f"All: {written(rate * per, 'rate')}"))
    if limited:
        steps = [least + (most - least) * place / CURVE for place in range(CURVE + 1)]
        for reach, css, name in ((WARNING, "limit", "95 in 100"), (ACTION, "limit far", "998 in 1,000")):
            ends = [limits_at(rate * exposure, areas[0].spread, reach) for exposure in steps]
            for side in (0, 1):
                curve = [(x(at), y(min(end[side] * rate * per, high))) for at, end in zip(steps, ends, strict=True)]
                shapes.append(svg.path(curve, css))
            if wide:
                shapes.append(svg.text(width - right + 8, y(ends[-1][1] * rate * per) + 4, name))
    named = 0
    for row, area, value in zip(places, areas, rates, strict=True):
        at = x(row["exposure"]), y(value)
        if _verdict(area) in ("above", "below"):
            shapes.append(svg.diamond(*at, 7, "special"))
            named += 1
            if wide and named <= MOST_NAMED:
                shapes.append(svg.text(at[0], at[1] - 11, row["name"], "ink halo", "middle"))
        else:
            shapes.append(svg.dot(*at, 4, "common"))
    return height, "".join(shapes)


def ward_map(rows: Sequence[Row], shapes: Sequence[Row], title: str, unit: str, form: str = "rate") -> Drawing | None:
    """Wards in five shades. None where no ward has a shape.

    Rows: ward, name, value (None where it is withheld). shapes: rows of reference table ward_shapes: ward,
    outline (rings of points, y downwards: "0,0 9,0 9,9;..."), all in one unit, whatever it is.
    """
    values = {row["ward"]: row for row in rows}
    drawn = [shape for shape in shapes if shape["ward"] in values]
    if not drawn:
        return None
    shades = shading((row["value"] for row in rows), form)
    finding = _map_finding(rows, unit, form)
    alternative = said(f"Map of wards: {words.uncapitalised(unit)}.", finding, left_out(row["value"] for row in rows))
    markup = svg.image(lambda width: _draw_map(width, drawn, values, shades), title, alternative)
    table = [[row["name"], written(row["value"], form)] for row in sorted(rows, key=lambda row: row["name"])]
    legend = shades.legend(row["value"] for row in rows)
    return Drawing(markup + legend, alternative, finding, ["Ward", unit], table)


def _map_finding(rows: Sequence[Row], unit: str, form: str) -> str:
    shown = sorted((row for row in rows if row["value"] is not None), key=lambda row: row["value"])
    if not shown:
        return "No ward can be shown."
    low, high = (written(row["value"], form) for row in (shown[0], shown[-1]))
    return f"Wards lie between {low} and {high} {words.uncapitalised(unit)}."


def _draw_map(width: int, drawn: Sequence[Row], values: dict[str, Row], shades: Shading) -> tuple[int, str]:
    outlines = {shape["ward"]: _rings(shape["outline"]) for shape in drawn}
    points = [point for rings in outlines.values() for ring in rings for point in ring]
    left, right, top, bottom = (end(point[axis] for point in points) for axis in (0, 1) for end in (min, max))
    zoom = min((width - 4) / (right - left or 1), HIGHEST / (bottom - top or 1))
    middle = (width - (right - left) * zoom) / 2
    x, y = svg.scale(left, left + 1, middle, middle + zoom), svg.scale(top, top + 1, 2, 2 + zoom)
    areas, labels = [], []
    for shape in drawn:
        row, rings = values[shape["ward"]], outlines[shape["ward"]]
        css = "withheld" if row["value"] is None else f"heat-{shades.shade(row['value'])}"
        areas.append(svg.area([[(x(a), y(b)) for a, b in ring] for ring in rings], f"ward {css}"))
        across, down, *room = _room(rings)
        labels += _ward_label(row, (x(across), y(down)), (room[0] * zoom, room[1] * zoom), shades.form, css)
    return round((bottom - top) * zoom) + 4, "".join(areas + labels)


def _ward_label(row: Row, at: tuple[float, float], room: tuple[float, float], form: str, css: str) -> list[str]:
    """Name and value of a ward, each where it fits."""
    (x, y), (across, down), value = at, room, written(row["value"], form)
    if len(row["name"]) * LETTER < across and down > 3 * LINE:
        return [
            svg.text(x, y - 3, row["name"], f"on-{css}", "middle"),
            svg.text(x, y + 14, value, f"on-{css} bold", "middle"),
        ]
    fits = len(value) * LETTER < across * 0.8 and down > 1.5 * LINE
    return [svg.text(x, y + 5, value, f"on-{css}", "middle")] if fits else []


def _room(rings: Sequence[Points]) -> tuple[float, float, float, float]:
    """The middle of the longest level line within a shape at half of its height, how long it is, and the shape's height."""
    heights = [y for ring in rings for _, y in ring]
    level = (min(heights) + max(heights)) / 2 + 0.01  # beside corners, which lie on whole numbers
    crossings = sorted(
        x1 + (level - y1) / (y2 - y1) * (x2 - x1)
        for ring in rings
        for (x1, y1), (x2, y2) in pairwise([*ring, ring[0]])
        if (y1 < level) != (y2 < level)
    )
    start, end = max(zip(crossings[::2], crossings[1::2], strict=True), key=lambda pair: pair[1] - pair[0])
    return (start + end) / 2, level, end - start, max(heights) - min(heights)


def _rings(outline: str) -> list[Points]:
    return [
        [tuple(map(float, point.split(","))) for point in ring.split()] for ring in outline.split(";") if ring.strip()
    ]
