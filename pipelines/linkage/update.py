"""The monthly update: what is new since the last run is linked with everybody and among itself; the rest stands.

A run leaves in warehouse/linkage/memory what the next one needs: the versions of all clients, their scored pairs and
who is with whom, in a DuckDB file. If the people files of then are still there unchanged, the next run blocks and scores
the new versions alone, and clusters anew only those components that a new version, or a new client, is in; within these
every pair is scored with the frequencies of today. Nothing else is retrained or weighed again.

The memory is disposable. Where it is absent, or was made by another model, code, threshold or decision, or where a file
it was made from has changed or gone, there is nothing to go on from and everybody is linked again. It counts only with
its manifest, which is taken away before anything in it is changed and written again when all is.
"""

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa

from . import cluster, load, people, score
from .cluster import Constraints
from .people import STRONGEST, Thresholds
from .person_ids import KEY
from .train import Model

MANIFEST, DATABASE = "manifest.json", "memory.duckdb"
LABELS = ("component", "low", "central", "high")  # of each client: candidate component, and its person by threshold


@dataclass(frozen=True)
class Memory:
    """What a run left behind. files: digest by name, of all there are now; new: people files that it had not seen."""

    folder: Path
    by: dict
    files: dict[str, str]
    new: list[Path]


def made_by(model: Model, thresholds: Sequence[float], must: list, cannot: list) -> dict:
    """What a memory must have been made by to be gone on from."""
    code = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        code.update(path.read_bytes())
    decided = hashlib.sha256(repr((sorted(must), sorted(cannot))).encode()).hexdigest()
    return {
        "model": model.version,
        "code": code.hexdigest(),
        "thresholds": list(thresholds),
        "decisions": decided,
        "duckdb": duckdb.__version__,
    }


def remembered(linkage: Path, files: Sequence[Path], by: dict) -> Memory | None:
    """The last run's memory if these files go on from it."""
    folder = linkage / "memory"
    try:
        manifest = json.loads((folder / MANIFEST).read_text())
    except (OSError, ValueError):
        return None
    now, then = _digests(files), manifest["files"]
    gone_on = manifest["by"] == by and all(now.get(name) == digest for name, digest in then.items())
    if not gone_on or not (folder / DATABASE).is_file():
        return None
    return Memory(folder, by, now, [path for path in files if _name(path) not in then])


def forget(linkage: Path) -> None:
    """The next run links everybody again."""
    for name in (MANIFEST, DATABASE, f"{DATABASE}.wal"):
        (linkage / "memory" / name).unlink(missing_ok=True)


