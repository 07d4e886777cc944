"""Charts draw what is published, say it in words and in a table, and leave out what is withheld."""

import math
import re
from xml.etree import ElementTree

import pytest

from pipelines.board.chart_tables import bars_by_part, bars_with_band, heat_table, signals
from pipelines.board.charts import flow, funnel, ward_map
from pipelines.board.drawing import Drawing, shading, ticks
from pipelines.board.page import STYLE
from pipelines.board.run_charts import run_chart

MONTHS = [f"{year}-{month:02d}" for year in (2024, 2025) for month in range(1, 13)]
UP_AND_DOWN = [100.0, 104.0] * 12


def months(values: list[float | None]) -> list[dict]:
    return [{"month": month, "value": value} for month, value in zip(MONTHS, values, strict=False)]


def wide(drawing: Drawing) -> ElementTree.Element:
    """The drawing for a desk; it is well-formed."""
    return ElementTree.fromstring(re.search('<svg class="chart wide".*?</svg>', drawing.markup, re.DOTALL)[0])


def shapes(drawing: Drawing, css: str) -> list[ElementTree.Element]:
    return [shape for shape in wide(drawing).iter() if css in shape.get("class", "").split()]


def texts(drawing: Drawing) -> list[str]:
    return ["".join(text.itertext()) for text in wide(drawing).iter("text")]


# Run charts


def test_months_that_chance_explains_are_quiet_dots():
    drawing = run_chart(months(UP_AND_DOWN), "Contacts a month", "Contacts")
    assert len(shapes(drawing, "common")) == 24 and not shapes(drawing, "special")
    assert drawing.finding == "Chance alone explains how the months differ. The mean is 102."
    assert {"Mean 102", "Upper limit 113", "Lower limit 91"} <= set(texts(drawing))  # 2.66 x 4 on either side
    assert {row[2] for row in drawing.rows} == {"no"}


def test_seven_months_on_one_side_are_special_and_six_are_not():
    low = [104.0, 100.0] * 8
    six = run_chart(months([*low, 105, 107, 105, 107, 105, 107]), "a", "Contacts")
    assert not shapes(six, "special")
    seven = run_chart(months([*low, 105, 107, 105, 107, 105, 107, 105]), "a", "Contacts")
    assert len(shapes(seven, "special")) == 7 + 1  # one stands in the key
    assert [row[2] for row in seven.rows] == ["no"] * 16 + ["shift"] * 7
    assert seven.finding == "May 2025 to November 2025: every month was above the mean. Chance alone seldom does that."


def test_a_month_beyond_the_limit_is_said():
    drawing = run_chart(months([*UP_AND_DOWN[:23], 160.0]), "a", "Contacts")
    assert drawing.finding == "December 2025: above the limit of chance. Chance alone seldom does that."


def test_eleven_months_have_no_limits_and_twelve_have():
    eleven, twelve = (run_chart(months(UP_AND_DOWN[:count]), "a", "Contacts") for count in (11, 12))
    assert eleven.finding == "It takes 12 months to tell a change from chance. So far there are 11."
    assert not shapes(eleven, "limit") and len(shapes(twelve, "limit")) == 2


def test_a_month_that_is_not_known_is_a_gap_and_not_nothing():
    values: list[float | None] = [*UP_AND_DOWN]
    values[10] = None
    drawing = run_chart(months(values), "a", "Contacts")
    assert len(shapes(drawing, "series")) == 2 and len(shapes(drawing, "common")) == 23
    assert "Not known: November 2024." in drawing.alternative
    assert drawing.rows[10] == ["November 2024", "not known", ""]


def test_limits_begin_anew_only_with_a_reason_which_is_printed():
    values = [*UP_AND_DOWN[:12], *(value + 100 for value in UP_AND_DOWN[:12])]
    drawing = run_chart(months(values), "a", "Contacts", steps={"2025-01": "a new hospital system began"})
    assert not shapes(drawing, "special") and len(shapes(drawing, "mean")) == 2
    assert "From January 2025, mean and limits are worked out anew: a new hospital system began." in drawing.markup
    assert shapes(run_chart(months(values), "a", "Contacts"), "special")


