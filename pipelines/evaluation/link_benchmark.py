"""Links people files that nobody has tuned for, as a new region's first run would, and scores the result.

Identifiable people files go in, each feed as an agency of its own; they are pseudonymised with a throw-away key by the
code that agencies run, a model is trained without labels, and records are linked at the production threshold. The
answer key, where there is one, is read after linking is done. With `baseline` stock Splink and our own linkage, the
plaintext twin, link the plaintext of the same files in the same run.
"""

import json
import secrets
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.linkage import Thresholds, load
from pipelines.linkage.run import link_versions
from pipelines.linkage.train import learn
from pipelines.pseudonymise import contract
from pipelines.pseudonymise.delivery import pseudonymise
from pipelines.pseudonymise.encode import DEFAULT_PROFILE
from pipelines.pseudonymise.errors import InputError
from pipelines.settings import Settings

from . import plaintext_twin, stock_splink
from .metrics import RECORD, better_by, blocking_recall, calibration, score

PERIOD = "2026-01"


def link_benchmark(
    people: dict[str, Path],
    truth: Path | None,
    out: Path,
    baseline: bool = False,
    profile: str = DEFAULT_PROFILE,
    settings: Settings | None = None,
    progress: Callable[[str], None] = lambda text: None,
) -> dict:
    """Write clusters.csv, pairs.parquet and metrics.json to `out` and return the metrics.

    people: feed -> people.csv. profile: of the encoder. truth: CSV with feed, local_person_id, truth (the true person), or None.
    """
    settings = settings or Settings()
    if truth is not None:
        _refuse_other_columns(truth)
    out.mkdir(parents=True, exist_ok=True)
    seconds: dict[str, float] = {}
    with _timed(seconds, "encode"):
        files, lookup = pseudonymised(people, out / "tokens", secrets.token_bytes(32), profile)
        progress(f"{len(lookup):,} records pseudonymised")
    con = load.connect(settings.threads, settings.memory_limit, out / "spill")
    with _timed(seconds, "load"):
        load.load_versions(con, files)
    shutil.rmtree(out / "tokens")
    with _timed(seconds, "train"):
        model = learn(con)
        progress("model trained")
    with _timed(seconds, "link"):
        clients = link_versions(con, model, Thresholds.of(settings))
        progress("records linked")
    clusters = lookup.merge(clients, on=["feed", "person_ref"], how="left", validate="one_to_one")
    clusters["person_id"] = "P" + clusters.central.astype(str)
    clusters[[*RECORD, "person_id"]].to_csv(out / "clusters.csv", index=False, lineterminator="\n")
    _write_pairs(con, lookup, out / "pairs.parquet")
    con.close()
    metrics = {
        "records": len(clusters),
        "profile": profile,
        "people_found": clusters.person_id.nunique(),
        "threshold": settings.join_probability,
        "training": model.training,
        "seconds": {stage: round(value, 2) for stage, value in seconds.items()},
    }
    stock = _stock(people, out, metrics) if baseline else {}
    twin = _twin(people, settings, metrics) if baseline else None
    if truth is not None:
        answer = pd.read_csv(truth, dtype=str, keep_default_na=False, na_values=[""])
        metrics["ours"] = score(clusters, answer)
        for name, column in (("low", "low"), ("high", "high")):
            metrics[f"ours_{name}_threshold"] = score(clusters.assign(person_id=clusters[column]), answer)
        metrics["blocking_recall"] = blocking_recall(out / "pairs.parquet", answer)
        metrics["calibration"] = calibration(out / "pairs.parquet", answer)
        metrics["plaintext_twin"] = score(twin, answer) if twin is not None else None
        metrics["stock"] = {str(threshold): score(result, answer) for threshold, result in stock.items()} or None
        if stock:
            best = max(stock, key=lambda threshold: metrics["stock"][str(threshold)]["pair_F1"])
            metrics["better_than_stock"] = {"at": best, **better_by(clusters, stock[best], answer)}
        if twin is not None:
            metrics["better_than_plaintext_twin"] = better_by(clusters, twin, answer)
    (out / "metrics.json").write_text(json.dumps(metrics, indent=2) + "\n")
    return metrics


