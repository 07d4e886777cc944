"""Sentences of the pack, each made of rows of the board database. Every number in them comes from the ledger.

A figure that is withheld or missing takes its sentence with it. What does not belong here: how a number is written
(words.py), and text that does not depend on a figure (pack.html).
"""

from collections.abc import Sequence

from markupsafe import Markup

from pipelines.board import words
from pipelines.board.drawing import Row
from pipelines.board.ledger import Cell, Ledger

SIGN = "With the sign"  # the contacts of board.opportunities that show what a rule looks for
HOW_KNOWN = {
    "model": "By the linkage model's own reckoning, which nobody has checked by hand",
    "NHS numbers": "Measured by verified NHS numbers that the linkage had not seen",
    "answer key": "Measured beside an answer key",
}
GROUPS = {"People who cycle": "People who go round"}  # groups of board.costs in the words of the pack
WHOLE, ALL_NEEDS, ALL_SERVICES = "Whole partnership", "All needs", "All services"


def headline(ledger: Ledger, row: Row) -> Row:
    """A headline as `figure` (None where it is withheld), `label`, `interval` and `share` in words."""
    label = words.uncapitalised(row["label"])
    if row["withheld_reason"]:
        return {"figure": None, "label": label, "interval": row["withheld_reason"], "share": ""}
    if row["unit"] == "minutes":
        fixed = row["contacts_low"] == row["contacts_high"]
        return {
            "figure": ledger.hours(Cell("headlines", row, "minutes")), "label": f"hours of {label}", "share": "",
            "interval": "the way records are linked does not change this" if fixed else "",
        }  # fmt: skip
    cell = Cell("headlines", row, row["unit"])
    return {
        "figure": ledger.count(cell),
        "label": label,
        "interval": interval(ledger, cell),
        "share": of_all(ledger, row),
    }


def of_all(ledger: Ledger, row: Row) -> Markup | str:
    """A headline's share in words, with its counts where they are not the headline's; '' where it has none."""
    part, whole = (Cell("headlines", row, f"{row['unit']}_{end}") for end in ("in_base", "base"))
    if not row["share_of"] or words.share(part.value, whole.value) is None:
        return ""
    share = Markup("{} of all {}").format(ledger.share(part, whole), row["share_of"])
    if part.value == row[row["unit"]]:
        return share
    return Markup("{} ({} of {})").format(share, ledger.count(part), ledger.count(whole))


def interval(ledger: Ledger, cell: Cell) -> Markup | str:
    """The band over the draws of who may be who, in words; '' where the number has none."""
    low, high = (Cell(cell.table, cell.row, f"{cell.column}_{end}") for end in ("low", "high"))
    if cell.row.get(low.column) is None:
        return ""
    if low.value == high.value:
        return "linking hardly moves it"
    said = "linking leaves open {} to {}"
    if not low.value <= cell.value <= high.value:
        said = "by the likeliest links; all that are likely give {} to {}"
    return Markup(said).format(ledger.count(low), ledger.count(high))


def ends(ledger: Ledger, cell: Cell) -> Markup:
    """Both ends of a band, for a cell of a table."""
    return Markup("{} to {}").format(
        *(ledger.count(Cell(cell.table, cell.row, f"{cell.column}_{end}")) for end in ("low", "high"))
    )


def beside(ledger: Ledger, cell: Cell) -> Markup:
    """A number with its band in brackets, where the band as it is printed is more than the number itself."""
    low, high = (cell.row.get(f"{cell.column}_{end}") for end in ("low", "high"))
    if low is None or (low == cell.value == high):
        return ledger.count(cell)
    return _bracketed(ledger.count(cell), ends(ledger, cell))


def share_beside(ledger: Ledger, part: Cell, whole: Cell) -> Markup:
    """A share with the widest that the bands of its part and its whole allow, where that is more than the share."""
    share = ledger.share(part, whole)
    limits = [
        (Cell(part.table, part.row, f"{part.column}_{one}"), Cell(whole.table, whole.row, f"{whole.column}_{other}"))
        for one, other in (("low", "high"), ("high", "low"))
    ]
    if len({words.percent(one.value / other.value) for one, other in [(part, whole), *limits]}) == 1:
        return share
    return _bracketed(share, Markup("{} to {}").format(*(ledger.share(*limit) for limit in limits)))


def _bracketed(number: Markup, band: Markup) -> Markup:
    """A number with its band in brackets, which do not break over lines."""
    return Markup('{} <span class="ends">({})</span>').format(number, band)


