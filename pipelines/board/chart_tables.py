"""Charts whose every value stands in a cell: bars, bars with bands, shaded cells and traffic lights, as HTML tables.

Such a chart is its own text alternative: a screen reader reads the table, the numbers stand beside the bars, and no colour
says anything that a number or a word does not say. What does not belong here: what is drawn (charts.py, run_charts.py) and
sentences that choose among figures (words.py).
"""

from collections.abc import Mapping, Sequence

from markupsafe import Markup

from pipelines.board import words
from pipelines.board.drawing import WITHHELD, Drawing, Row, attribute, in_order, left_out, said, shading, written

STATES = {"good": "Good", "look": "Look into it", "missing": "Missing"}


def bars_by_part(
    rows: Sequence[Row], title: str, unit: str, named: str, parts: Sequence[str] = (), form: str = "count"
) -> Drawing:
    """A line for each name with a bar for each part, on one scale: the most frequent part of a line is marked.

    Rows: name, part, amount (None where it is withheld; a pair without a row is none at all), and low and high where a
    band stands in brackets in the table behind. named: what the names are. parts: their order; without it, that in which
    they come.
    """
    names, parts = in_order(row["name"] for row in rows), list(parts) or in_order(row["part"] for row in rows)
    amounts = {(row["name"], row["part"]): row["amount"] for row in rows}
    bands = {(row["name"], row["part"]): f" ({_span(row, form)})" for row in rows if row.get("low") is not None}
    longest = max((amount for amount in amounts.values() if amount is not None), default=0) or 1
    most = {name: max((amounts.get((name, part)) or 0 for part in parts), default=0) for name in names}

    def cell(name: str, part: str) -> str:
        if (name, part) not in amounts:
            return _cell(part, "–", "none")
        amount = amounts[name, part]
        if amount is None:
            return _cell(part, WITHHELD, WITHHELD)
        largest = amount == most[name] and amount > 0
        return _cell(part, written(amount, form), "bar most" if largest else "bar", amount / longest)

    lines = [(name, [cell(name, part) for part in parts]) for name in names]
    finding = _part_finding(rows, form)
    note = left_out(row["amount"] for row in rows)
    table = [
        [name, *(written(amounts.get((name, part), 0), form) + bands.get((name, part), "") for part in parts)]
        for name in names
    ]
    alternative = said(f"{unit}, by {words.uncapitalised(named)}.", finding, note)
    return Drawing(_table(title, unit, [named, *parts], lines), alternative, finding, [named, *parts], table)


def _part_finding(rows: Sequence[Row], form: str) -> str:
    top = max((row for row in rows if row["amount"]), key=lambda row: row["amount"], default=None)
    if top is None:
        return "There is nothing that can be shown."
    return (
        f"The longest bar is {top['name']}, {words.uncapitalised(top['part'])}: about {written(top['amount'], form)}."
    )


def bars_with_band(
    rows: Sequence[Row],
    title: str,
    unit: str,
    named: str,
    form: str = "count",
    marks: Mapping[str, float] | None = None,
) -> Drawing:
    """A bar for each name, with the band in which the true value lies as a line over its end.

    Rows: name, value (None where it is withheld), low, high (None where there is no band). marks: name of a value that is
    drawn through all bars, such as that of the whole partnership.
    """
    marks = marks or {}
    ends = [row[end] for row in rows for end in ("value", "low", "high") if row[end] is not None]
    longest = max([*ends, *marks.values()], default=0) or 1
    lines = []
    for row in rows:
        if row["value"] is None:
            lines.append((row["name"], [_cell(unit, WITHHELD, WITHHELD), _cell("", "", "bar-only")]))
            continue
        band = "" if row["low"] is None else f" <small>({_span(row, form)})</small>"
        figure = f'<td class="number" data-label="{attribute(unit)}"><strong>{written(row["value"], form)}</strong>{band}</td>'
        lines.append((row["name"], [figure, _band(row, longest, marks)]))
    finding = _band_finding(rows, form)
    marked = [f"The line marks {words.uncapitalised(name)}: {written(value, form)}." for name, value in marks.items()]
    alternative = said(
        f"{unit}, by {words.uncapitalised(named)}.", finding, *marked, left_out(row["value"] for row in rows)
    )
    table = [
        [row["name"], written(row["value"], form), _span(row, form) if row["low"] is not None else "–"] for row in rows
    ]
    markup = _table(title, said(f"{unit}.", *marked), [named, unit, ""], lines, "banded")
    return Drawing(markup, alternative, finding, [named, unit, "Likely between"], table)


def _span(row: Row, form: str) -> str:
    return f"{written(row['low'], form)} to {written(row['high'], form)}"


def _band_finding(rows: Sequence[Row], form: str) -> str:
    top = max((row for row in rows if row["value"] is not None), key=lambda row: row["value"], default=None)
    if top is None:
        return "There is nothing that can be shown."
    between = (
        "" if top["low"] is None else f", likely between {written(top['low'], form)} and {written(top['high'], form)}"
    )
    return f"The highest is {words.uncapitalised(top['name'])}: {written(top['value'], form)}{between}."


