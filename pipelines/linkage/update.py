"""The monthly update: what is new since the last run is linked with everybody and among itself; the rest stands.

A run leaves in warehouse/linkage/memory what the next one needs: the versions of all clients, their scored pairs and
who is with whom. If the people files of then are still there unchanged, the next run blocks and scores the new versions
alone, and clusters anew only those components that a new version, or a new client, is in; within these every pair is
scored with the frequencies of today. Nothing else is retrained or weighed again.

The memory is disposable. Where it is absent, or was made by another model, code, threshold or decision, or where a file
it was made from has changed or gone, there is nothing to go on from and everybody is linked again. Each file is written
apart, and the manifest, which names the files that count, last.
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

from . import cluster, guards, load, score
from .cluster import Constraints, Links
from .comparisons import TOKENS
from .links import client_links
from .person_ids import KEY
from .train import Model

MANIFEST = "manifest.json"
OF_A_RUN = ("low", "central", "high", "match_weight", "match_probability")  # of each client
LEAST_PROBABILITY = 0.01  # of a pair that can be part of a component


@dataclass(frozen=True)
class Memory:
    """What a run left behind. new: people files that it had not seen."""

    folder: Path
    manifest: dict
    new: list[Path]

    def paths(self, kind: str) -> list[str]:
        return [str(self.folder / name) for name in self.manifest[kind]]


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
    whole = all(
        (folder / name).is_file() for kind in ("versions", "pairs", "seen", "clients") for name in manifest[kind]
    )
    if not gone_on or not whole:
        return None
    return Memory(folder, manifest, [path for path in files if _name(path) not in then])


def forget(linkage: Path) -> None:
    """The next run links everybody again."""
    (linkage / "memory" / MANIFEST).unlink(missing_ok=True)


def _name(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


def _digests(files: Sequence[Path]) -> dict[str, str]:
    return {_name(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def remember(
    con: duckdb.DuckDBPyConnection, linkage: Path, files: Sequence[Path], clients: pd.DataFrame, by: dict
) -> None:
    """Keep what a full linkage made: tables `versions` and `pairs`, and its clients in the order of client_id."""
    fingerprint = _fingerprint(con, "versions")
    con.execute(
        f"""
        create or replace table seen as
        select record_id, client_id, feed_id, first_period, last_period, is_latest, {fingerprint} as fingerprint
        from versions
        """
    )
    _write(con, linkage, files, clients, by, None, "versions", "pairs")


def _write(
    con, linkage: Path, files: Sequence[Path], clients, by: dict, before: Memory | None, versions, pairs
) -> None:
    """Write the memory's next files and, last, its manifest; drop those that no longer count."""
    folder = linkage / "memory"
    folder.mkdir(parents=True, exist_ok=True)
    serial = before.manifest["serial"] + 1 if before else 0
    keys = clients[[*KEY, *OF_A_RUN]].rename_axis("client_id").reset_index()
    con.register("of_a_run", keys)
    written = {kind: f"{kind}-{serial:05d}-{os.getpid()}.parquet" for kind in ("versions", "pairs", "seen", "clients")}
    for kind, sql in {
        "versions": f"select * from {versions}",
        "pairs": f"select * from {pairs}",
        "seen": "select * from seen",
        "clients": "select * from of_a_run",
    }.items():
        con.execute(f"copy ({sql}) to '{_quoted(folder / written[kind])}' (format parquet)")
    con.unregister("of_a_run")
    parts = {kind: [*(before.manifest[kind] if before else []), written[kind]] for kind in ("versions", "pairs")}
    manifest = {"by": by, "serial": serial, "files": _digests(files), **parts}
    manifest |= {kind: [written[kind]] for kind in ("seen", "clients")}
    building = folder / f".{MANIFEST}.{os.getpid()}"
    building.write_text(json.dumps(manifest, indent=1))
    os.replace(building, folder / MANIFEST)
    counting = {name for kind in written for name in manifest[kind]}
    for path in folder.glob("*.parquet"):
        if path.name not in counting:
            path.unlink(missing_ok=True)


def _quoted(path: Path | str) -> str:
    return str(path).replace("'", "''")


def _fingerprint(con: duckdb.DuckDBPyConnection, table: str) -> str:
    """SQL: a number for all that a version says of its client."""
    columns = [name for name, *_ in con.execute(f"describe {table}").fetchall()]
    of_a_run = {"record_id", "client_id", "feed_id", "first_period", "last_period", "is_latest", *KEY}
    return f"hash({', '.join(column for column in columns if column not in of_a_run)})"