def _name(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


def _digests(files: Sequence[Path]) -> dict[str, str]:
    return {_name(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def _attach(con: duckdb.DuckDBPyConnection, folder: Path) -> None:
    quoted = str(folder / DATABASE).replace("'", "''")
    con.execute(f"attach '{quoted}' as kept")


def remember(
    con: duckdb.DuckDBPyConnection, linkage: Path, files: Sequence[Path], clients: pd.DataFrame, by: dict
) -> None:
    """Keep what a full linkage made: tables `versions` and `pairs`, and its clients in the order of client_id."""
    forget(linkage)
    folder = linkage / "memory"
    folder.mkdir(parents=True, exist_ok=True)
    _attach(con, folder)
    con.register("of_a_run", clients[[*KEY, *LABELS, *STRONGEST]].rename_axis("client_id").reset_index())
    for table, sql in {
        "versions": "from versions",
        "pairs": "from pairs",
        "clients": "from of_a_run order by client_id",
        "feeds": "select distinct agency, feed, feed_id from versions",
    }.items():
        con.execute(f"create table kept.{table} as {sql}")
    con.unregister("of_a_run")
    con.execute("detach kept")
    _write_manifest(folder, by, _digests(files))


def _write_manifest(folder: Path, by: dict, files: dict[str, str]) -> None:
    building = folder / f".{MANIFEST}.{os.getpid()}"
    building.write_text(json.dumps({"by": by, "files": files}, indent=1))
    os.replace(building, folder / MANIFEST)


def restore(con: duckdb.DuckDBPyConnection, memory: Memory) -> bool:
    """Make `versions` out of memory and new files, and table `fresh` (record_id, client_id) of the new versions.

    Returns False, with nothing made, where a new agency or feed came in, which renumbers all.
    """
    if memory.new:
        load.load_versions(con, memory.new)
        con.execute("alter table versions rename to arrivals")
    (memory.folder / MANIFEST).unlink()
    _attach(con, memory.folder)
    if not memory.new:
        con.execute("create table arrivals as from kept.versions limit 0")
    if con.execute("select count(*) from arrivals anti join kept.feeds using (agency, feed)").fetchall()[0][0]:
        con.execute("drop table arrivals; detach kept")
        return False
    con.execute(
        """
        create or replace table numbered as
        with counted as (
            select max(client_id) + 1 as clients, (select max(record_id) + 1 from kept.versions) as records
            from kept.clients
        ),
        client as (
            select agency, feed, person_ref, known.client_id,
                row_number() over (partition by known.client_id is null order by agency, feed, person_ref) as nth
            from (select distinct agency, feed, person_ref from arrivals)
            left join kept.clients as known using (agency, feed, person_ref)
        ),
        version as (
            select arrivals.record_id as arrival, coalesce(client.client_id, clients - 1 + nth)::integer as client_id,
                feeds.feed_id, first_period, last_period, said
            from arrivals
            inner join client using (agency, feed, person_ref)
            inner join kept.feeds as feeds using (agency, feed)
            cross join counted
        )
        select version.*, known.record_id as known_as,
            (records - 1 + row_number() over (partition by known.record_id is null order by version.client_id, arrival))
                ::integer as new_id
        from version
        left join kept.versions as known using (client_id, said)
        cross join counted
        """
    )
    con.execute(
        """
        insert into kept.versions by name
        select arrivals.* replace (
            n.new_id as record_id, n.client_id as client_id, n.feed_id as feed_id, false as is_latest
        )
        from arrivals inner join numbered as n on n.arrival = arrivals.record_id and n.known_as is null
        order by n.new_id
        """
    )
    con.execute(
        """
        update kept.versions as v set last_period = greatest(v.last_period, n.last_period),
            first_period = least(v.first_period, n.first_period)
        from numbered as n where n.known_as = v.record_id
        """
    )
    con.execute(
        """
        update kept.versions as v set is_latest = v.record_id = best.record_id
        from (
            select client_id, arg_max(record_id, (last_period, record_id)) as record_id
            from kept.versions semi join numbered using (client_id) group by client_id
        ) as best
        where best.client_id = v.client_id
        """
    )
    con.execute(
        """
        insert into kept.clients by name
        select distinct client_id, agency, feed, person_ref
        from kept.versions anti join kept.clients using (client_id) order by client_id
        """
    )
    con.execute(
        "create or replace table fresh as select new_id as record_id, client_id from numbered where known_as is null"
    )
    con.execute("drop table numbered; drop table arrivals")
    con.execute("create view versions as from kept.versions; create view pairs as from kept.pairs")
    return True


def arrived(con: duckdb.DuckDBPyConnection) -> int:
    """New versions."""
    return con.execute("select count(*) from fresh").fetchall()[0][0]


def known_clients(con: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    """client_id, agency, feed and person_ref of all, the new ones among them, after `restore`."""
    found = con.sql("select client_id, agency, feed, person_ref from kept.clients order by client_id")
    return found.to_arrow_table().to_pandas()


def link_new(
    con: duckdb.DuckDBPyConnection,
    model: Model,
    thresholds: Thresholds,
    clients: pd.DataFrame,
    constraints: Constraints,
) -> pd.DataFrame:
    """As run.link_versions, after `restore`: the new versions linked, everybody else as remembered.

    clients: `known_clients`. Leaves view `pairs`.
    """
    score.count_term_frequencies(con)
    score.block_new(con, "fresh")
    people.score_pairs(con, model.relations, "blocked", "pairs_new")
    con.execute("insert into kept.pairs by name from pairs_new")
    labels = _labels(con, len(clients))
    members, component = _touched(con, labels["component"], thresholds.low, constraints)
    found = people.people(con, model.relations, thresholds, members, component, constraints, "kept.pairs")
    found["component"] = component
    for name in LABELS:
        labels[name][members] = found[name] + labels[name].max(initial=-1) + 1
    strongest = {name: found[name] for name in STRONGEST}
    _remember_members(con, members, {name: labels[name][members] for name in LABELS}, strongest)
    made = con.execute(f"select {', '.join([*LABELS, *STRONGEST])} from kept.clients order by client_id").df()
    return clients[KEY].join(made)


def _labels(con: duckdb.DuckDBPyConnection, clients: int) -> dict[str, np.ndarray]:
    """Labels of all clients as remembered; a component of its own, and no person yet, for each new one."""
    found = con.execute(f"select {', '.join(LABELS)} from kept.clients order by client_id").fetchnumpy()
    labels = {name: np.ma.filled(np.ma.asarray(found[name]), -1).astype(np.int64) for name in LABELS}
    new = np.flatnonzero(labels["component"] < 0)
    labels["component"][new] = labels["component"].max(initial=-1) + 1 + np.arange(len(new))
    return labels


def _touched(
    con: duckdb.DuckDBPyConnection, component: np.ndarray, low: float, constraints: Constraints
) -> tuple[np.ndarray, np.ndarray]:
    """Clients of the components that a new version is in, and the component of each, from 0."""
    arrived = con.execute("select distinct client_id from fresh").fetchnumpy()["client_id"]
    met = con.execute(
        "select unnest([client_id_l, client_id_r]) as c from pairs_new where match_probability >= ?",
        [cluster.least_probability(low)],
    ).fetchnumpy()["c"]
    near = np.flatnonzero(np.isin(component, component[np.union1d(arrived, met)]))
    people.pairs_between(con, "pairs", near, "near")
    labels = people.candidate_components(con, "near", near, low, constraints)
    con.execute("drop table near")
    kept = np.isin(labels, labels[people.places(near, len(component))[arrived]])
    return near[kept], cluster.in_order(labels[kept])


def _remember_members(
    con: duckdb.DuckDBPyConnection, members: np.ndarray, labels: dict[str, np.ndarray], strongest: dict[str, np.ndarray]
) -> None:
    of_alone = {name: pa.array(values, mask=np.isnan(values)) for name, values in strongest.items()}
    con.register("member", pa.table({"client_id": members, **labels, **of_alone}))
    assignments = ", ".join(f"{name} = m.{name}" for name in (*LABELS, *STRONGEST))
    con.execute(f"update kept.clients as c set {assignments} from member as m where m.client_id = c.client_id")
    con.unregister("member")


def remember_new(con: duckdb.DuckDBPyConnection, memory: Memory) -> None:
    """The memory counts again, with what `link_new` added. Views `versions` and `pairs` stay."""
    con.execute("checkpoint kept")
    _write_manifest(memory.folder, memory.by, memory.files)
