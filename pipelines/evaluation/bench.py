"""How fast linkage is and how much memory it takes, beside stock Splink on the plaintext of the same people; and the
gate (bench_ingest.py), and sql/ (bench_sql.py).

Each run is a process of its own, so that its peak memory is its own. Made-up people (pipelines.synthetic.people_only) of
three agencies; what was made and measured is kept in the folder, so that a run that was stopped goes on where it was.
Stages are those of `linkage`: encode is at the agencies, score is compare and weigh. Run by `make bench`.
"""

import argparse
import json
import multiprocessing
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines.linkage import Thresholds, cluster, load, run, score, update
from pipelines.linkage.people import score_pairs
from pipelines.linkage.train import learn
from pipelines.settings import Settings
from pipelines.synthetic.people_only import regions

from . import bench_ingest, bench_sql, stock_splink
from .link_benchmark import pseudonymised
from .metrics import score as scored

SIZES = (100_000, 1_000_000)
LARGE = 5_000_000
RECORDS_A_PERSON = 1.66
NEW_IN_A_MONTH = 0.02
SEED = 1
OURS = ("encode", "load", "train", "block", "score", "cluster")

Stages = dict[str, float]  # stage -> seconds, and counts


def made(folder: Path, records: int) -> None:
    """People files and truth.csv of about so many records, a region at a time."""
    folder.mkdir(parents=True)
    for number, (feeds, truth) in enumerate(regions(round(records / RECORDS_A_PERSON), SEED)):
        for name, table in {**{f"{feed}.people": rows for feed, rows in feeds.items()}, "truth": truth}.items():
            table.to_csv(folder / f"{name}.csv", mode="a" if number else "w", header=not number, index=False)


def encode(folder: Path) -> Stages:
    shutil.rmtree(folder / "tokens", ignore_errors=True)
    started = time.perf_counter()
    _, lookup = pseudonymised(_people(folder), folder / "tokens", bytes(range(32)))
    seconds = time.perf_counter() - started
    lookup.to_parquet(folder / "lookup.parquet")
    return {"encode": seconds, "records": len(lookup)}


def link(folder: Path) -> Stages:
    """Everybody linked from tokens; F1 against the truth afterwards."""
    lap = _Laps()
    con = _connect(folder)
    load.load_versions(con, sorted((folder / "tokens").glob("*.parquet")))
    lap("load")
    model = learn(con)
    lap("train")
    score.count_term_frequencies(con)
    score.block(con)
    lap("block")
    score_pairs(con, model.relations, "blocked", "pairs")
    lap("score")
    clients = run.cluster_pairs(con, model, Thresholds.of(Settings()))
    lap("cluster")
    pairs = con.execute("select count(*) from pairs").fetchall()[0][0]
    skipped = con.execute("select coalesce(sum(pairs), 0) from skipped").fetchall()[0][0]
    found = pd.read_parquet(folder / "lookup.parquet").merge(clients, on=["feed", "person_ref"])
    f1 = _f1(found.assign(person_id=found.central.astype(str)), folder)
    return lap.seconds | {"pairs": pairs, "pairs_skipped": int(skipped), "f1": f1}


def stock(folder: Path) -> Stages:
    started = time.perf_counter()
    found = stock_splink.link(_people(folder))
    seconds = time.perf_counter() - started
    return {"stock": seconds, "f1": max(_f1(table, folder) for table in found.values())}


def month(folder: Path) -> Stages:
    """A month with NEW_IN_A_MONTH new records: linked with what was kept, and everybody linked again."""
    thresholds, linkage = Thresholds.of(Settings()), folder / "month"
    shutil.rmtree(linkage, ignore_errors=True)
    before, after = _two_months(folder / "tokens", linkage / "people")
    con = _connect(folder)
    load.load_versions(con, before)
    model = learn(con)
    by = update.made_by(model, thresholds.ends, [], [])
    update.remember(con, linkage, before, run.link_versions(con, model, thresholds), by)
    con.close()
    lap, con = _Laps(), _connect(folder)
    memory = update.remembered(linkage, [*before, *after], by)
    update.restore(con, memory)
    known = update.known_clients(con)
    updated = update.link_new(con, model, thresholds, known, cluster.Constraints.none(len(known)))
    update.remember_new(con, memory)
    con.close()
    lap("update")
    con = _connect(folder)
    load.load_versions(con, [*before, *after])
    everybody = run.link_versions(con, model, thresholds)
    update.remember(con, linkage, [*before, *after], everybody, by)
    lap("full")
    con.close()
    shutil.rmtree(linkage)
    both = updated.merge(everybody, on=list(load.CLIENT_COLUMNS), suffixes=("_updated", "_full"))
    one, other = both.central_updated.to_numpy(), both.central_full.to_numpy()
    return lap.seconds | {"adjusted_rand": adjusted_rand(one, other), "people_differing": differing(one, other)}


