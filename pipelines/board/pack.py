"""The board pack: one self-contained HTML page, made from board.duckdb and what the release says about itself.

It reads no mart and no warehouse, so that no figure can reach the page around disclosure control. Every number is asked
of the ledger, which keeps its query for the appendix; every chart is drawn from the rows of one query. What does not
belong here: drawings (charts.py, chart_tables.py, run_charts.py), sentences (sentences.py), text and looks (pack.html,
page.css).
"""

from pathlib import Path

import duckdb

from pipelines.board import sentences, words
from pipelines.board.chart_tables import bars_by_part, heat_table, signals
from pipelines.board.charts import flow, funnel, ward_map
from pipelines.board.drawing import Drawing, Row
from pipelines.board.ledger import Cell, Figure, Ledger
from pipelines.board.page import render_page
from pipelines.board.run_charts import run_chart
from pipelines.warehouse.names import literal

HEADLINE_DEFINITION = "cross_agency_cycle"
BY_CONTACT = "None: counted by contact, and linking does not move it."
NOT_WORKED_OUT = "Not worked out."
KEYS = {
    "headlines": ["headline_id"],
    "monthly_contacts": ["month", "feed_label", "group_label"],
    "district_contacts": ["month", "district_label"],
    "concentration": ["part_label"],
    "ae_waits": ["age_label", "wait_label"],
    "ae_waits_by_month": ["month", "wait_label"],
    "costs": ["group_label", "cost_label"],
    "first_missed_doors": ["need_label", "door_label", "district_label"],
    "ways_on": ["first_label", "second_label", "third_label"],
    "handoffs": ["from_label", "to_label", "need_kept"],
    "ward_needs": ["need_label", "district_label", "ward_label"],
    "ward_crises": ["district_label", "ward_label"],
    "offers": ["offer_label", "there_label"],
    "opportunities": ["rule_label", "sign_label", "followed_label"],
    "outcomes": ["need_label", "district_label", "outcome_label"],
    "police_demand": ["need_label", "attended_label", "seen_label"],
    "feed_health": ["feed_label", "agency"],
    "linkage_errors": ["error_label"],
}  # the columns that name a row of each board table
NO_BAND = {
    ("headlines", "minutes"): BY_CONTACT,
    ("headlines", "people_base"): "As in the list of headlines, if it is there.",
    ("headlines", "contacts_base"): "As in the list of headlines, if it is there.",
    ("headlines", "people_in_base"): "As in the list of headlines, if it is there.",
    ("headlines", "contacts_in_base"): "As in the list of headlines, if it is there.",
    ("monthly_contacts", "contacts"): BY_CONTACT,
    ("district_contacts", "contacts"): BY_CONTACT,
    ("concentration", "contacts_by_chance"): NOT_WORKED_OUT,
    ("ae_waits", "stays"): "None: counted by stay. Linking can only move whose age is known.",
    ("ae_waits_by_month", "stays"): BY_CONTACT,
    ("ways_on", "spells"): NOT_WORKED_OUT,
    ("ward_needs", "contacts"): BY_CONTACT,
    ("ward_needs", "people"): NOT_WORKED_OUT,
    ("ward_crises", "crisis_contacts"): BY_CONTACT,
    ("ward_crises", "resident_years"): "None: residents come from public figures.",
    ("offers", "places_a_month"): "None: the service says it.",
    ("costs", "units"): "As that of the contacts beside it.",
    ("linkage_errors", "of_1000"): NOT_WORKED_OUT,
    ("feed_health", "received"): "None: counted as it arrived, before linking.",
    ("feed_health", "refused"): "None: counted as it arrived, before linking.",
    ("feed_health", "people"): "None: counted as it arrived, before linking.",
}  # why a number has no linkage band; where its row has one, that stands
CHANGES = "headline_changes"  # there once a release was compared with another
LONG_WAITS = ("12 to 24 hours", "24 hours or more")
OUTCOMES = ("No crisis for a year", "Again after 28 days or more", "Again within 28 days")
WENT = ("Seen by another service", "Passed on and not seen", "Ended with the police")
NOT_KNOWN = "Elsewhere or not known"
GIVE_UP = "Fewer contacts can mean that help worked, or that people gave up, moved or died."


