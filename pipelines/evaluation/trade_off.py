"""Risk against accuracy: every encoding's linkage F1 beside what the attacks got out of it, as a table and a plot.

Reads an attacks.json of `upstream privacy-attack`, links benchmark people files under each encoding, and writes
`trade_off.csv` and `trade_off.svg`. docs/encodings.md says what came of it. Run by `make encodings`.
"""

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import altair as alt
import pandas as pd
import vl_convert

from pipelines.linkage import Thresholds
from pipelines.pseudonymise.encode import PROFILES
from pipelines.settings import Settings
from pipelines.synthetic import make_region

from . import filter_linkage, plaintext_twin
from .encoders import ENCODERS, KEYED_NAMES
from .link_benchmark import link_benchmark
from .metrics import RECORD, score

PLAINTEXT = "plaintext twin"
LABELS_FROM, LABEL_STEP = 0.06, 0.82  # right of the last point, in widths of the plot; on a log scale
MONTHS, FIRST_PERIOD = 24, "2024-01"
UNDER_A_BAR = ("frequency", "patterns")  # attacks that have a bar


def region(folder: Path, people: int, seed: int, nhs_numbers: bool = True) -> Path:
    """Make a fictional region's people files in `folder`: FEED.people.csv as last known, and truth.csv."""
    folder.mkdir(parents=True, exist_ok=True)
    made = folder / "region"
    make_region(made, people, seed, FIRST_PERIOD, MONTHS, derived=False)
    key = _text(made / "answer_key" / "records.csv").rename(columns={"true_person_id": "truth"})
    for months in sorted((made / "agencies").glob("*/*")):
        known = pd.concat([_text(path) for path in sorted(months.glob("*/people.csv"))])
        known = known.drop_duplicates("local_person_id", keep="last")
        known.assign(nhs_number=known.nhs_number if nhs_numbers else "").to_csv(
            folder / f"{months.name}.people.csv", index=False
        )
    key[[*RECORD, "truth"]].drop_duplicates().to_csv(folder / "truth.csv", index=False)
    shutil.rmtree(made)
    return folder


def accuracy(folder: Path, encoding: str, thresholds: Thresholds) -> dict:
    """Scores of a benchmark folder's records linked under an encoding, or under none for the plaintext twin."""
    people = {path.name.removesuffix(".people.csv"): path for path in sorted(folder.glob("*.people.csv"))}
    if encoding in PROFILES:
        with tempfile.TemporaryDirectory() as out:
            return link_benchmark(people, folder / "truth.csv", Path(out), profile=encoding)["ours"]
    if encoding == PLAINTEXT:
        clusters = plaintext_twin.link(people, thresholds)
    else:
        clusters = filter_linkage.link(people, encoding, thresholds)
    return score(clusters, _text(folder / "truth.csv"))


def risk(attacks: list[dict], encoding: str) -> dict:
    """The most that frequency and pattern attacks and a full register got: shares of people and of either name."""
    ours = pd.DataFrame([found for found in attacks if found["encoder"] == encoding])
    if ours.empty:
        return {}
    barred = ours[ours.attack.isin(UNDER_A_BAR) & (ours.column != "attributes only")]
    graphs = ours[ours.attack == "graph"]
    worst, names = barred.loc[barred.upper95.idxmax()], barred.loc[barred.values_upper95.idxmax()]
    return {
        "people_named": worst.share,
        "people_named_upper95": worst.upper95,
        "either_name": names.values_share,
        "either_name_upper95": names.values_upper95,
        "register_names": graphs.share.max() if len(graphs) else None,
    }


def trade_off(
    attacks: list[dict], benchmarks: dict[str, Path], progress: Callable[[str], None] = lambda text: None
) -> pd.DataFrame:
    """One row an encoding: f1_<benchmark> and what `risk` says of it. benchmarks: name -> folder of people files."""
    thresholds = Thresholds.of(Settings())
    rows = []
    for encoding in (PLAINTEXT, *(name for name in ENCODERS if name != KEYED_NAMES)):
        row: dict = {"encoding": encoding}
        for name, folder in benchmarks.items():
            row[f"f1_{name}"] = accuracy(folder, encoding, thresholds)["pair_F1"]
            progress(f"{encoding}: F1 on {name} {row[f'f1_{name}']:.4f}")
        rows.append(row | risk(attacks, encoding))
    return pd.DataFrame(rows)


def plot(table: pd.DataFrame, benchmark: str) -> str:
    """SVG: people named (log scale, upper bound) against F1 on one benchmark, one point an encoding."""
    f1 = f"f1_{benchmark}"
    shown = table.dropna(subset=["people_named_upper95"]).sort_values("people_named_upper95", ascending=False)
    shown = shown.assign(
        ours=shown.encoding.isin(PROFILES),
        percent=100 * shown.people_named_upper95,
        label=shown.encoding.str.replace("field-filters+", "+ ", regex=False),
        label_x=shown[f1].max() + LABELS_FROM * (shown[f1].max() - shown[f1].min()),
    )
    shown["label_y"] = _apart(shown.percent.tolist())
    y = alt.Y("percent:Q", title="People named, % (upper 95 % bound)", scale=alt.Scale(type="log"))
    x = alt.X(f"{f1}:Q", title=f"Pair F1 of linkage ({benchmark.replace('_', ' ')})", scale=alt.Scale(zero=False))
    base = alt.Chart(shown)
    leaders = base.mark_rule(color="#aaa").encode(x=x, y=y, x2="label_x:Q", y2="label_y:Q")
    points = base.mark_point(filled=True, size=90, opacity=1).encode(
        x=x, y=y, shape=alt.Shape("ours:N", legend=None), color=alt.Color("ours:N", legend=None)
    )
    labels = base.mark_text(align="left", dx=4, fontSize=12).encode(
        x=alt.X("label_x:Q"), y=alt.Y("label_y:Q"), text="label:N"
    )
    chart = alt.layer(leaders, points, labels).properties(width=640, height=460, background="white")
    return vl_convert.vegalite_to_svg(chart.to_json())


def _apart(values: list[float]) -> list[float]:
    """Falling values, moved down where need be so that each is at most LABEL_STEP times the one before."""
    placed: list[float] = []
    for value in values:
        placed.append(min(value, placed[-1] * LABEL_STEP) if placed else value)
    return placed


def _text(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, dtype=str, keep_default_na=False)


def main(argv: list[str] | None = None) -> int:
    top = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    top.add_argument("--attacks", type=Path, required=True, metavar="attacks.json")
    top.add_argument("--benchmark", nargs="*", default=[], metavar="NAME=FOLDER", help="people files and truth.csv")
    top.add_argument("--people", type=int, default=20_000, help="of the fictional region")
    top.add_argument("--seed", type=int, default=7)
    top.add_argument("--out", type=Path, required=True, metavar="DIR")
    args = top.parse_args(argv)
    benchmarks = {name: Path(folder) for name, _, folder in (pair.partition("=") for pair in args.benchmark)}
    with tempfile.TemporaryDirectory() as made:
        benchmarks |= {
            "region": region(Path(made) / "numbers", args.people, args.seed),
            "region_without_nhs_numbers": region(Path(made) / "none", args.people, args.seed, nhs_numbers=False),
        }
        table = trade_off(
            json.loads(args.attacks.read_text()), benchmarks, progress=lambda text: print(text, flush=True)
        )
    args.out.mkdir(parents=True, exist_ok=True)
    table.to_csv(args.out / "trade_off.csv", index=False)
    (args.out / "trade_off.svg").write_text(plot(table, "region_without_nhs_numbers"), encoding="utf-8")
    print(table.to_string(index=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())
