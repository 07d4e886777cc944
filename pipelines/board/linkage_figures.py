"""What the linkage quality page says: each figure with a sentence that reads it, its caveat and the table behind it.

Counts of 1 to 7 people or records are withheld with their row, others rounded, as on the board's side. What does not
belong here: drawing (linkage_charts.py) and the page around the figures (linkage_page.py, linkage.html).
"""

from dataclasses import dataclass
from math import log2

from pipelines.board import linkage_charts, words
from pipelines.board.drawing import Row

# How the truth was got, in the vocabulary of the marts, as a reader should take it.
TRUTHS = {
    "counted": "A count of what was delivered or done. Nothing in it can be right or wrong.",
    "model": (
        "The linkage model's own probabilities stand in for the truth. If the model is too bold, so are these figures. An "
        "interval says how far chance alone would move a figure if the probabilities were right."
    ),
    "linkage scenarios": "The same figure with records joined more readily and less readily.",
    "linkage draws": (
        "The same figure under many draws of who may be who, as likely as the calibrated probabilities say. The middle "
        "95 % of them is the band."
    ),
    "NHS numbers": (
        "Records with a verified NHS number were linked again as if nobody had seen the number; then the numbers said who "
        "was right. It shows how well names, birth dates and postcodes do by themselves. It says nothing of police "
        "records, which carry no number, and people with a verified number are better recorded than others."
    ),
    "capture-recapture": (
        "Blocking rules with a birth date and rules without one each count what the other finds. Records that are badly "
        "written in every field are missed by both, so the true recall is lower than this, never higher."
    ),
    "cross-feed anchor": (
        "An event in one feed that must have its counterpart in another: whom the police brought to A&E must have an "
        "incident of that day. What chance alone would find, weeks earlier and later, is taken off. Only people whom two "
        "services met together are looked at, and a counterpart that was never delivered counts as a missed link."
    ),
    "clerical sample": (
        "People looked at a sample of pairs without seeing a score. Doubtful pairs were drawn more often, and every "
        "answer counts for the pairs it stands for. It is as good as the reviewers, and pairs that no rule compared "
        "cannot be in it."
    ),
    "answer key": "The people are fictional and who they are is known. A real region has no such key.",
}  # fmt: skip
ATTRIBUTES = ("sex", "age band", "ethnic group", "deprivation quintile")
RATES = ("pair precision", "pair recall", "pair F1")
BEST_FIRST = ("answer key", "clerical sample", "cross-feed anchor", "NHS numbers", "model")
NOTEWORTHY = 0.1  # standardised difference, either way (Austin 2009, doi:10.1002/sim.3697)
QUINTILES = {"1": "1, most deprived", "5": "5, least deprived"}


@dataclass(frozen=True)
class Figure:
    """A chart with its words and the table behind it; `chart` is empty where there is nothing to draw."""

    title: str
    reading: str
    caveat: str
    chart: str
    columns: list[str]
    rows: list[list[str]]
    withheld: int = 0


@dataclass(frozen=True)
class Section:
    identifier: str
    heading: str
    intro: str
    figures: list[Figure]


class Disclosure:
    """What may be said of a count of people or records: 1 to `withhold_up_to` is withheld, the rest rounded."""

    def __init__(self, facts: dict):
        self.withhold_up_to, self.round_to = facts["withhold_people_up_to"], facts["round_to"]

    def hides(self, *counts: float | None) -> bool:
        return any(count is not None and 1 <= count <= self.withhold_up_to for count in counts)

    def count(self, value: float | None) -> str:
        if value is None:
            return "–"
        if self.hides(value):
            return f"fewer than {self.withhold_up_to + 1}"
        return f"{self.round_to * round(value / self.round_to):,}"

    def shown(self, rows: list[Row], *counts: str) -> list[Row]:
        """Rows that do not have to be withheld for one of these counts."""
        return [row for row in rows if not self.hides(*(row[count] for count in counts))]