def ingest(folder: Path) -> Stages:
    """A month of a feed, with the gate and one scan: the folder is named <feed>-<rows>."""
    feed, rows = folder.name.rsplit("-", 1)
    return bench_ingest.measure_feed(folder, feed, int(rows))


RUNS: dict[str, Callable[[Path], Stages]] = {"encode": encode, "link": link, "stock": stock, "month": month}
OTHER_RUNS: dict[str, Callable[[Path], Stages]] = {"ingest": ingest, "build": bench_sql.build, "ask": bench_sql.ask}


def adjusted_rand(one: np.ndarray, other: np.ndarray) -> float:
    """Adjusted Rand index of two partitions (Hubert and Arabie 1985)."""
    together, of_one, of_other = _pairs(_crossed(one, other)), _pairs(one), _pairs(other)
    chance = of_one * of_other / (len(one) * (len(one) - 1) / 2)
    most = (of_one + of_other) / 2
    return 1.0 if most == chance else (together - chance) / (most - chance)


def differing(one: np.ndarray, other: np.ndarray) -> float:
    """Share of the people of `other` who are not the same set of records in `one`."""
    crossed = _crossed(one, other)
    sizes = [np.unique(labels, return_inverse=True, return_counts=True) for labels in (crossed, one, other)]
    of_record = [counts[place] for _, place, counts in sizes]
    same = (of_record[0] == of_record[1]) & (of_record[0] == of_record[2])
    return 1 - len(np.unique(other[same])) / len(np.unique(other))


