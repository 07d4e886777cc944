"""Runs every attack on every encoder and writes attacks.json. What an attack does stands in its own module."""

import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.evaluation.encoders import ENCODERS, KEYED_NAMES, PLAIN, UNANCHORED, Encode
from pipelines.pseudonymise.encode import PROFILES

from . import frequency, graph, lookup, material, patterns
from .columns import Columns

KEY, OTHER_KEY, THIRD_KEY = (bytes([number]) * 32 for number in (1, 2, 3))  # made up: nothing real is encoded
PEERS = (PLAIN, KEYED_NAMES, UNANCHORED)
HARDENED = (*(name for name in ENCODERS if name.startswith(f"{PLAIN}+")), "two-step")  # attacked in brief
PUBLIC_SEEDS, PUBLIC_TIMES = 1_000, 2  # the public frequencies' region: other seeds, and its size in regions
REGISTER_COUNTS = "register counts"
SHOWN = 10.0  # times chance that an attack must reach on an unhardened encoder to count as shown
LOOKED_UP = 1_000  # records looked up one by one
HUB_GRAPH = 2_000  # people of the hub's graph
# Graph matching: records encoded at most, share of them in the register, its size in their number, clear attributes.
GRAPH_BRIEF = ((2_000, 1.0, 1, False), (2_000, 1.0, 1, True))
GRAPH_WHOLE = (
    (5_000, 1.0, 1, False),
    (5_000, 1.0, 1, True),
    *((2_000, share, 1, True) for share in (0.05, 0.2, 0.5)),
    *((800, share, 5, True) for share in (0.2, 0.5, 1.0)),
    *((200, share, 20, True) for share in (0.2, 0.5, 1.0)),
)


@dataclass(frozen=True)
class Target:
    """A file under attack and what surrounds it: the whole region's records and events, and other people's records."""

    file: pd.DataFrame
    region: material.Region
    public: pd.DataFrame