class Page:
    """The sections of the page, each worked out from the rows of the marts."""

    def __init__(self, marts: dict[str, list[Row]], key: list[Row], feed_names: dict[str, str], control: Disclosure):
        self.quality, self.by_group = marts["linkage_quality"], [*marts["linkage_by_group"], *key]
        self.by_group = [row for row in self.by_group if row.get("grouping")]
        self.anchors, self.unlinked = marts["linkage_anchors"], marts["linkage_unlinked"]
        self.key, self.feed_names, self.control = key, feed_names, control

    def sections(self) -> list[Section]:
        return [
            Section("inputs", "What came in", "", [*self._inputs(), *self._completeness()]),
            Section(
                "right", "How right the links are",
                "Precision is the share of links that join records of one person; recall is the share of one person's "
                "pairs of records that are joined; F1 is their harmonic mean. No single way of knowing is good "
                "enough alone: they stand side by side, each with what it can see.",
                [*self._rates(), *self._anchors(), *self._blocking()],
            ),
            Section(
                "probabilities", "What the probabilities are worth", "",
                [*self._calibration(), *self._weights(), *self._levels()],
            ),
            Section(
                "groups", "Whether it is as good for everybody",
                "Linkage sees no attribute of anybody. Here, on the other side of the wall, its results are set beside "
                "the attributes that the agency of each record wrote down. A group whose links are missed more often is "
                "counted as more people than it is, each with fewer contacts.",
                [
                    *self._groups("pair recall"), *self._gap(), *self._groups("pair precision"), *self._feed_pairs(),
                    *self._unlinked(),
                ],
            ),
            Section("people", "The people that were made", "", [*self._sizes(), *self._stability(), *self._review()]),
            Section("headlines", "What it does to the headlines", "", self._headlines()),
        ]  # fmt: skip

    def brief(self) -> list[str]:
        """The page in up to four sentences."""
        found = {(row["measure"], row["detail"]): row for row in self.quality}
        sentences = []
        clients, people = found.get(("clients", "all feeds")), found.get(("people", "all feeds"))
        if clients and people:
            sentences.append(
                f"{self.control.count(clients['value'])} records of the agencies were joined into "
                f"{self.control.count(people['value'])} people."
            )
        for measure, verb in (("pair precision", "links are right"), ("pair recall", "links are found")):
            best = self._best(measure)
            if best:
                sentences.append(f"About {best['value']:.1%} of {verb} ({_how(best)}{_reach(best)}).")
        if gap := self._gap_row():
            sentences.append(
                f"Between ethnic groups recall differs by up to {100 * gap['value']:.1f} points "
                f"({100 * gap['low']:.1f} to {100 * gap['high']:.1f}, by the {gap['how']})."
            )
        return sentences

    def _best(self, measure: str) -> Row | None:
        """The row of a measure whose truth is worth most. The anchor of precision, sex, is a lower bound and not taken."""
        everybody = [row for row in self.by_group if row["grouping"] == "everybody"]
        rows = [row for row in (*everybody, *self.quality) if row["measure"] == measure and row["how"] in BEST_FIRST]
        return min(rows, key=lambda row: BEST_FIRST.index(row["how"]), default=None)

    def _measured(self, measure: str) -> list[Row]:
        return [row for row in self.quality if row["measure"] == measure]

    def _feed(self, name: str) -> str:
        label = self.feed_names.get(name, name.replace("_", " "))
        return label[0].upper() + label[1:]

    def _inputs(self) -> list[Figure]:
        rows = [row for row in self._measured("clients") if row["detail"] != "all feeds"]
        if not rows:
            return []
        found = {name: self._measured(name) for name in ("identity versions", "pairs compared")}
        counts = [f"{self.control.count(sum(row['value'] for row in rows))} records of clients came in"]
        if found["identity versions"]:
            counts.append(
                f"they hold {self.control.count(found['identity versions'][0]['value'])} different sets of details"
            )
        if found["pairs compared"]:
            counts.append(f"{self.control.count(found['pairs compared'][0]['value'])} pairs of those were compared")
        reading = f"{'; '.join(counts)}."
        table = [[self._feed(row["detail"]), self.control.count(row["value"])] for row in rows]
        return [
            Figure(
                "Records by feed",
                reading,
                "A record is one client of one agency's feed.",
                "",
                ["Feed", "Records"],
                table,
            )
        ]

    def _completeness(self) -> list[Figure]:
        rows = []
        for row in self._measured("completeness"):
            feed, field = row["detail"].split(": ")
            name = FIELD_WORDS.get(field, field.replace("_", " "))
            rows.append({"name": name, "series": self._feed(feed), "value": row["value"], "low": None, "high": None})
        if not rows:
            return []
        order = list(FIELD_WORDS.values())
        rows.sort(key=lambda row: (order.index(row["name"]) if row["name"] in order else len(order), row["series"]))
        least = min(rows, key=lambda row: row["value"])
        reading = (
            f"Least often filled: {words.uncapitalised(least['name'])} in {_inside(least['series'])}, "
            f"{least['value']:.1%}."
        )
        caveat = "Of each client's latest details. Filled is not the same as right."
        chart = linkage_charts.intervals(rows, "Share of records", "Details that are there, by feed", reading)
        table = [[row["name"], row["series"], f"{row['value']:.1%}"] for row in rows]
        return [Figure("Details that are there", reading, caveat, chart, ["Detail", "Feed", "Share of records"], table)]

    def _rates(self) -> list[Figure]:
        rows = []
        for measure in RATES:
            everybody = [row for row in self.by_group if row["grouping"] == "everybody" and row["how"] == "answer key"]
            rows += [row for row in (*self.quality, *everybody) if row["measure"] == measure and row["how"] in TRUTHS]
        if not rows:
            return []
        drawn = [_dot(RATE_WORDS[row["measure"]], TRUTH_WORDS.get(row["how"], row["how"]), row) for row in rows]
        spans = [
            _span(rows, measure, word) for measure, word in (("pair precision", "precision"), ("pair recall", "recall"))
        ]
        reading = f"{_upper(words.listed([span for span in spans if span]))}."
        caveat = (
            "By NHS numbers only pairs of A&E and social care are seen, at the threshold and before clustering; by the model "
            "and by a clerical sample, all pairs of records that were compared."
        )
        chart = linkage_charts.intervals(
            drawn, "Share of pairs, with 95 % intervals", "Precision, recall and F1", reading
        )
        table = [[RATE_WORDS[row["measure"]], row["detail"], _share(row), _interval(row), row["how"]] for row in rows]
        return [Figure("Precision, recall and F1, by how the truth was got", reading, caveat, chart,
                       ["Measure", "Of what", "Value", "95 % interval", "How the truth was got"], table)]  # fmt: skip

    def _anchors(self) -> list[Figure]:
        rows = self.control.shown(self.anchors, "people", "trials")
        if not rows:
            return []
        drawn = [_dot(_upper(row["anchor"]), RATE_WORDS[row["measure"]], row) for row in rows]
        least = min(rows, key=lambda row: row["value"])
        reading = f"Of the checks that the feeds allow, the lowest is “{least['anchor']}”: {least['value']:.1%}."
        caveat = (
            "Chance is taken off: what the same window finds weeks earlier and later, or how often any two people have the "
            "same sex. A wrong link of two people of one forename mostly keeps the sex, and a sex written down wrongly "
            "looks like a wrong link."
        )
        chart = linkage_charts.intervals(
            drawn, "Share beyond chance, with 95 % intervals", "Cross-feed anchors", reading
        )
        table = [
            [_upper(row["anchor"]), RATE_WORDS[row["measure"]], self.control.count(row["trials"]),
             self.control.count(row["people"]), f"{row['found_share']:.1%}", f"{row['chance_share']:.1%}", _share(row), _interval(row)]
            for row in rows
        ]  # fmt: skip
        columns = [
            "Must agree",
            "Measures",
            "Events or pairs",
            "People",
            "Found",
            "By chance",
            "Beyond chance",
            "95 % interval",
        ]
        return [
            Figure(
                "What the feeds say of each other",
                reading,
                caveat,
                chart,
                columns,
                table,
                len(self.anchors) - len(rows),
            )
        ]

    def _blocking(self) -> list[Figure]:
        rows = self._measured("blocking recall")
        if not rows:
            return []
        drawn = [_dot(_upper(row["detail"]), TRUTH_WORDS.get(row["how"], row["how"]), row) for row in rows]
        lowest, highest = min(row["value"] for row in rows), max(row["value"] for row in rows)
        reading = (
            f"Of one person's pairs of records, {lowest:.1%} to {highest:.1%} are compared at all; the rest no "
            "threshold can find."
        )
        caveat = (
            "Each of the three ways leaves out records that are badly written in every field: the true share is lower."
        )
        chart = linkage_charts.intervals(
            drawn, "Share of one person's pairs, with 95 % intervals", "Blocking recall", reading
        )
        table = [[_upper(row["detail"]), _share(row), _interval(row), row["how"]] for row in rows]
        return [Figure("Blocking recall", reading, caveat, chart,
                       ["Of what", "Compared", "95 % interval", "How the truth was got"], table)]  # fmt: skip

    def _calibration(self) -> list[Figure]:
        rows, withheld = [], 0
        for source in (self.quality, self.key):
            found = {(row["measure"].removeprefix("calibration: "), row["detail"]): row
                     for row in source if row["measure"].startswith("calibration: ")}  # fmt: skip
            for (part, detail), row in sorted(found.items(), key=lambda item: item[0][1]):
                if part == "observed":
                    pairs = found["pairs", detail]["value"]
                    if self.control.hides(pairs):
                        withheld += 1
                        continue
                    expected = found["expected", detail]["value"]
                    rows.append(row | {"series": TRUTH_WORDS[row["how"]], "expected": expected, "pairs": pairs})
        if not rows:
            return []
        likely = [row for row in rows if row["expected"] >= 0.5] or rows
        off = sum(not row["low"] <= row["expected"] <= row["high"] for row in likely)
        worst = max(abs(row["value"] - row["expected"]) for row in likely)
        reading = (
            f"Of {len(likely)} tenths above 0.5, {off or 'none'} {'has' if off == 1 else 'have'} an interval that leaves the "
            f"expected share out; the observed share is off by {100 * worst:.0f} points at the most."
        )
        caveat = (
            "On the line, pairs given 0.8 are one person 8 times in 10. Where few pairs fall, the interval is wide; pairs "
            "below 0.01 are in it only if they share a group with likelier ones. By NHS numbers: two numbers of one person count against a pair, so that a good model lies a little below the line."
        )
        chart = linkage_charts.expected_and_observed(rows, "Expected and observed", reading)
        table = [
            [
                row["detail"],
                row["series"],
                self.control.count(row["pairs"]),
                f"{row['expected']:.1%}",
                _share(row),
                _interval(row),
            ]
            for row in rows
        ]
        columns = ["Match probability", "Truth by", "Pairs", "Expected", "Observed", "95 % interval"]
        return [Figure("Expected against observed", reading, caveat, chart, columns, table, withheld)]

    def _weights(self) -> list[Figure]:
        rows = sorted(self._measured("pairs by match weight"), key=lambda row: _first_number(row["detail"]))
        if not rows:
            return []
        drawn = [
            {"name": row["detail"], "amount": None if self.control.hides(row["value"]) else row["value"]}
            for row in rows
        ]
        low = sum(row["value"] for row in rows if _first_number(row["detail"]) < 0)
        total = sum(row["value"] for row in rows)
        reading = (
            f"{low / total:.0%} of the compared pairs have a match weight below 0: more like strangers than like "
            "one person."
        )
        caveat = (
            "A match weight is the log2 of the Bayes factor, one person against strangers: +1 doubles the odds. "
            "Kin are weighed apart."
        )
        chart = linkage_charts.bars(drawn, "Pairs of records", "Match weight, bits", "Match weights", reading)
        table = [[row["detail"], self.control.count(row["value"])] for row in rows]
        return [
            Figure("Match weights of compared pairs", reading, caveat, chart, ["Match weight, bits", "Pairs"], table)
        ]

    def _levels(self) -> list[Figure]:
        m, u = ({row["detail"]: row["value"] for row in self._measured(name)} for name in "mu")
        if not m:
            return []
        table = []
        for detail, probability in sorted(
            m.items(), key=lambda item: (item[0].partition(":")[0], -item[1] / (u.get(item[0]) or 1e-12))
        ):
            field, _, level = detail.partition(": ")
            chance = u.get(detail, 0)
            weight = f"{log2(probability / chance):+.1f}" if chance and probability else "–"
            table.append([FIELD_WORDS.get(field, field), level, f"{probability:.4g}", f"{chance:.3g}", weight])
        reading = (
            "How often each degree of agreement is seen between records of one person (m) and of two strangers (u)."
        )
        caveat = (
            "Learnt from these deliveries without labels. The weight of a shared value also depends on how rare it is."
        )
        return [
            Figure(
                "What agreement is worth", reading, caveat, "", ["Detail", "Agreement", "m", "u", "Weight, bits"], table
            )
        ]

    def _groups(self, measure: str) -> list[Figure]:
        """A measure by attribute, from the best truth that has groups."""
        rows = [row for row in self.by_group if row["measure"] == measure and row["grouping"] in ATTRIBUTES]
        for how in ("answer key", "cross-feed anchor", "model"):
            of_truth = [row for row in rows if row["how"] == how]
            if of_truth:
                break
        shown = self.control.shown(of_truth, "people") if rows else []
        if not shown:
            return []
        shown = sorted(
            shown,
            key=lambda row: (ATTRIBUTES.index(row["grouping"]), row["group_name"] == "not recorded", row["group_name"]),
        )
        drawn = [_dot(_group(row), "", row) for row in shown]
        recorded = [row for row in shown if row["group_name"] != "not recorded"]
        least = min(recorded or shown, key=lambda row: row["value"])
        word = RATE_WORDS[measure]
        reading = (
            f"{word} is lowest for {words.uncapitalised(_group(least))}: {least['value']:.1%}{_reach(least)}. Truth "
            f"by: {how}."
        )
        caveat = {
            "answer key": "Attributes and people are the answer key's. People, not pairs, are the units of the intervals.",
            "cross-feed anchor": (
                "Of people whom two services met together. Few events make wide intervals: look at those before the dots."
            ),
            "model": "If the model misjudges a group, this figure does not show it. Only a truth from elsewhere would.",
        }[how]  # fmt: skip
        chart = linkage_charts.intervals(drawn, "Share, with 95 % intervals", f"{word} by group", reading)
        table = [
            [_upper(row["grouping"]), QUINTILES.get(row["group_name"], row["group_name"]), row["detail"],
             self.control.count(row["people"]), _share(row), _interval(row), row["how"]]
            for row in sorted(
                self.control.shown(rows, "people"), key=lambda row: (row["how"], row["grouping"], row["group_name"])
            )
        ]  # fmt: skip
        columns = ["By", "Group", "Of what", "People", "Value", "95 % interval", "How the truth was got"]
        return [Figure(f"{word} by group", reading, caveat, chart, columns, table, len(of_truth) - len(shown))]

    def _gap_row(self) -> Row | None:
        return next((row for row in self.key if row["measure"] == "pair recall gap"), None)

    def _gap(self) -> list[Figure]:
        gap = self._gap_row()
        if not gap:
            return []
        reading = (
            f"Between the ethnic groups with the highest and the lowest recall lie {100 * gap['value']:.1f} points "
            f"(95 % interval {100 * gap['low']:.1f} to {100 * gap['high']:.1f}); at most 5 are wanted."
        )
        caveat = "A largest minus a smallest is never below 0, so a part of it is chance."
        table = [["Highest minus lowest recall of an ethnic group", f"{100 * gap['value']:.1f} points",
                  f"{100 * gap['low']:.1f} to {100 * gap['high']:.1f}", gap["how"]]]  # fmt: skip
        return [
            Figure(
                "Recall gap between ethnic groups",
                reading,
                caveat,
                "",
                ["Gap", "Value", "95 % interval", "How the truth was got"],
                table,
            )
        ]

    def _feed_pairs(self) -> list[Figure]:
        rows = [row for row in self.by_group if row["grouping"] == "feed pair" and row["measure"] in RATES]
        shown = self.control.shown(rows, "people")
        if not shown:
            return []
        named = [row | {"pair": _upper(self._pair(row["group_name"]))} for row in shown]
        recall = [row for row in named if row["measure"] == "pair recall"]
        drawn = [_dot(row["pair"], TRUTH_WORDS.get(row["how"], row["how"]), row) for row in recall]
        if not drawn:
            return []
        least = min(recall, key=lambda row: row["value"])
        reading = (
            f"Recall is lowest for {words.uncapitalised(least['pair'])}: {least['value']:.1%}{_reach(least)}, "
            f"{_how(least)}."
        )
        caveat = "Within one feed are an agency's own doubles: one person under two of its numbers."
        chart = linkage_charts.intervals(
            drawn, "Share of one person's pairs, with 95 % intervals", "Recall by pair of feeds", reading
        )
        table = [
            [
                row["pair"],
                RATE_WORDS[row["measure"]],
                row["detail"],
                self.control.count(row["people"]),
                _share(row),
                _interval(row),
                row["how"],
            ]
            for row in named
        ]
        columns = ["Feeds", "Measure", "Of what", "People", "Value", "95 % interval", "How the truth was got"]
        return [Figure("Recall by pair of feeds", reading, caveat, chart, columns, table, len(rows) - len(shown))]

    def _pair(self, name: str) -> str:
        for feed, label in self.feed_names.items():
            name = name.replace(feed, label)
        return name

    def _unlinked(self) -> list[Figure]:
        rows = self.control.shown(self.unlinked, "linked_clients", "unlinked_clients")
        rows = [row for row in rows if row["difference"] is not None]
        if not rows:
            return []
        rows = sorted(
            rows, key=lambda row: (ATTRIBUTES.index(row["attribute"]), row["level"] == "not recorded", row["level"])
        )
        rows = [
            row | {"grouping": row["attribute"], "group_name": row["level"], "value": row["difference"]} for row in rows
        ]
        drawn = [_dot(_group(row), self._feed(row["feed"]), row) for row in rows]
        large = [row for row in rows if abs(row["difference"]) > NOTEWORTHY]
        most = max(rows, key=lambda row: abs(row["difference"]))
        reading = (
            f"{len(large)} of {len(rows)} levels differ by more than {NOTEWORTHY}; the most, {most['difference']:+.2f}, is "
            f"{words.uncapitalised(_group(most))} in {_inside(self._feed(most['feed']))}."
        )  # fmt: skip
        caveat = (
            "To the right: more common among records that are linked to another feed. A difference is no error. Older "
            "people are known to more services, so that more of their records are linked, and rightly."
        )
        chart = linkage_charts.intervals(
            drawn, "Standardised difference, with 95 % intervals", "Linked against unlinked records", reading, axis="+.1f",
            marks=(-NOTEWORTHY, NOTEWORTHY),
        )  # fmt: skip
        table = [
            [self._feed(row["feed"]), _upper(row["attribute"]), QUINTILES.get(row["level"], row["level"]),
             self.control.count(row["linked_clients"]), self.control.count(row["unlinked_clients"]), f"{row['linked_share']:.1%}", f"{row['unlinked_share']:.1%}",
             f"{row['difference']:+.2f}", f"{row['low']:+.2f} to {row['high']:+.2f}"]
            for row in rows
        ]  # fmt: skip
        columns = [
            "Feed",
            "By",
            "Group",
            "Linked",
            "Not linked",
            "Share of linked",
            "Share of not linked",
            "Difference",
            "95 % interval",
        ]
        return [
            Figure(
                "Linked against unlinked records",
                reading,
                caveat,
                chart,
                columns,
                table,
                len(self.unlinked) - len(rows),
            )
        ]

    def _sizes(self) -> list[Figure]:
        rows = sorted(self._measured("people by records"), key=lambda row: _first_number(row["detail"]))
        if not rows:
            return []
        drawn = [
            {"name": row["detail"], "amount": None if self.control.hides(row["value"]) else row["value"]}
            for row in rows
        ]
        people, alone = sum(row["value"] for row in rows), sum(row["value"] for row in rows if row["detail"] == "1")
        reading = (
            f"{alone / people:.0%} of people have one record, and so no link that could be wrong." if people else ""
        )
        caveat = (
            "A person with many records is a person with many doubles, or several people in one. The largest are "
            "in the review queue."
        )
        chart = linkage_charts.bars(drawn, "People", "Records of the person", "People by number of records", reading)
        table = [[row["detail"], self.control.count(row["value"])] for row in rows]
        withheld = sum(row["amount"] is None for row in drawn)
        return [Figure("People by number of records", reading, caveat, chart, ["Records", "People"], table, withheld)]

    def _stability(self) -> list[Figure]:
        rows = {row["detail"]: row for row in self._measured("stability")}
        if not rows:
            return []
        moved = rows.get("records with another person id")
        count = self.control.count(moved["value"]) if moved else "no"
        reading = f"In the last run that changed anything, {count} records came under another person id."
        table = [[_upper(name), self.control.count(row["value"]), row["unit"]] for name, row in rows.items()]
        caveat = "What became of each id stands in marts.person_history."
        return [Figure("What the last change did", reading, caveat, "", ["What", "How many", "Unit"], table)]

    def _review(self) -> list[Figure]:
        rows = self._measured("review queue")
        if not rows:
            return []
        reading = (
            f"{self.control.count(sum(row['value'] for row in rows))} reasons for somebody to look at a pair of "
            "records."
        )
        caveat = (
            "A pair may be there for several reasons. What reviewers decide binds the next run; the clerical "
            "sample binds nobody."
        )
        table = [
            [_upper(row["detail"].replace("nhs", "NHS")), self.control.count(row["value"])]
            for row in sorted(rows, key=lambda row: -row["value"])
        ]
        return [Figure("The review queue", reading, caveat, "", ["Reason", "Pairs of records"], table)]

    def _band(self, headline: str) -> str:
        row = next((row for row in self._measured("headline band") if row["detail"] == headline), None)
        if row is None or row["low"] is None:
            return "–"
        if self.control.hides(row["low"], row["value"], row["high"]):
            return "withheld"
        return f"{self.control.count(row['low'])} to {self.control.count(row['high'])}"

    def _headlines(self) -> list[Figure]:
        rows = [row for row in self._measured("headline") if row["value"] is not None]
        if not rows:
            return []
        table = []
        for row in rows:
            counts = [row[end] for end in ("low", "value", "high")]
            said = ["withheld"] * 3 if self.control.hides(*counts) else [self.control.count(count) for count in counts]
            table.append([_upper(row["detail"].replace("_", " ")), *said, self._band(row["detail"])])
        spread = {
            row["detail"]: (row["high"] - row["low"]) / row["value"]
            for row in rows
            if row["value"] and row["low"] is not None
        }
        widest = max(spread, key=spread.get, default=None)
        reading = (
            f"The way records are joined moves “{widest.replace('_', ' ')}” most: its interval is {spread[widest]:.1%} of the figure wide."
            if widest and spread[widest] else "The way records are joined moves none of them."
        )  # fmt: skip
        caveat = (
            "People behind each headline, with records joined more readily, as usual and less readily. The band holds the "
            "true figure as far as linkage can tell; the central figure may lie outside it."
        )
        return [
            Figure(
                "People behind the headlines",
                reading,
                caveat,
                "",
                ["Headline", "Low", "Central", "High", "95 % band"],
                table,
            )
        ]