def _crossed(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    return one.astype(np.int64) * (int(other.max()) + 1) + other


def _pairs(labels: np.ndarray) -> float:
    sizes = np.unique(labels, return_counts=True)[1].astype(float)
    return float((sizes * (sizes - 1) / 2).sum())


def _two_months(tokens: Path, people: Path) -> tuple[list[Path], list[Path]]:
    """The people files of a region before and in a month in which NEW_IN_A_MONTH of all clients are new."""
    rng, files = np.random.default_rng(SEED), ([], [])
    for source in sorted(tokens.glob("*.parquet")):
        table = pq.read_table(source)
        new = pa.array(rng.random(len(table)) < NEW_IN_A_MONTH)
        place = table.column_names.index("period")
        for written, period, rows in ((files[0], "2026-01", pc.invert(new)), (files[1], "2026-02", new)):
            part = table.filter(rows)
            part = part.set_column(place, "period", pa.array([period] * len(part)))
            path = people / source.stem / f"{period}.parquet"
            path.parent.mkdir(parents=True, exist_ok=True)
            pq.write_table(part, path)
            written.append(path)
    return files


def _people(folder: Path) -> dict[str, Path]:
    return {path.name.removesuffix(".people.csv"): path for path in sorted(folder.glob("*.people.csv"))}


def _f1(clusters: pd.DataFrame, folder: Path) -> float:
    return float(scored(clusters, pd.read_csv(folder / "truth.csv", dtype=str, keep_default_na=False))["pair_F1"])


def _connect(folder: Path):
    settings = Settings()
    return load.connect(settings.threads, settings.memory_limit, folder / "spill")


class _Laps:
    """Seconds since the last lap, by stage."""

    def __init__(self):
        self.seconds: Stages = {}
        self._since = time.perf_counter()

    def __call__(self, stage: str) -> None:
        now = time.perf_counter()
        self.seconds[stage], self._since = now - self._since, now


def _measured(name: str, folder: Path, answer) -> None:
    found = (RUNS | OTHER_RUNS)[name](folder)
    answer.put(found | {"peak_gb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20})


def measure(name: str, folder: Path) -> Stages:
    """One run in a process of its own, or as it was measured before."""
    kept = folder / f"{name}.json"
    if not kept.exists():
        context = multiprocessing.get_context("spawn")
        answer = context.Queue()
        process = context.Process(target=_measured, args=(name, folder, answer))
        process.start()
        process.join()
        if process.exitcode:
            raise SystemExit(
                f"{name} of {folder} stopped with exit code {process.exitcode}; what was measured is kept."
            )
        building = folder / f".{name}.json"
        building.write_text(json.dumps(answer.get(), indent=1))
        os.replace(building, kept)
    return json.loads(kept.read_text())


def table(of_size: dict[int, dict[str, Stages]]) -> str:
    """Markdown: one row a size."""
    heads = [
        "records",
        *(f"{stage}, s" for stage in OURS),
        "linkage, s",
        "peak, GB",
        "pairs",
        "stock, s",
        "stock peak, GB",
    ]
    heads += ["times as fast", "F1", "stock F1", "month, s", "of full", "adjusted Rand", "people differing"]
    lines = [" | ".join(heads), " | ".join("---" for _ in heads)]
    for size, runs in of_size.items():
        ours, rival, update_ = runs["link"], runs.get("stock", {}), runs.get("month", {})
        whole = sum(ours[stage] for stage in OURS[1:])
        row = [f"{size:,}", f"{runs['encode']['encode']:.1f}", *(f"{ours[stage]:.1f}" for stage in OURS[1:])]
        row += [f"{whole:.1f}", f"{ours['peak_gb']:.2f}", f"{ours['pairs']:,}"]
        row += (
            [f"{rival['stock']:.1f}", f"{rival['peak_gb']:.2f}", f"{rival['stock'] / whole:.1f}"]
            if rival
            else ["", "", ""]
        )
        row += [f"{ours['f1']:.4f}", f"{rival['f1']:.4f}" if rival else ""]
        row += (
            [f"{update_['update']:.1f}", f"{update_['update'] / update_['full']:.2f}"]
            + [f"{update_['adjusted_rand']:.5f}", f"{update_['people_differing']:.3%}"]
            if update_
            else ["", "", "", ""]
        )
        lines.append(" | ".join(row))
    return "\n".join(f"| {line} |" for line in lines)


def main(argv: list[str] | None = None) -> int:
    top = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    top.add_argument("--out", type=Path, default=Path("build/bench"), metavar="DIR")
    top.add_argument("--sizes", type=int, nargs="*", default=SIZES, metavar="RECORDS")
    top.add_argument(
        "--rows", type=int, default=1_000_000, help="activity rows of each feed that is taken in; 0 for none"
    )
    top.add_argument("--large", action="store_true", help=f"{LARGE:,} records as well, without stock Splink")
    top.add_argument(
        "--contacts", type=int, default=5_000_000, help="contacts of the warehouse made of the demo's; 0 for none"
    )
    args = top.parse_args(argv)
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    of_size: dict[int, dict[str, Stages]] = {}
    for size in [*args.sizes, *([LARGE] if args.large else [])]:
        folder = args.out / f"{size}-{commit.stdout.strip() or 'here'}"
        if not (folder / "truth.csv").exists() or not list(folder.glob("made")):
            shutil.rmtree(folder, ignore_errors=True)
            print(f"{size:,} records: making people", flush=True)
            made(folder, size)
            (folder / "made").touch()
        of_size[size] = {}
        for name in ("encode", "link") if size >= LARGE else RUNS:
            print(f"{size:,} records: {name}", flush=True)
            of_size[size][name] = measure(name, folder)
    of_feed: dict[str, Stages] = {}
    for feed in Settings().feeds if args.rows else []:
        print(f"{args.rows:,} rows: {feed} taken in", flush=True)
        folder = args.out / f"ingest-{commit.stdout.strip() or 'here'}" / f"{feed}-{args.rows}"
        folder.mkdir(parents=True, exist_ok=True)
        of_feed[feed] = measure("ingest", folder)
    of_sql = _of_sql(args.out / f"sql-{commit.stdout.strip() or 'here'}-{args.contacts}", args.contacts)
    print(f"\nCommit {commit.stdout.strip()}, {os.cpu_count()} cores\n")
    if of_size:
        print(table(of_size))
    if of_feed:
        print(f"\n{bench_ingest.table(of_feed)}")
    if of_sql:
        print(f"\n{of_sql}")
    return 0


def _of_sql(folder: Path, contacts: int) -> str:
    """What all of sql/ and the cookbook take over the demo's data, multiplied to so many contacts; '' without any."""
    source = Settings()
    if not contacts:
        return ""
    if not source.fictional.exists() or not source.warehouse_db.exists():
        print("Run the demo first (make demo): its data are multiplied to measure sql/.", flush=True)
        return ""
    if not (folder / "made").exists():
        print(f"{contacts:,} contacts: making copies of the demo's", flush=True)
        bench_sql.multiply(source, Settings(data=folder), bench_sql.copies_for(source, contacts))
        (folder / "made").touch()
    runs = {}
    for name in ("build", "ask"):
        print(f"{contacts:,} contacts: {name}", flush=True)
        runs[name] = measure(name, folder)
    return bench_sql.table(bench_sql.contacts_of(Settings(data=folder)), runs["build"], runs["ask"])


if __name__ == "__main__":
    sys.exit(main())
