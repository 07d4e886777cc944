"""Do the bands of all headlines hold the truth? Small fictional regions, each taken the whole way and compared with its key.

Each seed makes a region with all its feeds, pseudonymises, takes it through the gate, trains, links, draws and builds, by
the code of every day, and looks which 95 % bands hold the figure over the true people, which is read last. One JSON line
a seed in `<out>/headlines-*.jsonl`, so that a run that was stopped goes on where it was. Part of `make verify`;
docs/truth.md has what came of it. Seeds below 2101 were looked at while it was built.
"""

import argparse
import sys
import tempfile
from dataclasses import asdict
from functools import partial
from pathlib import Path

import numpy as np
from scipy.stats import binomtest

from .region import WITHOUT_TRUTH, Headline, compare
from .seeds import PACKAGE, code_digest, over_seeds
from .whole_region import whole_region

SEEDS, FIRST_SEED, PEOPLE, MONTHS, PROCESSES = 20, 2101, 3000, 24, 2
LEAST_COVERED, MOST_COVERED = 0.90, 0.98  # of bands that linkage can move
WIDEST = 0.10  # median width of a band, as a share of the figure
CODE = [PACKAGE, PACKAGE.parent / "sql", PACKAGE.parent / "data" / "reference"]


def verify_seed(seed: int, people: int, months: int) -> list[dict]:
    """The headlines of one region."""
    with tempfile.TemporaryDirectory() as made:
        settings = whole_region(Path(made), people, seed, months, target=("marts", "headlines"))
        return [asdict(headline) for headline in compare(settings, Path(made)).headlines]


def verify(seeds: range, people: int, months: int, processes: int, out: Path) -> list[list[Headline]]:
    """The headlines of every seed, those of an earlier run of the same code read back."""
    path = out / f"headlines-{people}-{months}-{code_digest(CODE)}.jsonl"

    def say(done: int, found: list[dict]) -> None:
        lines = [Headline(**line) for line in found]
        missed = [line.headline_id for line in lines if line.headline_id not in WITHOUT_TRUTH and not line.covered]
        print(f"{done} of {len(seeds)}: of {len(found)} bands {len(missed)} missed {' '.join(missed)}", flush=True)

    work = partial(verify_seed, people=people, months=months)
    return [[Headline(**line) for line in found] for found in over_seeds(work, seeds, path, processes, say)]


def summary(regions: list[list[Headline]]) -> tuple[str, bool]:
    """The tables of docs/truth.md, and whether both bars are met. A headline that linkage did not move in any region
    (its band is one number, the figure and the truth) is counted apart: its band says nothing."""
    by_id: dict[str, list[Headline]] = {}
    for headline in (headline for headlines in regions for headline in headlines):
        if headline.headline_id not in WITHOUT_TRUTH:
            by_id.setdefault(headline.headline_id, []).append(headline)
    moved = {name: lines for name, lines in by_id.items() if any(_moved(line) for line in lines)}
    pooled = [line for lines in moved.values() for line in lines]
    covered = sum(line.covered for line in pooled)
    there = [line for line in pooled if _moved(line)]
    held = sum(line.covered for line in there)
    interval = binomtest(covered, len(pooled)).proportion_ci(0.95, "exact")
    by_region = [np.mean([line.covered for line in headlines if line.headline_id in moved]) for headlines in regions]
    width = _median_width(pooled)
    share = covered / len(pooled)
    met = LEAST_COVERED <= share <= MOST_COVERED and width <= WIDEST
    lines = [
        "| what | measured | bar |",
        "| --- | ---: | ---: |",
        f"| regions | {len(regions)} | |",
        f"| headlines that linkage moves, and others | {len(moved)}, {len(by_id) - len(moved)} | |",
        f"| bands that hold the truth | {covered:,} of {len(pooled):,} ({share:.1%}) | {LEAST_COVERED:.0%} to {MOST_COVERED:.0%} |",
        f"| 95 % interval of that share, were bands of a region independent | {interval.low:.1%} to {interval.high:.1%} | |",
        f"| the same where linkage moves the headline in that very region | {held:,} of {len(there):,} ({held / max(len(there), 1):.1%}) | |",
        f"| lowest and highest share of a region | {min(by_region):.0%} to {max(by_region):.0%} | |",
        f"| median width, share of the figure | {width:.1%} | at most {WIDEST:.0%} |",
        f"| the same where linkage moves the headline in that very region | {_median_width(there):.1%} | |",
        "",
        "| headline | unit | mean figure | mean truth | bands that hold it | median width |",
        "| --- | --- | ---: | ---: | ---: | ---: |",
    ]
    lines += [
        f"| {of_id[0].label} | {of_id[0].unit} | {np.mean([x.found for x in of_id]):,.0f} | "
        f"{np.mean([x.true for x in of_id]):,.0f} | {sum(x.covered for x in of_id)} of {len(of_id)} | "
        f"{_median_width(of_id):.1%} |"
        for of_id in moved.values()
    ]
    return "\n".join(lines), met


def _moved(line: Headline) -> bool:
    return line.low < line.high or line.found != line.true


def _median_width(lines: list[Headline]) -> float:
    """As a share of the figure, of those that are not 0."""
    return float(np.median([(line.high - line.low) / line.found for line in lines if line.found] or [0]))


def main(argv: list[str] | None = None) -> int:
    top = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    top.add_argument("--seeds", type=int, default=SEEDS)
    top.add_argument("--first-seed", type=int, default=FIRST_SEED)
    top.add_argument("--people", type=int, default=PEOPLE, help="of each region")
    top.add_argument("--months", type=int, default=MONTHS, help="of each region")
    top.add_argument("--processes", type=int, default=PROCESSES)
    top.add_argument("--out", type=Path, default=Path("build/verify"), metavar="DIR")
    args = top.parse_args(argv)
    seeds = range(args.first_seed, args.first_seed + args.seeds)
    text, met = summary(verify(seeds, args.people, args.months, args.processes, args.out))
    print(text)
    if not met:
        print("The bands miss their bar.")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