def render_pack(board: Path, out: Path, facts: dict) -> None:
    """Writes the page `out` from the board database. `facts` are as pipelines.publish.about.pack_facts gives them."""
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH {literal(str(board))} AS board (READ_ONLY)")
        ledger = Ledger(connection, KEYS, NO_BAND, facts["round_to"])
        render_page("pack.html", out, facts=facts, **_contents(ledger, facts))


def _contents(ledger: Ledger, facts: dict) -> dict:
    """All that the page says, in the order of its sections, so that the appendix has their order."""
    ledger.period = _period(ledger)
    headlines, doors = ledger.rows("headlines", order="position"), ledger.rows("first_missed_doors")
    outcomes = ledger.rows("outcomes")
    contents = {
        "period": ledger.period,
        "summary": sentences.summary(ledger, headlines, doors),
        "headlines": [sentences.headline(ledger, row) | {"id": row["headline_id"]} for row in headlines],
        "changes": _changes(ledger),
        "numbers": _numbers(ledger),
        "costs": sentences.costs(ledger, ledger.rows("costs")),
        "needs": sentences.doors_by_need(ledger, doors),
        "doors": _doors(ledger),
        "area": _area(ledger, facts),
        "offers": sentences.offers(ledger, ledger.rows("offers"), facts["offers"], facts["needs"]),
        "rules": sentences.opportunities(ledger, ledger.rows("opportunities")),
        "outcomes": _outcomes(ledger, outcomes),
        "moved": _moved(ledger),
        "health": _health(ledger),
        "linkage": sentences.linkage(ledger, ledger.rows("linkage_errors")),
        "districts": [
            _district(ledger, name, letter, doors, outcomes)
            for name, letter in zip(_districts(ledger), "ABCDEFGHIJKLMNOPQRSTUVWXYZ", strict=False)
        ],
        "cycling_definition": next(
            (d["label"] for d in facts["definitions"] if d["definition_id"] == HEADLINE_DEFINITION), ""
        ),
        "withheld_needs": words.listed(withheld_needs(doors)),
    }
    return contents | {"entries": list(ledger.entries.values()), "figures": ledger.figures}


def _period(ledger: Ledger) -> str:
    (row,) = ledger.query("SELECT min(month) AS first, max(month) AS last FROM board.monthly_contacts")
    return f"{words.month(row['first'])} to {words.month(row['last'])}" if row["first"] else "no month"


def _changes(ledger: Ledger) -> dict[str, str]:
    """Headlines that moved since the release before for another reason than demand, with what moved them."""
    (there,) = ledger.query(f"SELECT count(*) AS tables FROM duckdb_tables() WHERE table_name = {literal(CHANGES)}")
    rows = ledger.query(f"SELECT headline_id, moved_by FROM board.{CHANGES}") if there["tables"] else []
    moved = {row["headline_id"]: (row["moved_by"] or "").split(", ") for row in rows}
    return {
        headline: words.listed(others)
        for headline, by in moved.items()
        if (others := [what for what in by if what and what != "demand"])
    }