def privacy_attack(
    out: Path,
    people: int = 6_000,
    seed: int = 1,
    encoders: Sequence[str] | None = None,
    progress: Callable[[str], None] = lambda text: None,
) -> list[dict]:
    """Attack each encoder on a fictional region of so many people, write `out`/attacks.json and return its objects.

    encoders: names from pipelines.evaluation.encoders; None for all. The unhardened peers always run, since they show
    whether an attack works at all. Raises ValueError for a name that is not there.
    """
    unknown = sorted(set(encoders or ()) - set(ENCODERS))
    if unknown:
        raise ValueError(f"no encoder {', '.join(unknown)}: there are {', '.join(ENCODERS)}")
    chosen = [name for name in ENCODERS if encoders is None or name in (*PEERS, *encoders)]
    with tempfile.TemporaryDirectory() as folder:
        region = material.region(Path(folder) / "region", people, seed, progress)
        others = material.region(Path(folder) / "public", PUBLIC_TIMES * people, seed + PUBLIC_SEEDS, progress)
    target = Target(_named(region.largest_file()), region, _named(others.largest_file()))
    objects: list[dict] = []
    for name in chosen:
        for found in _attacks(name, ENCODERS[name], target, seed, progress):
            objects.append(found | {"encoder": name})
    result = with_verdicts(objects)
    out.mkdir(parents=True, exist_ok=True)
    (out / "attacks.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return result


def with_verdicts(objects: list[dict]) -> list[dict]:
    """The objects, each with how many times chance its attack reaches on unhardened encoders, and the verdict on it.

    An attack that cannot name the people of an unhardened file says nothing of a hardened one: 'not shown', never safe.
    Against our own profiles it has to name them both in plain field filters and in our signatures with the hardening
    off; against another encoder in either unhardened peer.
    """
    reached: dict[tuple[str, str], float] = {}
    for found in objects:
        if found["encoder"] in PEERS and found["column"] != frequency.ATTRIBUTES:
            times = found["share"] / max(found["chance"], 1 / max(1, found["people"]))
            place = (found["attack"], found["encoder"])
            reached[place] = max(times, reached.get(place, 0.0))

    def validation(found: dict) -> float:
        ours = found["encoder"] in PROFILES
        times = [reached.get((found["attack"], peer), 0.0) for peer in ((PLAIN, UNANCHORED) if ours else PEERS)]
        return min(times) if ours else max(times)

    return [
        found
        | {
            "validation_times_chance": round(validation(found), 1),
            "verdict": "shown" if validation(found) >= SHOWN else "not shown",
        }
        for found in objects
    ]


def _attacks(name: str, encoder: Encode, target: Target, seed: int, progress: Callable[[str], None]) -> Iterator[dict]:
    whole = name in PEERS or name not in HARDENED
    file, public = target.file, target.public
    columns, copy, elsewhere = encoder(file, KEY), encoder(file, OTHER_KEY), encoder(public, THIRD_KEY)
    progress(f"{name}: frequency and patterns")
    counted = counts_apart(file, seed)
    known = [
        frequency.Knowledge(frequency.EXACT, encoder(counted, OTHER_KEY), counted),
        frequency.Knowledge(frequency.PUBLIC, elsewhere, public),
    ]
    yield from frequency.attack(columns, file, known, seed)
    yield from _register_counts(columns, copy, file, seed)
    yield from patterns.attack(columns, file, file)
    yield from patterns.attack(columns, file, public, exact=False)
    progress(f"{name}: graph matching")
    for setting in GRAPH_WHOLE if whole else GRAPH_BRIEF:
        yield from _graph(encoder, file, public, *setting, seed)
    progress(f"{name}: dictionary, change of key, hub")
    some = np.sort(np.random.default_rng(seed).permutation(len(file))[:LOOKED_UP])
    part, part_people = _rows(columns, some), file.iloc[some].reset_index(drop=True)
    yield lookup.dictionary(part, part_people, columns, file, with_key=True)
    yield lookup.dictionary(part, part_people, copy, file, with_key=False)
    yield from lookup.rotation(part, _rows(copy, some), part_people, _events(target))
    if whole:
        yield from _hub(encoder, target, seed)


def counts_apart(people: pd.DataFrame, seed: int) -> pd.DataFrame:
    """The people with birth dates and postcodes dealt out anew: what exact statistics say, and no register.

    How many bear each full name (with its sex and other attributes), were born on each day and live at each postcode
    stays as it is; who was born when and lives where does not. Birth dates stay within their age band.
    """
    rng, dealt = np.random.default_rng(seed), people.copy()
    for column, within in (("dob", people["age_band"].fillna("")), ("postcode", None), ("nhs_number", None)):
        groups = [people.index.to_numpy()] if within is None else people.groupby(within, sort=True).indices.values()
        for rows in groups:
            dealt.iloc[rows, dealt.columns.get_loc(column)] = people[column].to_numpy()[rng.permutation(rows)]
    return dealt


def _register_counts(columns: Columns, copy: Columns, people: pd.DataFrame, seed: int) -> Iterator[dict]:
    """Frequency alignment by somebody who knows how often every combination of values occurs: a register in counts."""
    known = [frequency.Knowledge(frequency.REGISTER, copy, people)]
    for found in frequency.attack(columns, people, known, seed):
        if found["attack"] == frequency.FREQUENCY:
            yield found | {"attack": REGISTER_COUNTS}


def _graph(
    encoder: Encode, file: pd.DataFrame, public: pd.DataFrame, most: int, share: float, times: int, clear: bool,
    seed: int,
) -> Iterator[dict]:  # fmt: skip
    rng = np.random.default_rng(seed)
    size = min(most, len(file), len(public) // times if times > 1 else len(file))
    order = rng.permutation(len(file))
    people, rest = file.iloc[order[:size]], pd.concat([file.iloc[order[size:]], public])
    inside = people.iloc[rng.permutation(size)[: round(share * size)]]
    register = pd.concat([inside, rest.iloc[rng.permutation(len(rest))[: times * size - len(inside)]]])
    register = register.iloc[rng.permutation(len(register))].reset_index(drop=True)
    people = people.reset_index(drop=True)
    yield graph.attack(encoder(people, KEY), people, encoder(register, OTHER_KEY), register, share, times, clear)


def _hub(encoder: Encode, target: Target, seed: int) -> Iterator[dict]:
    """The hub as an adversary: all feeds' files, linked without a mistake, so that gaps of one are filled by another."""
    records = target.region.records
    (columns, people), (copy, _) = [_linked(encoder(records, key), records) for key in (KEY, OTHER_KEY)]
    counted, _ = _linked(encoder(counts_apart(records, seed), OTHER_KEY), records)
    for found in (
        *frequency.attack(columns, people, [frequency.Knowledge(frequency.EXACT, counted, people)], seed),
        *_register_counts(columns, copy, people, seed),
    ):
        yield found | {"attack": f"hub {found['attack']}"}
    rng = np.random.default_rng(seed)
    some, order = rng.permutation(len(people))[:HUB_GRAPH], rng.permutation(min(HUB_GRAPH, len(people)))
    part = people.iloc[some].reset_index(drop=True)
    register = part.iloc[order].reset_index(drop=True)
    for clear in (False, True):
        found = graph.attack(_rows(columns, some), part, _rows(copy, some[order]), register, 1.0, 1, clear)
        yield found | {"attack": "hub graph"}


def _linked(columns: Columns, records: pd.DataFrame) -> tuple[Columns, pd.DataFrame]:
    """One row per true person: each column and attribute from the first of its records that has it."""
    person = pd.factorize(records["true_person_id"])[0]

    def first(there: np.ndarray) -> np.ndarray:
        rows = np.full(person.max() + 1, -1)
        filled = np.flatnonzero(there)[::-1]
        rows[person[filled]] = filled
        return rows

    joined = {}
    for name, column in columns.items():
        rows = first(column.is_valid().to_numpy(zero_copy_only=False))
        joined[name] = column.take(pa.array(rows, mask=rows < 0))
    people = {}
    for name in ("forename", "surname", *frequency.CLEAR):
        values = records[name].fillna("").astype(str).to_numpy(object)
        rows = first(values != "")
        people[name] = np.where(rows >= 0, values[rows], "")
    return joined, pd.DataFrame(people)


def _events(target: Target) -> pd.DataFrame:
    events = target.region.events
    return events[events["feed"] == target.file["feed"].iloc[0]]


def _named(people: pd.DataFrame) -> pd.DataFrame:
    """Records with both names: the others cannot be named, and would make every share smaller."""
    return people[(people["forename"] != "") & (people["surname"] != "")].reset_index(drop=True)


def _rows(columns: Columns, rows: np.ndarray) -> Columns:
    return {name: pc.take(column, pa.array(rows)) for name, column in columns.items()}