def pseudonymised(
    people: dict[str, Path], folder: Path, key: bytes, profile: str = DEFAULT_PROFILE
) -> tuple[list[Path], pd.DataFrame]:
    """Token files as the hub would accept them, and feed, local_person_id, person_ref of each record."""
    folder.mkdir(parents=True, exist_ok=True)
    files, lookups = [], []
    for number, (feed, path) in enumerate(sorted(people.items())):
        agency = f"BENCH{number}"
        # People alone: no activity, so that any feed's contract does and the feed may be one that has none.
        contents = pseudonymise(contract.feeds()[0], agency, path, None, key, PERIOD, profile=profile)
        slot = {"agency": agency, "feed": feed, "period": PERIOD}
        table = contents.people
        for name, value in slot.items():
            table = table.append_column(name, pa.array([value] * len(table)))
        files.append(folder / f"{feed}.parquet")
        pq.write_table(table, files[-1])
        lookups.append(pd.DataFrame(contents.lookup, columns=["local_person_id", "person_ref"]).assign(feed=feed))
    return files, pd.concat(lookups, ignore_index=True)


def _write_pairs(con, lookup: pd.DataFrame, path: Path) -> None:
    """Scored pairs with the agencies' own record ids: feed and local_person_id of both sides, levels, weight."""
    con.register("lookup", lookup)
    con.execute(
        f"""
        copy (
            with named as (
                select record_id, lookup.feed, local_person_id
                from versions inner join lookup using (feed, person_ref)
            )
            select l.feed as feed_l, l.local_person_id as local_person_id_l,
                r.feed as feed_r, r.local_person_id as local_person_id_r,
                pairs.* exclude (record_id_l, record_id_r, client_id_l, client_id_r)
            from pairs
            inner join named as l on l.record_id = record_id_l
            inner join named as r on r.record_id = record_id_r
            order by match_probability desc, record_id_l, record_id_r
        ) to '{path}' (format parquet)
        """
    )
    con.unregister("lookup")


def _twin(people: dict[str, Path], settings: Settings, metrics: dict) -> pd.DataFrame | None:
    try:
        with _timed(metrics["seconds"], "plaintext twin"):
            return plaintext_twin.link(people, Thresholds.of(settings))
    except Exception as error:  # noqa: BLE001 - whatever stops a yardstick, our own result stands
        metrics["plaintext_twin_failed"] = type(error).__name__
        return None


def _stock(people: dict[str, Path], out: Path, metrics: dict) -> dict[float, pd.DataFrame]:
    started = time.perf_counter()
    try:
        found = stock_splink.link(people)
    except Exception as error:  # noqa: BLE001 - whatever stops the yardstick, our own result stands
        metrics["stock_failed"] = type(error).__name__
        return {}
    metrics["seconds"]["stock"] = round(time.perf_counter() - started, 2)
    for threshold, clusters in found.items():
        clusters.to_csv(out / f"stock-{threshold}.csv", index=False, lineterminator="\n")
    return found


def _refuse_other_columns(truth: Path) -> None:
    """Looks at the header alone: the answer key itself is not read before linking is done."""
    if missing := {*RECORD, "truth"} - set(pd.read_csv(truth, nrows=0).columns):
        raise InputError(f"{truth}, line 1: column {', '.join(sorted(missing))} is missing.")


class _timed:
    """Adds the seconds of a block to `into[stage]`."""

    def __init__(self, into: dict[str, float], stage: str):
        self._into, self._stage = into, stage

    def __enter__(self):
        self._started = time.perf_counter()

    def __exit__(self, *_):
        self._into[self._stage] = self._into.get(self._stage, 0.0) + time.perf_counter() - self._started
