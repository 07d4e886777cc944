"""Why some records are one person, in sentences and as a drawing: levels and weights of each field, never a value.

Reads what the last linkage left (person index, client pairs, history, model, decisions) and computes nothing anew.
Records are numbered in the order of their keys; agencies' refs and tokens are not told.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from pipelines.pseudonymise.errors import InputError

from . import cluster, decisions, relations
from .cluster import Links
from .comparisons import FIELDS
from .decisions import CANNOT_LINK, KEY, MUST_LINK, Decision
from .relations import Relations
from .review import GAMMAS, last_period, words
from .train import current_model

SAID_IN_FULL = 8  # records up to which every pair gets its sentence; of larger people only the links that hold them
FIELD_NAMES = {"dob": "birth date", "nhs_number": "NHS number"}
VERDICTS = {MUST_LINK: "one person", CANNOT_LINK: "two people"}


@dataclass(frozen=True)
class Explanation:
    """One person as the last linkage made it.

    records: agency, feed, person_ref, numbered from 0 by row. pairs: scored pairs inside it: left, right, gammas,
    match_weight, match_probability. held: rows of the pairs that hold it together. weakest: the weakest of those rows,
    None if alone. parts: the two sets of records that are left without it. decided: decisions on its records with
    the numbers of both. in_queue: reasons for which a reviewer is asked about it.
    """

    person_id: str
    records: pd.DataFrame
    pairs: pd.DataFrame
    held: list[int]
    weakest: int | None
    parts: tuple[list[int], list[int]]
    decided: list[tuple[int, int, Decision]]
    in_queue: list[str]
    threshold: float


def explain(linkage: Path, state: Path, person_id: str, threshold: float) -> Explanation:
    """Raises InputError for an id that nobody has now, saying what became of it."""
    index = linkage / "person_index.parquet"
    if not index.exists():
        raise InputError("there is no person index yet. Link first: upstream run")
    con = duckdb.connect()
    records = con.execute(
        f"select {', '.join(KEY)} from read_parquet(?) where person_id = ? order by all", [str(index), person_id]
    ).df()
    if records.empty:
        raise InputError(_what_became_of(state, person_id))
    con.register("records", records.rename_axis("record").reset_index())
    con.read_parquet(str(linkage / "client_pairs.parquet")).create_view("client_pairs")
    pairs = con.execute(
        f"""
        select l.record as "left", r.record as "right", {", ".join(GAMMAS)}, match_weight, match_probability, evidence,
            number_alone
        from client_pairs as p
        inner join records as l on {_same("l")}
        inner join records as r on {_same("r")}
        order by match_probability desc, "left", "right"
        """
    ).df()
    queue = linkage / "review_queue.parquet"
    asked = con.execute(
        "select distinct reason from read_parquet(?) where ? in (person_id, other_person_id) order by reason",
        [str(queue), person_id],
    ).fetchall()
    con.close()
    held, weakest, parts = _bridge(pairs, len(records))
    number = {key: i for i, key in enumerate(records.itertuples(index=False, name=None))}
    standing = decisions.read(state, last_period(linkage)).standing
    decided = [(number[d.left], number[d.right], d) for d in standing if d.left in number and d.right in number]
    in_queue = [reason for (reason,) in asked]
    return Explanation(person_id, records, pairs, held, weakest, parts, decided, in_queue, threshold)


def _same(side: str) -> str:
    return " and ".join(f"{side}.{name} = p.{name}_{side}" for name in KEY)


def _bridge(pairs: pd.DataFrame, records: int) -> tuple[list[int], int | None, tuple[list[int], list[int]]]:
    if pairs.empty:
        return [], None, (list(range(records)), [])
    links = Links(
        pairs.left.to_numpy(), pairs.right.to_numpy(), pairs.match_probability.to_numpy(), pairs.evidence.to_numpy()
    )
    held = cluster.spanning_links(links, records)
    forest = links.select(held)
    at = int(forest.probability.argmin())
    side = cluster.sides(forest, records, np.array([at]))
    one, other = (np.flatnonzero(side == side[end[at]]).tolist() for end in (forest.left, forest.right))
    return held.tolist(), int(held[at]), (one, other)


def _what_became_of(state: Path, person_id: str) -> str:
    """Why an id is nobody's: merged into another, ended, or never given."""
    path = state / "person_history.parquet"
    history = pd.read_parquet(path) if path.exists() else pd.DataFrame(columns=["person_id"])
    own = history[history.person_id == person_id]
    if own.empty:
        return f"there is no person {person_id}. Ids stand in the column person_id of the person index and of marts.people."
    last = own[own.run == own.run.max()]
    with_whom = sorted({other for other in last.other_person_id.dropna()})
    when = f" in {last.period.iloc[0]}" if last.period.iloc[0] else ""
    if not with_whom:
        return f"{person_id} was retired{when}: none of its records is delivered any more."
    verb = "split among" if len(with_whom) > 1 else "merged into"
    return f"{person_id} was {verb} {', '.join(with_whom)}{when}. Ask: upstream explain {with_whom[0]}"