def _band(row: Row, longest: float, marks: Mapping[str, float]) -> str:
    """The bar, its band and the marks, stretched over the cell; the numbers stand in the cell before."""
    shapes = [f'<path class="bar" d="M0 4H{_of_100(row["value"], longest)}V16H0Z"/>']
    shapes += [f'<path class="mark" d="M{_of_100(value, longest)} 0V20"/>' for value in marks.values()]
    if row["low"] is not None:
        low, high = _of_100(row["low"], longest), _of_100(row["high"], longest)
        shapes.append(f'<path class="reach" d="M{low} 10H{high}M{low} 6V14M{high} 6V14"/>')
    return (
        '<td class="bar-only"><svg viewBox="0 0 100 20" preserveAspectRatio="none" aria-hidden="true">'
        f"{''.join(shapes)}</svg></td>"
    )


def _of_100(value: float, longest: float) -> str:
    return f"{100 * value / longest:.1f}"


def heat_table(
    rows: Sequence[Row], title: str, unit: str, rows_are: str, columns_are: str, form: str = "count"
) -> Drawing:
    """A cell for each pair, in five shades, with its number.

    Rows: row, column, value (None where it is withheld; a pair without a row is not known). rows_are, columns_are: what
    they name, such as Ward and Need.
    """
    names, columns = in_order(row["row"] for row in rows), in_order(row["column"] for row in rows)
    values = {(row["row"], row["column"]): row["value"] for row in rows}
    shades = shading(values.values(), form)

    def cell(name: str, column: str) -> str:
        if (name, column) not in values:
            return _cell(column, "–", "none")
        value = values[name, column]
        return _cell(column, written(value, form), WITHHELD if value is None else f"heat heat-{shades.shade(value)}")

    lines = [(name, [cell(name, column) for column in columns]) for name in names]
    finding = _heat_finding(rows, form)
    alternative = said(
        f"{unit}, by {words.uncapitalised(rows_are)} and {words.uncapitalised(columns_are)}.", finding,
        left_out(values.values()),
    )  # fmt: skip
    table = [
        [name, *(written(values[name, column], form) if (name, column) in values else "–" for column in columns)]
        for name in names
    ]
    markup = shades.legend(values.values()) + _table(title, unit, [rows_are, *columns], lines, "heats")
    return Drawing(markup, alternative, finding, [rows_are, *columns], table)


def _heat_finding(rows: Sequence[Row], form: str) -> str:
    top = max((row for row in rows if row["value"] is not None), key=lambda row: row["value"], default=None)
    if top is None:
        return "There is nothing that can be shown."
    return f"The highest is {top['row']}, {top['column']}: {written(top['value'], form)}."


def signals(rows: Sequence[Row], title: str, named: str) -> Drawing:
    """Traffic lights by shape and word: a full, a half and an empty circle. Rows: name, state (a key of STATES), words."""
    lines = [
        (
            row["name"],
            [
                f'<td data-label="State"><span class="state {row["state"]}">{STATES[row["state"]]}</span></td>',
                _cell("What was found", row["words"], ""),
            ],
        )
        for row in rows
    ]
    bad = [row["name"] for row in rows if row["state"] != "good"]
    finding = f"{words.listed(bad)}: look at what is said." if bad else "Nothing here calls for a closer look."
    table = [[row["name"], STATES[row["state"]], row["words"]] for row in rows]
    columns = [named, "State", "What was found"]
    return Drawing(_table(title, "", columns, lines, "signals"), finding, finding, columns, table)


def _table(
    title: str, unit: str, columns: Sequence[str], lines: Sequence[tuple[str, list[str]]], css: str = "bars"
) -> Markup:
    """Roles are said aloud, because on a telephone the table is laid out as blocks, which takes them away."""
    head = "".join(
        f'<th scope="col" role="columnheader">{attribute(name)}</th>' if name else "<td></td>" for name in columns
    )
    body = "".join(
        f'<tr role="row"><th scope="row" role="rowheader">{attribute(name)}</th>{"".join(cells)}</tr>'
        for name, cells in lines
    )
    caption = f"<caption>{attribute(unit)}</caption>" if unit else ""
    return Markup(
        f'<table class="drawn {css}" role="table" aria-label="{attribute(title)}">{caption}'
        f'<thead role="rowgroup"><tr role="row">{head}</tr></thead><tbody role="rowgroup">{body}</tbody></table>'
    )


def _cell(label: str, text: str, css: str, size: float | None = None) -> str:
    drawn = "" if size is None else f' style="--size:{100 * size:.1f}%"'
    labelled = f' data-label="{attribute(label)}"' if label else ""
    return f'<td role="cell" class="{css}"{labelled}{drawn}>{attribute(text)}</td>'