def _numbers(ledger: Ledger) -> dict:
    """Contacts over time, concentration, and who waits."""
    return {
        "time": ledger.figure(
            "1", "Contacts a month",
            "SELECT month, contacts AS value FROM board.monthly_contacts "
            "WHERE feed_label = 'All services' AND group_label = 'Everybody' ORDER BY month",
            lambda rows: run_chart(rows, "Contacts a month", "Contacts"),
            f"A month for which a service's records are missing is a gap. {GIVE_UP}",
        ),
        "last_month": sentences.last_month(ledger, ledger.rows("monthly_contacts")),
        "concentration": ledger.figure(
            "2", "How much of the contacts a few people have",
            "SELECT part_label AS name, contacts AS value, contacts_low AS low, contacts_high AS high, "
            "contacts_by_chance FROM board.concentration WHERE part_label <> 'Everybody' ORDER BY contacts",
            lambda rows: _with_chance(rows),
            "Some people have more contacts by chance alone. Most people with very high use go down anyway.",
            sentences.concentrated(ledger, ledger.rows("concentration")),
        ),
        "waits": ledger.figure(
            "3", "Who waits 12 hours or more in A&E",
            "SELECT age_label AS name, wait_label AS part, stays AS amount FROM board.ae_waits "
            f"WHERE age_label <> 'All ages' AND wait_label IN {LONG_WAITS} ORDER BY age_label, wait_label",
            lambda rows: bars_by_part(rows, "A&E stays of 12 hours or more by age", "A&E stays", "Age", LONG_WAITS),
            "No stay is left out for its length. Older people come more often, and are ill in other ways.",
        ),
    }  # fmt: skip


def _with_chance(rows: list[Row]) -> Drawing:
    """Bars of the parts, each beside what chance would give it."""
    pairs = [
        pair
        for row in rows
        for pair in (
            {"name": row["name"], "part": "As it is", "amount": row["value"], "low": row["low"], "high": row["high"]},
            {"name": row["name"], "part": "By chance alone", "amount": row["contacts_by_chance"]},
        )
    ]
    return bars_by_part(pairs, "Contacts of the people with the most", "Contacts", "Part of the people seen")


def _doors(ledger: Ledger) -> dict:
    """First missed doors by need, and where people go next."""
    return {
        "by_need": _doors_figure(ledger, "4", sentences.WHOLE),
        "ways": ledger.figure(
            "5", "Where people go next",
            "SELECT first_label, second_label, third_label, spells AS amount FROM board.ways_on "
            "ORDER BY spells DESC NULLS LAST",
            lambda rows: flow(
                [{"path": (row["first_label"], row["second_label"], row["third_label"]), "amount": row["amount"]}
                 for row in rows],
                "Where people go next", "Spells", ["First service", "Then", "Then"],
            ),
            "Spells that met one service only are left out. Going on to another service is no fault in itself: a referral "
            "that works looks the same as a person sent round.",
        ),
    }  # fmt: skip


def _doors_figure(ledger: Ledger, number: str, district: str) -> Figure | None:
    place = "" if district == sentences.WHOLE else f" in {district}"
    return ledger.figure(
        number, f"First missed doors by need and service{place}",
        "SELECT need_label AS name, door_label AS part, spells AS amount, spells_low AS low, spells_high AS high "
        "FROM board.first_missed_doors "
        f"WHERE district_label = {literal(district)} AND need_label <> 'All needs' AND door_label <> 'All services' "
        "AND need_label IN (SELECT need_label FROM board.first_missed_doors WHERE door_label <> 'All services' "
        f"AND district_label = {literal(district)} AND spells IS NOT NULL) ORDER BY need_label, door_label",
        lambda rows: bars_by_part(
            rows, f"First missed doors by need{place}", "Spells that came to a crisis, by first missed door", "Need"
        ),
        "Spells are counted, so a person with two spells counts twice. The same door also closed on people who were fine, "
        "and help that nobody wrote down cannot be seen.",
    )  # fmt: skip