def as_text(found: Explanation, model: Relations) -> str:
    """The whole explanation for a terminal."""
    return "\n".join([*_heading(found), "", *_drawing(found), "", *_sentences(found, model), "", *_bridge_words(found)])


def _heading(found: Explanation) -> list[str]:
    number = len(found.records)
    feeds = ", ".join(sorted(set(found.records.feed)))
    lines = [f"{found.person_id}: {number} record{'s' if number > 1 else ''} of {feeds}."]
    if found.in_queue:
        lines.append(f"In the review queue: {', '.join(found.in_queue)}.")
    return lines


def _label(found: Explanation, record: int) -> str:
    return f"record {record + 1} of {found.records.feed.iloc[record]}"


def _drawing(found: Explanation) -> list[str]:
    """The links that hold the records together, as a tree that starts at each part's first record."""
    neighbours: dict[int, list[tuple[int, int]]] = {record: [] for record in range(len(found.records))}
    for row in found.held:
        left, right = int(found.pairs.left[row]), int(found.pairs.right[row])
        neighbours[left].append((right, row))
        neighbours[right].append((left, row))
    lines: list[str] = []
    seen: set[int] = set()
    for start in range(len(found.records)):
        if start in seen:
            continue
        stack: list[tuple[int, int | None, str, str]] = [(start, None, "", "")]
        while stack:
            record, row, before, below = stack.pop()
            seen.add(record)
            link = "" if row is None else f"{_percent(found.pairs.match_probability[row])} "
            mark = "  <- weakest bridge" if row is not None and row == found.weakest else ""
            lines.append(f"{before}{link}{_label(found, record)} ({found.records.agency.iloc[record]}){mark}")
            following = [(other, by) for other, by in neighbours[record] if other not in seen]
            for place, (other, by) in reversed(list(enumerate(following))):
                last = place == len(following) - 1
                stack.append((other, by, f"{below}{'└─ ' if last else '├─ '}", f"{below}{'   ' if last else '│  '}"))
    return lines


def _sentences(found: Explanation, model: Relations) -> list[str]:
    in_full = len(found.records) <= SAID_IN_FULL
    rows = list(range(len(found.pairs))) if in_full else found.held
    lines = [_sentence(found, row, model) for row in rows]
    every = len(found.records) * (len(found.records) - 1) // 2
    if not in_full:
        lines.append(
            f"These {len(rows)} links hold the records together; {len(found.pairs) - len(rows)} more were scored."
        )
    if every > len(found.pairs):
        lines.append(f"{every - len(found.pairs)} of {every} pairs were never scored: no blocking rule met them.")
    for left, right, decision in found.decided:
        verdict = VERDICTS.get(decision.verdict, "unsure")
        until = f", until {decision.expires}" if decision.expires else ""
        lines.append(
            f"{_label(found, left).capitalize()} and {_label(found, right)}: {decision.actor} decided {verdict}"
            f" ({decision.reason or 'no reason given'}){until}."
        )
    return lines


def _sentence(found: Explanation, row: int, model: Relations) -> str:
    pair = found.pairs.iloc[row]
    gammas = [int(pair[gamma]) for gamma in GAMMAS]
    across = found.records.feed.iloc[int(pair.left)] != found.records.feed.iloc[int(pair.right)]
    weights = field_weights(model, across, gammas)
    said = []
    for field, gamma, bits in zip(FIELDS, gammas, weights, strict=True):
        level = f"{FIELD_NAMES.get(field, field)} {words(field, gamma)}"
        said.append(level if gamma < 0 else f"{level} ({bits:+.1f})")
    rarity = pair.match_weight - sum(weights)
    if abs(rarity) >= 0.05:
        said.append(f"shared values {'rarer' if rarity > 0 else 'commoner'} than usual ({rarity:+.1f})")
    if pair.number_alone:
        said.append("a number alone proves little where birth date and forename do not agree")
    alone = "" if pair.match_probability >= found.threshold else ", too little to join them by itself"
    return (
        f"{_label(found, int(pair.left)).capitalize()} and {_label(found, int(pair.right))}: {', '.join(said)}; "
        f"{_percent(pair.match_probability)} one person{alone}."
    )