def summary(ledger: Ledger, headlines: Sequence[Row], doors: Sequence[Row]) -> list[Markup]:
    """The whole pack in a few sentences."""
    rows = {row["headline_id"]: row for row in headlines if not row["withheld_reason"]}
    sentences = []
    if cycle := rows.get("people_who_cycle"):
        cell, share = Cell("headlines", cycle, "people"), of_all(ledger, cycle)
        share = Markup(", {}").format(share) if share else ""
        sentences.append(
            Markup("About {} people go round between services in crisis{} ({}).").format(
                ledger.count(cell), share, interval(ledger, cell)
            )
        )
    contacts = rows.get("contacts_of_people_who_cycle")
    if contacts and of_all(ledger, contacts):
        sentences.append(Markup("They make {}.").format(of_all(ledger, contacts)))
    return [*sentences, *filter(None, [missed_most(ledger, doors, ALL_NEEDS)])]


def of_need(doors: Sequence[Row], need: str, district: str = WHOLE) -> tuple[Row | None, list[Row]]:
    """The row of all services for a need and place, and the published doors, most spells first."""
    rows = [row for row in doors if row["need_label"] == need and row["district_label"] == district]
    whole = next((row for row in rows if row["door_label"] == ALL_SERVICES), None)
    parts = [row for row in rows if row["door_label"] != ALL_SERVICES and not row["withheld_reason"]]
    return whole, sorted(parts, key=lambda row: (-row["spells"], row["door_label"]))


def missed_most(ledger: Ledger, doors: Sequence[Row], need: str, district: str = WHOLE) -> Markup | None:
    """Where the first missed door is most often for a need, of how many, and the band."""
    whole, parts = of_need(doors, need, district)
    if not parts:
        return None
    cell = Cell("first_missed_doors", parts[0], "spells")
    of = ""
    if whole and not whole["withheld_reason"]:
        of = Markup(" of {}").format(ledger.count(Cell("first_missed_doors", whole, "spells")))
    band = interval(ledger, cell)
    about = "" if need == ALL_NEEDS else f"for {words.uncapitalised(need)} "
    return Markup("The first missed door {}is most often with {}: about {}{} spells that came to a crisis{}.").format(
        about, words.uncapitalised(parts[0]["door_label"]), ledger.count(cell), of,
        Markup(" ({})").format(band) if band else "",
    )  # fmt: skip


def too_close(parts: Sequence[Row]) -> bool:
    """Whether linking may bring the second of the doors first."""
    return len(parts) > 1 and parts[0]["spells_low"] <= parts[1]["spells_high"]


def how_sure(ledger: Ledger, parts: Sequence[Row]) -> Markup | str:
    """Whether the first of the doors could be another one, as far as linking can tell."""
    if len(parts) < 2:
        return "No other door has enough people to be shown."
    second = parts[1]
    other = Markup("{}, about {}").format(
        words.uncapitalised(second["door_label"]), ledger.count(Cell("first_missed_doors", second, "spells"))
    )
    if too_close(parts):
        return Markup("Too close to tell: the next is {}, and linking may bring it first.").format(other)
    return Markup("Sure of the order: the next is {}, and no likely way of linking records brings it first.").format(
        other
    )


def doors_by_need(ledger: Ledger, doors: Sequence[Row], district: str = WHOLE) -> list[Row]:
    """For each need that has a published door, most spells first: that door, its spells, their band, and how sure it is."""
    found = []
    for need in dict.fromkeys(row["need_label"] for row in doors if row["need_label"] != ALL_NEEDS):
        whole, parts = of_need(doors, need, district)
        if parts:
            found.append((parts[0]["spells"], need, whole, parts))
    lines = []
    for _, need, whole, parts in sorted(found, key=lambda line: (-line[0], line[1])):
        cell = Cell("first_missed_doors", parts[0], "spells")
        total = Cell("first_missed_doors", whole, "spells") if whole and not whole["withheld_reason"] else None
        lines.append({
            "need": need, "door": parts[0]["door_label"], "spells": ledger.count(cell),
            "of": ledger.count(total) if total else "withheld", "band": ends(ledger, cell),
            "sure": how_sure(ledger, parts), "close": too_close(parts),
        })  # fmt: skip
    return lines


def last_month(ledger: Ledger, monthly: Sequence[Row]) -> Markup | str:
    """The last complete month, and what part of its contacts people who cycle made."""
    rows = [row for row in monthly if row["feed_label"] == ALL_SERVICES and row["contacts"] is not None]
    for row in sorted((row for row in rows if row["group_label"] == "Everybody"), key=lambda row: row["month"])[::-1]:
        cycling = next(
            (r for r in rows if r["month"] == row["month"] and r["group_label"] != "Everybody"), None
        )  # fmt: skip
        if cycling and words.share(cycling["contacts"], row["contacts"]) is not None:
            part, whole = Cell("monthly_contacts", cycling, "contacts"), Cell("monthly_contacts", row, "contacts")
            return Markup("In {}, about {} of {} contacts were of people who go round: {}.").format(
                words.month(row["month"]), beside(ledger, part), ledger.count(whole), ledger.share(part, whole)
            )
    return ""