def _area(ledger: Ledger, facts: dict) -> dict:
    """Needs by district, and crises by ward beside what chance explains, as a funnel and as a map."""
    return {
        "needs": _needs_figure(
            ledger, "6", "What contacts are for in each district", "District", "district_label",
            f"ward_label = 'All wards' AND district_label NOT IN ('{sentences.WHOLE}', '{NOT_KNOWN}')",
        ),
        "funnel": ledger.figure(
            "7", "Crisis contacts by ward, beside what chance explains",
            "SELECT ward_label AS name, crisis_contacts AS events, resident_years AS exposure FROM board.ward_crises "
            "ORDER BY ward_label",
            lambda rows: funnel(rows, "Crisis contacts by ward", "Crisis contacts per 1,000 residents a year",
                                "Residents' years"),
            "Rates are crude: wards with older people have more falls. Police and ambulance contacts count where they took "
            "place, and a town centre has more visitors than residents. This is no order of best and worst.",
            share_of="Residents' years observed in the ward",
        ),
        "map": ledger.figure(
            "8", "Crisis contacts by ward on the map",
            "SELECT ward, ward_label AS name, 1000 * crisis_contacts / nullif(resident_years, 0) AS value "
            "FROM board.ward_crises ORDER BY ward_label",
            lambda rows: ward_map(rows, facts["ward_shapes"], "Map of crisis contacts by ward",
                                  "Crisis contacts per 1,000 residents a year"),
            "Shades are fifths of the wards: they differ though chance may explain it. Figure 7 says which differ by more than that.",
            share_of="Residents' years observed in the ward",
        ),
    }  # fmt: skip


def _needs_figure(ledger: Ledger, number: str, title: str, places: str, column: str, where: str) -> Figure | None:
    return ledger.figure(
        number, title,
        f'SELECT need_label AS "row", {column} AS "column", contacts / whole AS value FROM board.ward_needs '
        f"JOIN (SELECT district_label, ward_label, contacts AS whole FROM board.ward_needs "
        "WHERE need_label = 'All needs' AND contacts >= 100) USING (district_label, ward_label) "
        f"WHERE need_label <> 'All needs' AND {where} ORDER BY need_label, {column}",
        lambda rows: heat_table(rows, title, f"Share of all contacts there, by need and {words.uncapitalised(places)}",
                                "Need", places, "share"),
        "Needs are those that records show. Where a service writes down fewer needs, fewer are seen.",
        sentences.largest_share,
        "All contacts there",
    )  # fmt: skip


def _outcomes(ledger: Ledger, outcomes: list[Row]) -> dict:
    """What came of people after a crisis, beside the targets of the day."""
    return {
        "reading": sentences.outcome(ledger, outcomes),
        "free_days": sentences.free_days(ledger, outcomes),
        "targets": sentences.targets(ledger, ledger.rows("ae_waits")),
        "year": ledger.figure(
            "9", "The year after a first crisis, by need",
            "SELECT need_label AS name, outcome_label AS part, people AS amount, people_low AS low, people_high AS high "
            "FROM board.outcomes "
            f"WHERE district_label = '{sentences.WHOLE}' AND need_label <> 'All needs' "
            "AND outcome_label <> 'Everybody followed' ORDER BY need_label, outcome_label",
            lambda rows: bars_by_part(rows, "The year after a first crisis", "People", "Need", OUTCOMES),
            "Each person counts once. The crisis is the first in these records, not in a life. People known to have died or "
            "moved away within the year are left out. A crisis elsewhere is not seen.",
        ),
        "four_hours": ledger.figure(
            "10", "Share of A&E stays of 12 hours or more",
            "SELECT month, sum(stays) FILTER (wait_label <> 'All stays') / "
            "nullif(any_value(stays) FILTER (wait_label = 'All stays'), 0) AS value FROM board.ae_waits_by_month "
            f"WHERE wait_label = 'All stays' OR wait_label IN {LONG_WAITS} GROUP BY month "
            "HAVING bool_and(withheld_reason IS NULL) ORDER BY month",
            lambda rows: run_chart(rows, "Share of A&E stays of 12 hours or more", "Share of stays", "share"),
            "A stay can be cut short without the person being any better off: read it beside the figure above.",
            share_of="All A&E stays that began in the month",
        ),
    }  # fmt: skip


