"""What each step of linkage buys: the same records linked again with one step left out, scored against an answer key.

Reads benchmark folders (FEED.people.csv and truth.csv), prints a table of pair F1 and writes it as CSV. Run by
`make ablation`; docs/linkage.md has what came of it. One throw-away key serves all rows of a benchmark, so that rows
differ by the step alone.
"""

import argparse
import secrets
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import pandas as pd

from pipelines.linkage import Thresholds, cluster, load, relations
from pipelines.linkage.comparisons import FIELDS, LEVELS, TOKENS, Representation
from pipelines.linkage.relations import CHANGED, KIN, PERSON, SAME_PERSON, SMALLEST, Relations
from pipelines.linkage.run import link_versions
from pipelines.linkage.train import Model, learn
from pipelines.settings import Settings

from .link_benchmark import pseudonymised
from .metrics import score


def _as_learnt(model: Relations) -> Relations:
    return model


@dataclass(frozen=True)
class Step:
    """One way of linking with something left out."""

    name: str
    representation: Representation = TOKENS
    change: Callable[[Relations], Relations] = _as_learnt  # of the model after training
    threshold: float | None = None
    components: bool = False  # people are whatever links connect


def without_kin(model: Relations) -> Relations:
    return replace(model, shares=model.shares | dict.fromkeys(KIN, (SMALLEST**2,) * 2))


def with_one_class(model: Relations) -> Relations:
    """One person's levels as both of its classes have them together."""
    shares = {name: sum(model.shares[name]) for name in PERSON}
    part = shares[CHANGED] / sum(shares.values())
    m = {field: (1 - part) * model.m[field] + part * model.changed[field] for field in FIELDS}
    together = tuple(sum(model.shares[name][across] for name in PERSON) for across in (0, 1))
    gone = (SMALLEST**2,) * 2
    return replace(model, m=m, changed=m, shares=model.shares | {SAME_PERSON: together, CHANGED: gone})


def with_usual_chance(model: Relations) -> Relations:
    return replace(model, u=relations.starting_levels("u"))


def without_levels(*names: str) -> Representation:
    """The levels of these names are never reached."""
    levels = {
        field: tuple(
            "false" if level.name in names else sql for level, sql in zip(LEVELS[field], conditions, strict=False)
        )
        for field, conditions in TOKENS.levels.items()
    }
    return replace(TOKENS, levels=levels)


def without_rules(token: str) -> Representation:
    kept = tuple(rule for rule in TOKENS.prediction_rules if token not in rule)
    return replace(TOKENS, prediction_rules=kept)


def without_rarity(*columns: str) -> Representation:
    kept = {column: fields for column, fields in TOKENS.rarities.items() if column not in columns}
    return replace(TOKENS, rarities=kept)


STEPS = (
    Step("all of it"),
    Step("chance agreement as anywhere, not learnt from these people", change=with_usual_chance),
    Step("one person is one class, changed or not", change=with_one_class),
    Step("no kin: one person or strangers", change=without_kin),
    Step("rare birth dates and postcodes count as common ones", without_rarity("dob_token", "postcode_token")),
    Step("rare names count as common ones", without_rarity("sound_names_token")),
    Step(
        "names: the same or different",
        without_levels(*(level.name for f in ("forename", "surname") for level in LEVELS[f][1:-1])),
    ),
    Step("no nicknames", without_levels("a nickname, or another spelling of both names")),
    Step("no swapped names", without_levels("swapped with the surname")),
    Step("birth date: the same or different", without_levels(*(level.name for level in LEVELS["dob"][1:-1]))),
    Step("no blocking by birth date", without_rules("dob_")),
    Step("no blocking by postcode", without_rules("postcode")),
    Step("no blocking by the sounds of both names", without_rules("sound_names")),
    Step("people are whatever links connect", components=True),
    Step("a threshold of 0.95", threshold=0.95),
)


def ablate(
    folder: Path, steps: tuple[Step, ...] = STEPS, say: Callable[[str], None] = lambda text: None
) -> pd.DataFrame:
    """step, pair_P, pair_R, pair_F1, b3_F1: one row a step, for the records of a benchmark folder."""
    people = {path.name.removesuffix(".people.csv"): path for path in sorted(folder.glob("*.people.csv"))}
    truth = pd.read_csv(folder / "truth.csv", dtype=str, keep_default_na=False, na_values=[""])
    with tempfile.TemporaryDirectory() as tokens:
        files, lookup = pseudonymised(people, Path(tokens), key=secrets.token_bytes(32))
        con = load.connect()
        load.load_versions(con, files)
    models: dict[int, Model] = {}
    rows = []
    for step in steps:
        clusters = lookup.merge(_linked(con, step, models), on=["feed", "person_ref"], validate="one_to_one")
        found = score(clusters, truth)
        rows.append({"step": step.name, **{name: found[name] for name in ("pair_P", "pair_R", "pair_F1", "b3_F1")}})
        say(f"{step.name:62}{found['pair_P']:8.4f}{found['pair_R']:8.4f}{found['pair_F1']:8.4f}")
    con.close()
    return pd.DataFrame(rows)


def _linked(con: duckdb.DuckDBPyConnection, step: Step, models: dict[int, Model]) -> pd.DataFrame:
    """feed, person_ref, person_id. models: learnt so far, by representation."""
    settings = Settings()
    if id(step.representation) not in models:
        models[id(step.representation)] = learn(con, step.representation)
    model = models[id(step.representation)]
    model = replace(model, relations=step.change(model.relations))
    thresholds = Thresholds.of(settings)
    if step.threshold:
        thresholds = replace(thresholds, central=step.threshold, high=max(step.threshold, thresholds.high))
    clients = link_versions(con, model, thresholds, step.representation)
    if not step.components:
        return clients.rename(columns={"central": "person_id"})
    links = con.execute(
        "select distinct client_id_l as l, client_id_r as r from pairs where match_probability >= ? and rule >= 0",
        [thresholds.central],
    ).fetchnumpy()
    sure = cluster.Links(links["l"], links["r"], *[links["l"] * 0.0 + 1] * 2)
    order = con.execute("select distinct client_id, feed, person_ref from versions order by client_id").df()
    return order.assign(person_id=cluster.components(sure, len(order)))


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--benchmark", nargs="+", required=True, metavar="NAME=FOLDER")
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args(arguments)
    tables = []
    for pair in given.benchmark:
        name, _, folder = pair.partition("=")
        print(name, flush=True)
        tables.append(ablate(Path(folder), say=lambda text: print(text, flush=True)).assign(benchmark=name))
    given.out.mkdir(parents=True, exist_ok=True)
    pd.concat(tables).to_csv(given.out / "ablation.csv", index=False, lineterminator="\n")


if __name__ == "__main__":
    main(sys.argv[1:])