def field_weights(model: Relations, across: bool, gammas: Sequence[int]) -> list[float]:
    """Bits that each field adds to the match weight of a pattern, field by field in their order; 0 where missing."""
    steps = np.full((len(gammas) + 1, len(gammas)), -1, dtype=np.int8)
    for known in range(1, len(gammas) + 1):
        steps[known, :known] = gammas[:known]
    return np.diff(relations.match_weight(model, across, steps)).tolist()


def _bridge_words(found: Explanation) -> list[str]:
    if len(found.records) == 1:
        return ["One record: there is no link to explain."]
    if found.weakest is None:
        return ["No pair of these records was scored: a decision holds them together."]
    pair = found.pairs.iloc[found.weakest]
    one, other = (", ".join(str(record + 1) for record in part) for part in found.parts)
    beside = [
        probability
        for row, (left, right, probability) in enumerate(
            zip(found.pairs.left, found.pairs.right, found.pairs.match_probability, strict=True)
        )
        if row != found.weakest and (left in found.parts[0]) != (right in found.parts[0])
    ]
    likely = [probability for probability in beside if probability >= found.threshold]
    if likely:
        numbers = f"{len(likely)} other pair{'s' if len(likely) > 1 else ''}"
        without = (
            f"Without it {numbers} of up to {_percent(max(likely))} would still tie record {one} to record {other}."
        )
    else:
        without = f"Without it the person falls apart: record {one} on one side, record {other} on the other."
    ends = f"record {int(pair.left) + 1} and record {int(pair.right) + 1}"
    return [f"Weakest bridge: {ends}, {_percent(pair.match_probability)}. {without}"]


def _percent(probability: float) -> str:
    """One decimal, and never 100 % of what is not certain."""
    return f"{min(100 * probability, 99.9):.1f} %" if probability < 0.9995 else "over 99.9 %"


def as_svg(found: Explanation) -> str:
    """The person as one picture that needs nothing else: a dot a record, a line a scored pair, heavier if likelier."""
    number = len(found.records)
    radius = max(120.0, 26.0 * number / math.pi * 2)
    width, height = 2 * radius + 420, 2 * radius + 120
    centre = width / 2, height / 2
    angle = [2 * math.pi * i / number - math.pi / 2 for i in range(number)]
    at = [(centre[0] + radius * math.cos(a), centre[1] + radius * math.sin(a)) for a in angle]
    weak = found.weakest
    title = f"{found.person_id}: {number} records"
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" role="img" '
            f'aria-label="{escape(title)}" font-family="sans-serif" font-size="13">'
        ),
        f"<title>{escape(title)}</title>",
        f'<rect width="{width:.0f}" height="{height:.0f}" fill="white"/>',
        f'<text x="16" y="26" font-size="16">{escape(title)}</text>',
    ]
    held = set(found.held)
    # What holds the person together is drawn last, over the rest.
    for row in sorted(range(len(found.pairs)), key=lambda row: (row == weak, row in held)):
        pair = found.pairs.iloc[row]
        (x1, y1), (x2, y2) = at[int(pair.left)], at[int(pair.right)]
        colour = "#b3400e" if row == weak else "#2a5d84" if row in held else "#b9c4cc"
        stroke = 1 + 4 * pair.match_probability if row in held else 1
        dashes = ' stroke-dasharray="7 5"' if row == weak else ""
        text = (
            f"{_label(found, int(pair.left))} and {_label(found, int(pair.right))}: {_percent(pair.match_probability)}"
        )
        parts.append(
            f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" '
            f'stroke-width="{stroke:.1f}"{dashes}><title>{escape(text)}</title></line>'
        )
    for (x, y), record in zip(at, range(number), strict=True):
        right = x >= centre[0] - 1
        anchor, shift = ("start", 14) if right else ("end", -14)
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="8" fill="#2a5d84"/>')
        parts.append(
            f'<text x="{x + shift:.1f}" y="{y + 4:.1f}" text-anchor="{anchor}">'
            f"{record + 1} {escape(found.records.feed.iloc[record])} ({escape(found.records.agency.iloc[record])})</text>"
        )
    if weak is not None:
        probability = _percent(found.pairs.match_probability[weak])
        parts.append(
            f'<text x="16" y="{height - 16:.0f}" fill="#b3400e">Dashed: the weakest bridge, {probability} one person</text>'
        )
    return "\n".join([*parts, "</svg>", ""])


def explain_person(linkage: Path, state: Path, person_id: str, threshold: float, svg: Path | None = None) -> str:
    """The explanation as text; the drawing goes into `svg` if given."""
    found = explain(linkage, state, person_id, threshold)
    model = current_model(state / "models")
    if model is None:
        raise InputError("there is no linkage model in the state folder. Link first: upstream run")
    text = as_text(found, model.relations)
    if svg:
        svg.write_text(as_svg(found), encoding="utf-8")
    return text