def test_nothing_to_show_is_said():
    assert run_chart(months([None] * 24), "a", "Contacts").finding == "No month can be shown."


# Flows


def paths(**amounts: int | None) -> list[dict]:
    return [{"path": tuple(name.split("_")), "amount": amount} for name, amount in amounts.items()]


def test_bands_are_as_thick_as_their_amounts_and_the_withheld_one_is_not_drawn():
    rows = paths(Police_Hospital=300, Police_Council=100, Hospital_Council=None)
    drawing = flow(rows, "Next", "Hand-offs", ["First", "Then"])
    assert len(shapes(drawing, "band")) == 2
    heights = {float(bar.get("height")) for bar in shapes(drawing, "bar")}
    assert max(heights) == pytest.approx(4 * min(heights), rel=0.01)  # Police 400, Council 100
    assert drawing.finding == "The most frequent way: Police → Hospital, about 300."
    assert "1 figure is withheld and not drawn." in drawing.alternative
    assert drawing.rows[2] == ["Hospital", "Council", "withheld"]


def test_the_smallest_flows_beyond_twelve_are_drawn_as_other():
    rows = paths(**{f"A_B{number:02d}": 1000 - number for number in range(14)})
    names = texts(flow(rows, "Next", "Hand-offs", ["First", "Then"]))
    assert "B11 989" in names and "Other 1,975" in names and not any(name.startswith("B12") for name in names)


def test_a_flow_of_four_steps_is_refused():
    with pytest.raises(ValueError, match="two or three steps"):
        flow([{"path": tuple("abcd"), "amount": 1}], "Next", "Hand-offs", list("abcd"))


# Funnels


def places(events_of_last: float) -> list[dict]:
    alike = [{"name": f"Ward {n}", "events": 100 + n % 5 * 4, "exposure": 1000} for n in range(19)]
    return [*alike, {"name": "Market", "events": events_of_last, "exposure": 1000}]


def test_only_a_place_outside_the_funnel_is_named():
    inside, outside = (funnel(places(events), "a", "Falls per 1,000", "Residents") for events in (120, 250))
    assert not shapes(inside, "special") and "Market" not in texts(inside)
    assert inside.finding == "No place differs from the others by more than chance and the usual spread explain."
    assert len(shapes(outside, "special")) == 1 and "Market" in texts(outside)
    assert outside.finding.startswith("Market is above what chance")
    assert outside.rows[-1] == ["Market", "250", "1,000", "250.0", "above"]


def test_a_withheld_place_is_in_the_table_alone():
    drawing = funnel([*places(120), {"name": "Quiet", "events": None, "exposure": 900}], "a", "Falls", "Residents")
    assert len(shapes(drawing, "common")) == 20
    assert drawing.rows[-1] == ["Quiet", "withheld", "900", "withheld", ""]


def test_too_few_places_have_no_limits():
    drawing = funnel(places(120)[:9], "a", "Falls", "Residents")
    assert not shapes(drawing, "limit")
    assert drawing.finding == "It takes 10 places to tell a difference from chance. There are 9."


# Maps

SQUARES = [
    {"ward": "W1", "outline": "0,0 100,0 100,100 0,100"},
    {"ward": "W2", "outline": "100,0 200,0 200,100 100,100;140,40 160,40 160,60 140,60"},
]


def wards(*values: float | None) -> list[dict]:
    return [{"ward": f"W{n}", "name": f"Ward {n}", "value": value} for n, value in enumerate(values, 1)]