def restore(con: duckdb.DuckDBPyConnection, memory: Memory) -> bool:
    """Make `versions` and table `fresh` (the new versions, under their numbers) and `seen` out of memory and new files.

    Returns False, with nothing made, where a new agency or feed came in, which renumbers all.
    """
    if memory.new:
        load.load_versions(con, memory.new)
    else:
        con.execute(
            f"create table versions as from read_parquet({memory.paths('versions')}, union_by_name = true) limit 0"
        )
    con.execute("alter table versions rename to arrivals")
    con.execute(f"create or replace table seen as from read_parquet({memory.paths('seen')})")
    con.execute(f"create or replace table known as from read_parquet({memory.paths('clients')})")
    con.execute(
        """
        create or replace table feeds as
        select distinct agency, feed, feed_id from known inner join (select distinct client_id, feed_id from seen)
            using (client_id)
        """
    )
    if con.execute("select count(*) from arrivals anti join feeds using (agency, feed)").fetchall()[0][0]:
        con.execute("drop table arrivals; drop table seen; drop table known; drop table feeds")
        return False
    clients, records = con.execute(
        "select max(client_id) + 1, (select max(record_id) + 1 from seen) from known"
    ).fetchall()[0]
    fingerprint = _fingerprint(con, "arrivals")
    con.execute(
        f"""
        create or replace table numbered as
        with client as (
            select agency, feed, person_ref, known.client_id,
                row_number() over (partition by known.client_id is null order by agency, feed, person_ref) as nth
            from (select distinct agency, feed, person_ref from arrivals)
            left join known using (agency, feed, person_ref)
        ),
        version as (
            select arrivals.record_id as arrival, coalesce(client.client_id, {clients} - 1 + nth)::integer as client_id,
                feeds.feed_id, first_period, last_period, {fingerprint} as fingerprint
            from arrivals
            inner join client using (agency, feed, person_ref)
            inner join feeds using (agency, feed)
        )
        select version.*, seen.record_id as known_as,
            ({records} - 1 + row_number() over (partition by seen.record_id is null order by client_id, arrival))::integer
                as new_id
        from version left join seen using (client_id, fingerprint)
        """
    )
    con.execute(
        """
        update seen set last_period = greatest(seen.last_period, n.last_period),
            first_period = least(seen.first_period, n.first_period)
        from numbered as n where n.known_as = seen.record_id
        """
    )
    con.execute(
        """
        insert into seen
        select new_id, client_id, feed_id, first_period, last_period, false, fingerprint
        from numbered where known_as is null order by new_id
        """
    )
    con.execute(
        """
        update seen set is_latest = seen.record_id = best.record_id
        from (
            select client_id, arg_max(record_id, (last_period, record_id)) as record_id
            from seen semi join numbered using (client_id) group by client_id
        ) as best
        where best.client_id = seen.client_id
        """
    )
    con.execute(
        """
        create or replace table fresh as
        select arrivals.* replace (
            n.new_id as record_id, n.client_id as client_id, n.feed_id as feed_id, seen.is_latest as is_latest
        )
        from arrivals
        inner join numbered as n on n.arrival = arrivals.record_id and n.known_as is null
        inner join seen on seen.record_id = n.new_id
        order by n.new_id
        """
    )
    con.execute(
        f"""
        create or replace view versions as
        with given as (
            from read_parquet({memory.paths("versions")}, union_by_name = true) union all by name from fresh
        )
        select given.* replace (
            seen.first_period as first_period, seen.last_period as last_period, seen.is_latest as is_latest
        )
        from given inner join seen using (record_id)
        """
    )
    con.execute("drop table numbered; drop table arrivals; drop table feeds")
    return True


def arrived(con: duckdb.DuckDBPyConnection) -> int:
    """New versions."""
    return con.execute("select count(*) from fresh").fetchall()[0][0]