def _moved(ledger: Ledger) -> dict:
    """Demand that the police no longer attend, and where it went."""
    return {
        "reading": sentences.moved(ledger, ledger.rows("police_demand")),
        "chart": ledger.figure(
            "11", "Where police contacts went within 72 hours",
            "SELECT attended_label AS name, seen_label AS part, contacts AS amount, contacts_low AS low, "
            "contacts_high AS high FROM board.police_demand "
            "WHERE need_label = 'All needs' AND attended_label <> 'All contacts' AND seen_label <> 'Seen or not' "
            "ORDER BY attended_label, seen_label",
            lambda rows: bars_by_part(rows, "Where police contacts went", "Police contacts for a need that is not crime",
                                      "Whether officers attended", WENT),
            "Seen means seen by one of these agencies: a GP or a friend is not in the records. The police are often the "
            "right service.",
        ),
    }  # fmt: skip


def _health(ledger: Ledger) -> Figure | None:
    def draw(rows: list[Row]) -> Drawing:
        lights = []
        for row in rows:
            state, said = words.feed_health(row)
            name = f"{row['feed_label']} ({row['agency']})" if row["agency"] else row["feed_label"]
            counted = f"Records: {words.number(row['received'])}. Refused by checks: {words.number(row['refused'])}."
            lights.append(
                {"name": name, "state": state, "words": f"{said} {row['withheld_reason'] or counted}".strip()}
            )
        return signals(lights, "How the data arrived", "Service and agency")

    return ledger.figure(
        "12", "How the data arrived",
        "SELECT feed_label, agency, first_month, last_month, missing_months, partial_months, received, refused, "
        "withheld_reason FROM board.feed_health ORDER BY feed_label, agency",
        draw,
        "A month in which no delivery came, or none that passed the checks, is missing.",
    )  # fmt: skip


def _districts(ledger: Ledger) -> list[str]:
    rows = ledger.query(
        "SELECT DISTINCT district_label FROM board.ward_needs "
        f"WHERE district_label NOT IN ('{sentences.WHOLE}', '{NOT_KNOWN}') ORDER BY district_label"
    )
    return [row["district_label"] for row in rows]


def _district(ledger: Ledger, name: str, letter: str, doors: list[Row], outcomes: list[Row]) -> dict:
    """A section of its own for each district."""
    (whole,) = ledger.rows(
        "ward_needs", f"district_label = {literal(name)} AND ward_label = 'All wards' AND need_label = 'All needs'"
    )
    shown = not whole["withheld_reason"]
    return {
        "name": name,
        "letter": letter,
        "contacts": ledger.count(Cell("ward_needs", whole, "contacts")) if shown else None,
        "people": ledger.count(Cell("ward_needs", whole, "people")) if shown else None,
        "missed": sentences.missed_most(ledger, doors, sentences.ALL_NEEDS, name),
        "needs": sentences.doors_by_need(ledger, doors, name)[:3],
        "outcome": sentences.outcome(ledger, outcomes, name),
        "figures": [
            made
            for made in (
                ledger.figure(
                    f"{letter}1", f"Contacts a month in {name}",
                    "SELECT month, contacts AS value FROM board.district_contacts "
                    f"WHERE district_label = {literal(name)} ORDER BY month",
                    lambda rows: run_chart(rows, f"Contacts a month in {name}", "Contacts"), GIVE_UP,
                ),
                _doors_figure(ledger, f"{letter}2", name),
                _needs_figure(
                    ledger, f"{letter}3", f"What contacts are for in the wards of {name}", "Ward", "ward_label",
                    f"ward_label <> 'All wards' AND district_label = {literal(name)}",
                ),
            )
            if made
        ],
    }  # fmt: skip


def withheld_needs(doors: list[Row]) -> list[str]:
    """Needs of which every first missed door of the partnership is withheld, as they stand inside a sentence."""
    rows = [
        row for row in doors
        if row["district_label"] == sentences.WHOLE and row["door_label"] != sentences.ALL_SERVICES
        and row["need_label"] != sentences.ALL_NEEDS
    ]  # fmt: skip
    published = {row["need_label"] for row in rows if not row["withheld_reason"]}
    return sorted(words.uncapitalised(need) for need in {row["need_label"] for row in rows} - published)