def test_wards_are_shaded_and_named_and_a_withheld_one_says_so():
    drawing = ward_map(wards(3.0, None), SQUARES, "Map", "Falls per 1,000")
    assert [area.get("class") for area in shapes(drawing, "ward")] == ["ward heat-1", "ward withheld"]
    assert texts(drawing) == ["Ward 1", "3.0", "Ward 2", "withheld"]
    assert drawing.rows == [["Ward 1", "3.0"], ["Ward 2", "withheld"]]


def test_a_label_stands_inside_its_ward_and_not_in_its_hole():
    drawing = ward_map(wards(1.0, 2.0), SQUARES, "Map", "Falls")
    across = float(next(text for text in wide(drawing).iter("text") if text.text == "2.0").get("x"))
    assert not 572 < across < 654  # the hole, at 820 pixels for 200 units


def test_without_outlines_there_is_no_map():
    assert ward_map(wards(1.0), [], "Map", "Falls") is None
    assert ward_map([{"ward": "W9", "name": "x", "value": 1.0}], SQUARES, "Map", "Falls") is None


# Tables that are charts


def test_bars_are_on_one_scale_and_the_longest_of_a_line_is_marked():
    rows = [
        {"name": "Dementia", "part": "Police", "amount": 50},
        {"name": "Dementia", "part": "A&E", "amount": 100},
        {"name": "Falls", "part": "A&E", "amount": 25},
        {"name": "Falls", "part": "Police", "amount": None},
    ]
    drawing = bars_by_part(rows, "Doors", "Spells", "Need")
    cells = re.findall(
        r'<td role="cell" class="([^"]*)"(?: data-label="([^"]*)")?(?: style="--size:([\d.]*)%")?', drawing.markup
    )
    assert cells == [
        ("bar", "Police", "50.0"), ("bar most", "A&amp;E", "100.0"), ("withheld", "Police", ""), ("bar most", "A&amp;E", "25.0"),
    ]  # fmt: skip
    assert drawing.rows == [["Dementia", "50", "100"], ["Falls", "withheld", "25"]]
    assert drawing.finding == "The longest bar is Dementia, A&E: about 100."


def test_a_pair_that_is_not_there_is_no_bar():
    rows = [{"name": "a", "part": "x", "amount": 5}, {"name": "b", "part": "y", "amount": 5}]
    assert bars_by_part(rows, "Doors", "Spells", "Need").rows == [["a", "5", "0"], ["b", "0", "5"]]


def test_a_band_is_drawn_and_written():
    rows = [
        {"name": "Going round", "value": 50, "low": 40, "high": 80},
        {"name": "Seen", "value": 100, "low": None, "high": None},
        {"name": "Few", "value": None, "low": None, "high": None},
    ]
    drawing = bars_with_band(rows, "People", "People", "Figure", marks={"All": 25})
    assert 'class="reach" d="M40.0 10H80.0' in drawing.markup
    assert drawing.markup.count('class="mark" d="M25.0 ') == 2
    assert drawing.rows == [["Going round", "50", "40 to 80"], ["Seen", "100", "–"], ["Few", "withheld", "–"]]
    assert "The line marks all: 25." in drawing.alternative


def test_shades_go_by_fifths_and_equal_values_have_one_shade():
    shades = shading([10, 20, 30, 40, 50, None], "count")
    assert [shades.shade(value) for value in (10, 20, 30, 40, 50)] == [1, 2, 3, 4, 5]
    same = shading([7, 7, 7], "count")
    assert len({same.shade(7)}) == 1 and same.shade(7) == 1
    rows = [{"row": "North", "column": need, "value": value} for need, value in (("Falls", 10), ("Drugs", None))]
    drawing = heat_table(rows, "Area by need", "Contacts", "Ward", "Need")
    assert drawing.rows == [["North", "10", "withheld"]]
    assert '<td role="cell" class="withheld" data-label="Drugs">withheld</td>' in drawing.markup


def test_a_signal_is_a_word_and_a_shape():
    rows = [
        {"name": "A&E", "state": "good", "words": "All there."},
        {"name": "Fire", "state": "missing", "words": "None."},
    ]
    drawing = signals(rows, "Data health", "Service")
    assert '<span class="state missing">Missing</span>' in drawing.markup
    assert drawing.finding == "Fire: look at what is said."


