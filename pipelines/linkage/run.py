"""Linkage as a whole: accepted tokens in, person index and quality out; and training. No Dagster, no clock.

`link` is a pure function of the accepted people files, the current model and the last person index.
"""

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from pipelines.hub_salt import hub_salt
from pipelines.settings import Settings

from . import band, decisions, load, people, person_ids, quality, review, score, update
from .cluster import Constraints
from .comparisons import FIELDS, TOKENS, Representation
from .links import client_links
from .people import Thresholds
from .train import Model, current_model, learn

Progress = Callable[[str], None]
LAST_INDEX = "last_index.sha256"  # in the folder of linkage: what the person ids went on from
LEAST_SHOWN = 0.01  # match probability from which a pair of clients is written down to be looked at


@dataclass(frozen=True)
class LinkResult:
    """What a run made; counts of clients (records of the index), people, and pairs at the central threshold."""

    clients: int
    people: int
    links: int
    model_version: str
    index: Path
    quality: Path
    history: Path


def train(settings: Settings, progress: Progress | None = None) -> Model:
    """Learn a model from all accepted people, keep it in the state folder and make it current."""
    say = progress or (lambda text: None)
    con = load.connect(settings.threads, settings.memory_limit, settings.linkage / "spill")
    load.load_versions(con, load.people_files(settings.linkage))
    model = _learn(con, settings, say)
    con.close()
    return model


def _learn(con: duckdb.DuckDBPyConnection, settings: Settings, say: Progress) -> Model:
    versions = con.execute("select count(*) from versions").fetchall()[0][0]
    say(f"learning from {versions:,} identity versions")
    model = learn(con)
    model.save(settings.state / "models")
    return model


def link(settings: Settings, progress: Progress | None = None) -> LinkResult:
    """Link all accepted people with the current model (trained now if there is none) and write index and quality."""
    say = progress or (lambda text: None)
    con = load.connect(settings.threads, settings.memory_limit, settings.linkage / "spill")
    model = current_model(settings.state / "models")
    loaded = model is None and load.load_versions(con, load.people_files(settings.linkage))
    model = model or _learn(con, settings, say)
    thresholds, files = Thresholds.of(settings), load.people_files(settings.linkage)
    load.profile_of(files)
    period = max((file.stem for file in files), default="")
    last = person_ids.read_state(settings.state)
    decided = decisions.read(settings.state, period)
    by = update.made_by(model, thresholds.ends, decided.must, decided.cannot)
    memory = None if loaded else update.remembered(settings.linkage, files, by)
    if memory and update.restore(con, memory):
        say(f"linking {update.arrived(con):,} new identity versions with those of the last run")
        known = update.known_clients(con)
        constraints = decided.constraints(known, last.seen)
        clients = update.link_new(con, model, thresholds, known, constraints)
        update.remember_new(con, memory)
    else:
        versions = loaded or load.load_versions(con, files)
        say(f"linking all {versions:,} identity versions")
        constraints = decided.constraints(_clients(con), last.seen)
        clients = link_versions(con, model, thresholds, constraints=constraints)
        update.remember(con, settings.linkage, files, clients, by)
    _say_skipped(con, say)
    person_draws = band.person_draws(
        con, model, clients, client_links(con), constraints, settings.linkage_draws, settings.linkage_draws_seed
    )
    settings.state.mkdir(parents=True, exist_ok=True)
    salt = hub_salt(settings.state)
    ids = person_ids.assign(clients, clients["central"], last, salt, period)
    index = _index(clients, ids)
    _write_client_pairs(con, clients, settings.linkage / "client_pairs.parquet")
    impossible = review.impossible_people(settings.warehouse_db, settings.state)
    queue = review.queue(
        settings.linkage / "client_pairs.parquet", index, decided, impossible, settings.join_probability
    )
    index["in_review"] = index.person_id.isin(review.implausible_people(queue))
    report = quality.report(con, model, index, Thresholds.of(settings), settings.state)
    links = int(report.loc[report.measure == "links", "value"].iloc[0])
    con.close()
    write_parquet(index, settings.linkage / "person_index.parquet")
    write_parquet(person_draws, settings.linkage / "person_draws.parquet")
    write_parquet(queue, settings.linkage / "review_queue.parquet")
    write_parquet(report, settings.linkage / "quality.parquet")
    _note_last_index(settings, changed=not ids.index.equals(last.index))
    # History first: what a kill between the two leaves is written once, not lost.
    write_parquet(ids.history, settings.state / "person_history.parquet")
    write_parquet(ids.index, settings.state / "person_index.parquet")
    say(f"{len(index):,} records of {index.person_id.nunique():,} people")
    return LinkResult(
        clients=len(index),
        people=index.person_id.nunique(),
        links=links,
        model_version=model.version,
        index=settings.linkage / "person_index.parquet",
        quality=settings.linkage / "quality.parquet",
        history=settings.state / "person_history.parquet",
    )


def _note_last_index(settings: Settings, changed: bool) -> None:
    """Keep the digest of the index that this one went on from; a run that changed nothing went on from the same."""
    note, index = settings.linkage / LAST_INDEX, settings.state / "person_index.parquet"
    if changed or not note.exists():
        note.write_text(hashlib.sha256(index.read_bytes()).hexdigest() if index.exists() else "none")