def largest_share(shares: Sequence[Row]) -> str:
    """Of rows row (need), column (place) and value (share): the need that has the largest share anywhere."""
    top = max((row for row in shares if row["value"] is not None), key=lambda row: row["value"], default=None)
    if top is None:
        return ""
    return (
        f"{top['row']} has its largest share in {top['column']}: {words.percent(top['value'])} of all contacts there."
    )


def concentrated(ledger: Ledger, parts: Sequence[Row]) -> Markup | str:
    """What share the people with the most contacts have, and what chance alone would give them."""
    rows = {row["part_label"]: row for row in parts if not row["withheld_reason"]}
    top, whole = rows.get("Top 5 %"), rows.get("Everybody")
    if not top or not whole or words.share(top["contacts"], whole["contacts"]) is None:
        return ""
    everybody = Cell("concentration", whole, "contacts")
    return Markup(
        "The 5 in 100 people with the most contacts have {} of all contacts. Were it chance alone who comes how often, "
        "some would still come oftener, and the top 5 in 100 would have {}."
    ).format(
        *(ledger.share(Cell("concentration", top, name), everybody) for name in ("contacts", "contacts_by_chance"))
    )


def outcome(ledger: Ledger, outcomes: Sequence[Row], district: str = WHOLE) -> Markup | str:
    """How many of the people followed had no crisis for a year, and how many came back in a later spell."""
    rows = {
        row["outcome_label"]: row
        for row in outcomes
        if row["need_label"] == ALL_NEEDS and row["district_label"] == district and not row["withheld_reason"]
    }
    whole, free, again = (
        rows.get(name) for name in ("Everybody followed", "No crisis for a year", "Again after 28 days or more")
    )
    if not whole or not free or words.share(free["people"], whole["people"]) is None:
        return ""
    everybody = Cell("outcomes", whole, "people")
    later = ""
    if again:
        later = Markup(" {} came back after 28 days or more, in a new spell.").format(
            share_beside(ledger, Cell("outcomes", again, "people"), everybody)
        )
    return Markup(
        "Of about {} people followed for a year after their first crisis here, {} had no other crisis.{}"
    ).format(beside(ledger, everybody), share_beside(ledger, Cell("outcomes", free, "people"), everybody), later)


def free_days(ledger: Ledger, outcomes: Sequence[Row]) -> Markup | str:
    """The mean days without a crisis in the year after one, of everybody followed and of those back within 28 days."""
    rows = {
        row["outcome_label"]: Cell("outcomes", row, "crisis_free_days")
        for row in outcomes
        if row["need_label"] == ALL_NEEDS and row["district_label"] == WHOLE and not row["withheld_reason"]
    }
    if "Everybody followed" not in rows or "Again within 28 days" not in rows:
        return ""
    return Markup(
        "In that year they had on average {} of 365 days without a crisis; those back within 28 days, {}."
    ).format(beside(ledger, rows["Everybody followed"]), beside(ledger, rows["Again within 28 days"]))


def targets(ledger: Ledger, waits: Sequence[Row]) -> Markup | str:
    """What share of A&E stays took up to 4 hours, and how many took 12 hours or more."""
    rows = {row["wait_label"]: row for row in waits if row["age_label"] == "All ages" and not row["withheld_reason"]}
    whole, short = rows.get("All stays"), rows.get("Up to 4 hours")
    if not whole or not short or words.share(short["stays"], whole["stays"]) is None:
        return ""
    return Markup("{} of about {} A&E stays took up to 4 hours.").format(
        ledger.share(Cell("ae_waits", short, "stays"), Cell("ae_waits", whole, "stays")),
        ledger.count(Cell("ae_waits", whole, "stays")),
    )