# All of them


def every_chart() -> list[Drawing]:
    odd = '<b>"Odd" & co</b>'
    return [
        run_chart(months(UP_AND_DOWN), odd, odd),
        flow([{"path": (odd, "B"), "amount": 10}], odd, odd, [odd, "Then"]),
        funnel([*places(250), {"name": odd, "events": 300, "exposure": 900}], odd, odd, odd),
        ward_map([{"ward": "W1", "name": odd, "value": 1.0}], SQUARES, odd, odd),
        bars_by_part([{"name": odd, "part": odd, "amount": 5}], odd, odd, odd),
        bars_with_band([{"name": odd, "value": 5, "low": 4, "high": 6}], odd, odd, odd, marks={odd: 3}),
        heat_table([{"row": odd, "column": odd, "value": 5}], odd, odd, odd, odd),
        signals([{"name": odd, "state": "good", "words": odd}], odd, odd),
    ]


@pytest.mark.parametrize("drawing", every_chart())
def test_text_cannot_become_markup_and_the_drawing_is_well_formed(drawing):
    assert "<b>" not in drawing.markup
    ElementTree.fromstring(f"<div>{drawing.markup}</div>")
    assert drawing.finding and drawing.alternative and drawing.rows
    assert all(len(row) == len(drawing.columns) for row in drawing.rows)


def test_both_widths_of_a_drawing_have_a_name_and_a_description_of_their_own():
    drawing = run_chart(months(UP_AND_DOWN), "Contacts a month", "Contacts")
    ids = re.findall(r' id="([^"]+)"', drawing.markup)
    assert len(ids) == len(set(ids)) == 4
    for pointed in re.findall(r'aria-(?:labelledby|describedby)="([^"]+)"', drawing.markup):
        assert pointed in ids


def test_ticks_are_round_and_within():
    assert ticks(0, 100) == [0, 50, 100]
    assert ticks(91, 113) == [100, 110]
    assert ticks(0, 0.4) == [0, 0.1, 0.2, 0.3, 0.4]
    assert ticks(5, 5) == [5]


# Colours


def colours(part: str) -> dict[str, str]:
    return dict(re.findall(r"(--[a-z0-9-]+): (#[0-9a-f]{6})", part))


def contrast(one: str, other: str) -> float:
    def light(colour: str) -> float:
        parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return math.fsum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    high, low = sorted((light(one), light(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark", "print"])
def test_text_and_shapes_stand_out_from_the_paper(scheme):
    """WCAG 2.2: 4.5 to 1 for text, 3 to 1 for what must be seen to understand a drawing."""
    css = STYLE.read_text(encoding="utf-8")
    light, dark, paper = re.findall(r":root \{(.*?)\}", css, re.DOTALL)
    found = colours(light) | colours({"light": "", "dark": dark, "print": paper}[scheme])
    for ink in ("--ink", "--quiet", "--accent"):
        assert contrast(found[ink], found["--paper"]) >= 4.5, ink
        assert contrast(found[ink], found["--page"]) >= 4.5, ink
    for shape in ("--accent", "--special", "--quiet", *(f"--series-{n}" for n in range(1, 6))):
        assert contrast(found[shape], found["--paper"]) >= 3, shape
    for shade in range(1, 6):
        ink = "--heat-low-ink" if shade <= 3 else "--heat-high-ink"
        assert contrast(found[f"--heat-{shade}"], found[ink]) >= 4.5, shade


def test_the_diamond_of_special_cause_is_neither_red_nor_green():
    for special in re.findall(r"--special: (#[0-9a-f]{6})", STYLE.read_text(encoding="utf-8")):
        red, green, blue = (int(special[place : place + 2], 16) for place in (1, 3, 5))
        assert blue > red > green
