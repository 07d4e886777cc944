"""The linkage benchmark: its files are complete, its scores right, and it beats stock Splink on public data."""

import json
from functools import partial
from pathlib import Path

import pandas as pd
import pytest

from pipelines.evaluation import filter_linkage, plaintext_twin
from pipelines.evaluation.link_benchmark import link_benchmark
from pipelines.evaluation.metrics import score
from pipelines.linkage import Thresholds
from pipelines.settings import PROJECT, Settings

BENCHMARKS = PROJECT.parent / "shared" / "data" / "linkage"
# Pair F1 that stock Splink 5 reaches on the plaintext, at the best of its thresholds.
STOCK = {"febrl4": 0.940}


def table(rows: list[tuple[str, str, str]], last: str) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["feed", "local_person_id", last])


def test_scores_of_a_small_linkage_are_as_counted_by_hand():
    truth = table([("a", "1", "x"), ("a", "2", "x"), ("b", "1", "x"), ("b", "2", "y")], "truth")
    found = table([("a", "1", "P"), ("a", "2", "Q"), ("b", "1", "P"), ("b", "2", "P")], "person_id")
    result = score(found, truth)
    # found pairs: a1-b1, a1-b2, b1-b2; true pairs: a1-a2, a1-b1, a2-b1; both: a1-b1
    assert (result["pair_P"], result["pair_R"]) == (0.3333, 0.3333)
    # across feeds found: a1-b1, a1-b2; true: a1-b1, a2-b1
    assert (result["cross_feed_P"], result["cross_feed_R"]) == (0.5, 0.5)
    # of each record's cluster its person is 2/3, 1, 2/3, 1/3; of its person its cluster has 2/3, 1/3, 2/3, 1
    assert (result["b3_P"], result["b3_R"]) == (0.6667, 0.6667)


def test_a_record_that_was_not_linked_counts_as_alone():
    truth = table([("a", "1", "x"), ("a", "2", "x")], "truth")
    result = score(table([("a", "1", "P")], "person_id"), truth)
    assert (result["unlinked_rows"], result["people_found"], result["pair_R"]) == (1, 2, 0.0)


@pytest.fixture
def files(tmp_path, known) -> dict[str, Path]:
    """People files of the background population as agencies would hand them over."""
    made = {}
    for feed, people in known.items():
        made[feed] = tmp_path / f"{feed}.csv"
        rows = [{"local_person_id": local_id, **details} for local_id, details in people.items()]
        pd.DataFrame(rows).to_csv(made[feed], index=False)
    return made


def test_every_record_is_in_the_clusters_once_without_an_answer_key(files, tmp_path, known):
    metrics = link_benchmark(files, None, tmp_path / "out")
    clusters = pd.read_csv(tmp_path / "out" / "clusters.csv", dtype=str)
    assert list(clusters.columns) == ["feed", "local_person_id", "person_id"]
    assert clusters.person_id.notna().all()
    expected = sorted((feed, local_id) for feed, people in known.items() for local_id in people)
    assert sorted(zip(clusters.feed, clusters.local_person_id, strict=True)) == expected
    assert "ours" not in metrics
    assert json.loads((tmp_path / "out" / "metrics.json").read_text())["records"] == len(expected)
    assert (tmp_path / "out" / "pairs.parquet").exists()


def test_the_baseline_is_scored_in_the_same_run(files, tmp_path, known):
    truth = pd.DataFrame(
        [(feed, local_id, local_id) for feed, people in known.items() for local_id in people],
        columns=["feed", "local_person_id", "truth"],
    )
    truth.to_csv(tmp_path / "truth.csv", index=False)
    metrics = link_benchmark(files, tmp_path / "truth.csv", tmp_path / "out", baseline=True)
    best = max(result["pair_F1"] for result in metrics["stock"].values())
    assert metrics["ours"]["pair_F1"] > best
    assert metrics["ours"]["pair_P"] > 0.97


@pytest.mark.parametrize("name", STOCK)
def test_public_benchmarks_are_linked_better_than_by_stock_splink_on_plaintext(name, tmp_path):
    folder = BENCHMARKS / name
    if not folder.exists():
        pytest.skip(f"the public benchmark {name} is not beside this project")
    people = {path.name.split(".")[0]: path for path in sorted(folder.glob("*.people.csv"))}
    metrics = link_benchmark(people, folder / "truth.csv", tmp_path)
    assert metrics["ours"]["pair_F1"] > STOCK[name]
    assert metrics["ours"]["pair_P"] > 0.97


def test_our_result_stands_where_stock_splink_cannot_be_trained(tmp_path):
    for feed in ("ae_attendances", "police_incidents"):
        names = [f"p{number},Name{'abcde'[number]},Surname{'abcde'[number]}" for number in range(5)]
        (tmp_path / feed).write_text("\n".join(["local_person_id,forename,surname", *names]) + "\n")
    people = {feed: tmp_path / feed for feed in ("ae_attendances", "police_incidents")}
    truth = tmp_path / "truth.csv"
    truth.write_text("feed,local_person_id,truth\n" + "".join(f"{f},p{n},{n}\n" for f in people for n in range(5)))
    metrics = link_benchmark(people, truth, tmp_path / "out", baseline=True)
    assert metrics["ours"]["records"] == 10
    assert metrics["stock"] or metrics["stock_failed"]


@pytest.mark.parametrize("link", [plaintext_twin.link, partial(filter_linkage.link, encoder="field-filters")])
def test_the_peers_link_the_same_records_and_hardly_anybody_wrongly(files, link, known):
    clusters = link(files, thresholds=Thresholds.of(Settings()))
    truth = table([(feed, local_id, local_id) for feed, people in known.items() for local_id in people], "truth")
    result = score(clusters, truth)
    assert result["unlinked_rows"] == 0
    assert result["pair_P"] > 0.97 and result["pair_R"] > 0.9