def moved(ledger: Ledger, demand: Sequence[Row]) -> Markup | str:
    """How many contacts the police no longer attend, what share of them another service saw, and the same of the others."""
    rows = {
        (row["attended_label"], row["seen_label"]): row
        for row in demand
        if row["need_label"] == ALL_NEEDS and not row["withheld_reason"]
    }

    def seen(attended: str) -> tuple[Cell, Cell] | None:
        part, whole = rows.get((attended, "Seen by another service")), rows.get((attended, "Seen or not"))
        if not part or not whole or words.share(part["contacts"], whole["contacts"]) is None:
            return None
        return Cell("police_demand", part, "contacts"), Cell("police_demand", whole, "contacts")

    gone, went = seen("No longer attended"), seen("Attended")
    if not gone:
        return "There are too few contacts that the police no longer attend to give a share."
    attended = Markup(" Where officers did attend, it was {}.").format(share_beside(ledger, *went)) if went else ""
    return Markup(
        "The police no longer attended about {} contacts. Another service saw the person within 72 hours in {} of them.{}"
    ).format(beside(ledger, gone[1]), share_beside(ledger, *gone), attended)


def offers(ledger: Ledger, rows: Sequence[Row], listed: Sequence[Row], needs: Sequence[Row]) -> list[Row]:
    """Each offer with the needs it answers: signals, those it was there for, people a month and places a month."""
    labels = {need["need"]: need["label"] for need in needs}
    answers = {
        offer["label"]: [words.uncapitalised(labels[need]) for need in offer["needs"].split(";") if need in labels]
        for offer in listed
    }
    lines = []
    for row in (row for row in rows if row["there_label"] == "All signals"):
        there = next(
            (r for r in rows if r["offer_label"] == row["offer_label"] and r["there_label"] == "There and open"), None
        )
        hidden = row["withheld_reason"] or "none"
        people = Cell("offers", row, "people")
        lines.append({
            "offer": row["offer_label"], "needs": words.listed(answers.get(row["offer_label"], [])),
            "signals": hidden if row["withheld_reason"] else beside(ledger, Cell("offers", row, "signals")),
            "there": beside(ledger, Cell("offers", there, "signals"))
            if there and not there["withheld_reason"] else there["withheld_reason"] if there else "none",
            "a_month": hidden if row["withheld_reason"] else ledger.a_month(people, row["months"]),
            "places": ledger.count(Cell("offers", row, "places_a_month"))
            if row["places_a_month"] is not None else "not known",
        })  # fmt: skip
    return lines


def opportunities(ledger: Ledger, rows: Sequence[Row]) -> list[Row]:
    """Each rule with its signals and the share that a crisis followed, beside that share of the contacts like them."""
    found = {(row["rule_label"], row["sign_label"], row["followed_label"]): row for row in rows}

    def share(rule: str, sign: str) -> str:
        whole, part = found.get((rule, sign, "All contacts")), found.get((rule, sign, "A crisis followed"))
        if not whole or not part or whole["withheld_reason"] or part["withheld_reason"]:
            return "too few to say"
        cells = Cell("opportunities", part, "contacts"), Cell("opportunities", whole, "contacts")
        return (
            "too few to say" if words.share(*(cell.value for cell in cells)) is None else share_beside(ledger, *cells)
        )

    return [
        {
            "rule": rule.split(": ", 1)[-1], "signals": beside(ledger, Cell("opportunities", row, "contacts")),
            "share": share(rule, SIGN), "otherwise": share(rule, "Like them, without the sign"),
        }
        for (rule, sign, followed), row in found.items()
        if (sign, followed) == (SIGN, "All contacts") and not row["withheld_reason"]
    ]  # fmt: skip


def costs(ledger: Ledger, rows: Sequence[Row]) -> list[Row]:
    """Each kind of contact with what the contacts of a group come to at average cost, with the published range."""
    return [
        {
            "group": GROUPS.get(row["group_label"], row["group_label"]), "cost": row["cost_label"], "bearer": row["bearer_label"],
            "year": row["price_year"], "contacts": beside(ledger, Cell("costs", row, "contacts")),
            "pounds": ledger.pounds(Cell("costs", row, "units"), "pounds"),
            "low": ledger.pounds(Cell("costs", row, "units"), "pounds_low"),
            "high": ledger.pounds(Cell("costs", row, "units"), "pounds_high"),
            "range": row["pounds_low"] != row["pounds_high"],
        }
        for row in rows
        if not row["withheld_reason"]
    ]  # fmt: skip


def linkage(ledger: Ledger, errors: Sequence[Row]) -> Markup | str:
    """How many links may be wrong and how many missed, with how that is known; '' if it was not measured."""
    rows = {row["error_label"]: row for row in errors}
    wrong, missed = rows.get("Links that may be wrong"), rows.get("Links that are missed")
    if not wrong or not missed:
        return ""
    return Markup("{}, about {} in 1,000 links may be wrong and about {} in 1,000 are missed.").format(
        HOW_KNOWN.get(wrong["how_known"], wrong["how_known"]),
        *(beside(ledger, Cell("linkage_errors", row, "of_1000")) for row in (wrong, missed)),
    )