def _say_skipped(con: duckdb.DuckDBPyConnection, say: Progress) -> None:
    for rule, blocks, records, pairs in con.execute("from skipped").fetchall():
        say(
            f"{blocks:,} values of {rule} are shared by {records:,} records, too many to compare: "
            f"their {pairs:,} pairs were left to the other rules"
        )


def link_versions(
    con: duckdb.DuckDBPyConnection,
    model: Model,
    thresholds: Thresholds,
    representation: Representation = TOKENS,
    constraints: Constraints | None = None,
) -> pd.DataFrame:
    """One row a client of table `versions`: agency, feed, person_ref, candidate component, cluster numbers low, central
    and high, and the strongest link to another record of its person (match_weight, match_probability; missing if alone).

    Leaves table `pairs`: every scored pair of versions with its levels, weight and probability.
    """
    score_pairs(con, model, representation)
    return cluster_pairs(con, model, thresholds, representation, constraints)


def cluster_pairs(
    con: duckdb.DuckDBPyConnection,
    model: Model,
    thresholds: Thresholds,
    representation: Representation = TOKENS,
    constraints: Constraints | None = None,
) -> pd.DataFrame:
    """The second half of `link_versions`: people out of tables `versions` and `pairs`."""
    clients = _clients(con)
    everybody = clients.client_id.to_numpy()
    constraints = constraints or Constraints.none(len(clients))
    component = people.candidate_components(con, "pairs", everybody, thresholds.low, constraints)
    found = people.people(con, model.relations, thresholds, everybody, component, constraints, "pairs", representation)
    return clients.assign(component=component, **found).drop(columns="client_id")


def _clients(con: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    """client_id, agency, feed and person_ref of each client of table `versions`, in the order of client_id."""
    return (
        con.sql("select client_id, agency, feed, person_ref from versions where is_latest order by client_id")
        .to_arrow_table()
        .to_pandas()
    )


def score_pairs(con: duckdb.DuckDBPyConnection, model: Model, representation: Representation = TOKENS) -> None:
    """Fill table `pairs` with every blocked pair of versions."""
    score.count_term_frequencies(con, representation)
    score.block(con, "versions", representation)
    people.score_pairs(con, model.relations, "blocked", "pairs", representation)
    con.execute("drop table blocked")


def _write_client_pairs(con: duckdb.DuckDBPyConnection, clients: pd.DataFrame, path: Path) -> None:
    """Every pair of clients that is likely enough, contradicts itself or is inside one component at the low threshold.

    One row a pair, the likeliest of its pairs of versions: agency, feed and person_ref of both sides (_l, _r), levels,
    match_weight, match_probability, evidence, number_alone (an NHS number and nothing else ties the pair).
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    building = path.with_name(f".{path.name}.{os.getpid()}")
    quoted = str(building).replace("'", "''")
    con.register("component", clients[["low"]].rename_axis("client_id").reset_index())
    con.execute(
        f"""
        create or replace table clients as
        select distinct client_id, agency, feed, person_ref, low
        from versions inner join component using (client_id);
        copy (
            select {", ".join(f"{side}.{c} as {c}_{side}" for side in "lr" for c in person_ids.KEY)},
                {", ".join(f"p.gamma_{field}" for field in FIELDS)},
                p.match_weight, p.match_probability, p.evidence, p.number_alone
            from pairs as p
            inner join clients as l on l.client_id = least(client_id_l, client_id_r)
            inner join clients as r on r.client_id = greatest(client_id_l, client_id_r)
            where p.match_probability >= {LEAST_SHOWN} or l.low = r.low or p.number_alone
            qualify row_number() over (
                partition by l.client_id, r.client_id
                order by p.match_probability desc, p.evidence desc, p.record_id_l, p.record_id_r
            ) = 1
            order by l.client_id, r.client_id
        ) to '{quoted}' (format parquet)
        """
    )
    con.unregister("component")
    os.replace(building, path)


def _index(clients: pd.DataFrame, ids: person_ids.PersonIds) -> pd.DataFrame:
    """The person index in its published columns, ordered by client."""
    index = clients.merge(ids.index[[*person_ids.KEY, "person_id"]], on=person_ids.KEY, validate="one_to_one")
    index = index.sort_values(person_ids.KEY, ignore_index=True)
    person, names = pd.factorize(index.person_id, sort=True)
    # The other scenarios' keys are named after the central person, so that they last as long as it does.
    first = pd.Series(person).groupby(index.low.to_numpy()).transform("min")
    index["person_id_low"] = "L" + pd.Series(names).str[1:].take(first).array
    parts = pd.DataFrame({"person": person, "high": index.high}).drop_duplicates()
    parts["part"] = parts.groupby("person").cumcount()
    part = pd.DataFrame({"person": person, "high": index.high}).merge(parts, on=["person", "high"], how="left").part
    index["person_id_high"] = "H" + index.person_id.str[1:] + "." + part.astype(str)
    index["records"] = np.bincount(person)[person].astype("int32")
    columns = ["person_id", "person_id_low", "person_id_high", "match_weight", "match_probability", "records"]
    return index[[*person_ids.KEY, *columns]]


def write_parquet(table: pd.DataFrame, path: Path) -> None:
    """Write apart and move into place, so that a reader sees the old file or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    building = path.with_name(f".{path.name}.{os.getpid()}")
    table.to_parquet(building, index=False)
    os.replace(building, path)