FIELD_WORDS = {
    "forename": "Forename",
    "surname": "Surname",
    "dob": "Birth date",
    "postcode": "Postcode",
    "nhs_number": "NHS number",
}
RATE_WORDS = {"pair precision": "Precision", "pair recall": "Recall", "pair F1": "F1"}
TRUTH_WORDS = {
    "model": "By the model itself", "NHS numbers": "By NHS numbers", "capture-recapture": "By capture-recapture",
    "cross-feed anchor": "By cross-feed anchors", "clerical sample": "By a clerical sample", "answer key": "By the answer key",
}  # fmt: skip


def _dot(name: str, series: str, row: Row) -> Row:
    return {"name": name, "series": series, "value": row["value"], "low": row["low"], "high": row["high"]}


def _group(row: Row) -> str:
    return f"{_upper(row['grouping'])}: {QUINTILES.get(row['group_name'], _upper(row['group_name']))}"


def _inside(label: str) -> str:
    return label if label[1:2].isupper() or "&" in label else words.uncapitalised(label)


def _upper(text: str) -> str:
    return text[0].upper() + text[1:]


def _share(row: Row) -> str:
    return f"{row['value']:.1%}"


def _interval(row: Row) -> str:
    return "–" if row["low"] is None else f"{row['low']:.1%} to {row['high']:.1%}"


def _reach(row: Row) -> str:
    return "" if row["low"] is None else f", {row['low']:.1%} to {row['high']:.1%}"


def _how(row: Row) -> str:
    return (
        "by the model's own reckoning"
        if row["how"] == "model"
        else TRUTH_WORDS[row["how"]].lower().replace("nhs", "NHS")
    )


def _span(rows: list[Row], measure: str, word: str) -> str:
    """Where a measure lies over the ways of knowing it, '' if it is not there."""
    values = [row["value"] for row in rows if row["measure"] == measure]
    if not values:
        return ""
    low, high = f"{min(values):.1%}", f"{max(values):.1%}"
    return f"{word} is {low}" if low == high else f"{word} lies between {low} and {high}"


def _first_number(text: str) -> float:
    """Where a bar of a histogram stands: 'under -10' before '-10 to -8' before '60 or more'."""
    first = next(word for word in text.split() if word.lstrip("-").isdigit())
    return float(first) - (0.5 if text.startswith("under") else 0)