def link_new(
    con: duckdb.DuckDBPyConnection,
    memory: Memory,
    model: Model,
    thresholds: Sequence[float],
    clients: pd.DataFrame,
    constraints: Constraints,
) -> pd.DataFrame:
    """As run.link_versions, after `restore`: the new versions linked, everybody else as remembered.

    thresholds: low, central and high. clients: agency, feed, person_ref of all, in the order of client_id. Leaves
    table `pairs`.
    """
    low, central, high = thresholds
    narrow = {"record_id", "client_id", "is_latest", *score.columns_to_block(TOKENS), *TOKENS.rarities}
    con.execute(f"create or replace table narrow as select {', '.join(sorted(narrow))} from versions")
    score.count_term_frequencies(con, TOKENS, "narrow")
    score.block_new(con, "fresh", "narrow", TOKENS)
    _score(con, model, "blocked", "pairs_new")
    con.execute(
        f"""
        create or replace view pairs as
        from read_parquet({memory.paths("pairs")}, union_by_name = true) union all by name from pairs_new
        """
    )
    links = client_links(con, "pairs", LEAST_PROBABILITY)
    labels = cluster.candidate_components(links, len(clients), low, constraints)
    changed = con.execute("select distinct client_id from fresh").fetchnumpy()["client_id"]
    members = np.flatnonzero(np.isin(labels, labels[changed]))
    con.register("component", pd.DataFrame({"client_id": members, "component": labels[members]}))
    con.execute(
        "create or replace table inside as select pairs.* from pairs semi join component on client_id = client_id_l"
    )
    sizes = np.bincount(labels)[labels[members]]
    con.register("small", pd.DataFrame({"client_id": members[(sizes > 2) & (sizes <= score.COMPLETED_UP_TO)]}))
    con.execute(
        f"""
        create or replace table missing as
        with members as (
            select record_id, client_id, component from seen inner join component using (client_id)
            semi join small using (client_id)
        )
        select a.record_id as record_id_l, b.record_id as record_id_r, {score.UNBLOCKED}::tinyint as rule
        from members as a
        inner join members as b on a.component = b.component and a.client_id <> b.client_id and a.record_id < b.record_id
        anti join inside as known on known.record_id_l = a.record_id and known.record_id_r = b.record_id
        """
    )
    _score(con, model, "missing", "completing")
    con.execute("insert into pairs_new by name from completing")
    con.execute("insert into inside by name from completing")
    place = np.full(len(clients), -1)
    place[members] = np.arange(len(members))
    links = client_links(con, "inside")
    links = links.select(labels[links.left] == labels[links.right])
    links = Links(place[links.left], place[links.right], links.probability, links.evidence)
    verified = guards.verified_numbers(con)[members]
    rules = _within(constraints, place, members)
    anew = {"central": cluster.people(links, len(members), central, verified, rules)}
    rules = rules.without_last()
    anew["low"] = cluster.people(links, len(members), low, verified, rules, joined=anew["central"])
    within = links.select(anew["central"][links.left] == anew["central"][links.right])
    anew["high"] = cluster.people(within, len(members), high, verified, rules)
    result = _as_remembered(con, clients)
    for name, people in anew.items():
        result.loc[members, name] = people + result[name].max() + 1
    return _with_strongest(con, result.astype({name: np.int64 for name in anew}), members)


def _score(con: duckdb.DuckDBPyConnection, model: Model, pairs: str, into: str) -> None:
    """Fill table `into` with the scored pairs of table `pairs`; of all versions only theirs are read in full."""
    con.execute(
        f"""
        create or replace table near as
        select versions.* from versions
        semi join (select record_id_l as record_id from {pairs} union select record_id_r from {pairs}) using (record_id)
        """
    )
    score.compare(con, pairs, "compared", "near")
    score.weigh(con, "compared", into, model.relations)
    guards.doubt_numbers_alone(con, into, "near")
    con.execute("drop table compared; drop table near")


def _within(constraints: Constraints, place: np.ndarray, members: np.ndarray) -> Constraints:
    """The constraints on some clients, by their places among them."""
    constraints = constraints.binding()
    pairs = [place[pairs][(place[pairs] >= 0).all(axis=1)] for pairs in (constraints.must, constraints.cannot)]
    return Constraints(*pairs, constraints.together[members])


def _as_remembered(con: duckdb.DuckDBPyConnection, clients: pd.DataFrame) -> pd.DataFrame:
    """Clients with what the last run made of them; missing for those it did not know."""
    known = con.execute(f"select {', '.join(OF_A_RUN)} from known order by client_id").df()
    return clients[KEY].join(known)


def _with_strongest(con: duckdb.DuckDBPyConnection, clients: pd.DataFrame, members: np.ndarray) -> pd.DataFrame:
    """The strongest link of each client in the components that were clustered anew."""
    con.register("person", clients[["central"]].rename_axis("client_id").reset_index())
    strongest = con.execute(
        """
        with linked as (
            select client_id_l, client_id_r, match_weight, match_probability
            from inside
            inner join person as l on l.client_id = client_id_l
            inner join person as r on r.client_id = client_id_r and r.central = l.central
        )
        select client_id, max(match_weight) as match_weight, max(match_probability) as match_probability
        from (
            select client_id_l as client_id, match_weight, match_probability from linked
            union all select client_id_r, match_weight, match_probability from linked
        )
        group by client_id
        """
    ).df()
    strongest = strongest.set_index("client_id").reindex(members)
    columns = ["match_weight", "match_probability"]
    clients.loc[members, columns] = strongest[columns].to_numpy()
    con.unregister("person")
    return clients


def remember_new(
    con: duckdb.DuckDBPyConnection, linkage: Path, files: Sequence[Path], clients: pd.DataFrame, memory: Memory
) -> None:
    """Keep what `link_new` made beside what was kept before."""
    _write(con, linkage, files, clients, memory.manifest["by"], memory, "fresh", "pairs_new")
