"""Does the band hold the truth as often as it says? Many small fictional regions, each linked by the code of every day.

Each seed makes people of three agencies without activity, encodes, trains, links and draws as a new region's first run
would, and looks whether the 95 % band for "people seen by two or more agencies" holds the true count, which is read
last. One JSON line a seed in `<out>/seeds-*.jsonl`, named by what the code is, so that a run that was stopped goes on
where it was and one of other code begins anew. Run by `make verify`; docs/band.md has what came of it. Seeds below 1001
were looked at while the band was built.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import binomtest

from pipelines.linkage import Thresholds, band, load
from pipelines.linkage.cluster import Constraints
from pipelines.linkage.links import client_links
from pipelines.linkage.run import link_versions
from pipelines.linkage.train import learn
from pipelines.settings import Settings
from pipelines.synthetic.people_only import people_only

from .link_benchmark import pseudonymised
from .seeds import PACKAGE, code_digest, over_seeds

SEEDS, FIRST_SEED, PEOPLE, PROCESSES = 200, 1001, 4000, 2
CODE = [  # that makes people, encodes, links and measures
    *(PACKAGE / package for package in ("linkage", "pseudonymise", "synthetic")),
    Path(__file__),
    Path(__file__).with_name("link_benchmark.py"),
    PACKAGE / "settings.py",
]
LEAST_COVERED = 0.92  # of seeds: 184 of 200
WIDEST = 0.10  # mean width of the band, as a share of the true count
ENDS = (0.025, 0.975)


@dataclass(frozen=True)
class Seed:
    """People in two agencies or more: true, as linked, and under draws."""

    seed: int
    people: int
    nhs_numbers: bool
    true: int
    central: int
    low: int
    high: int
    mean: float
    spread: float  # standard deviation over draws

    @property
    def covered(self) -> bool:
        return self.low <= self.true <= self.high

    @property
    def width(self) -> float:
        return (self.high - self.low) / self.true

    @property
    def bias(self) -> float:
        """Mean of the draws less the truth, in standard deviations."""
        return (self.mean - self.true) / self.spread if self.spread else np.sign(self.mean - self.true) * np.inf


def verify_seed(seed: int, people: int, nhs_numbers: bool) -> Seed:
    """One region from people to band."""
    settings = Settings(threads=1)
    feeds, truth = people_only(people, seed, nhs_numbers)
    with tempfile.TemporaryDirectory() as made:
        paths = {feed: Path(made) / f"{feed}.csv" for feed in feeds}
        for feed, table in feeds.items():
            table.to_csv(paths[feed], index=False)
        files, lookup = pseudonymised(paths, Path(made) / "tokens", key=seed.to_bytes(32, "big"))
        con = load.connect(settings.threads, settings.memory_limit, Path(made) / "spill")
        load.load_versions(con, files)
        model = learn(con)
        clients = link_versions(con, model, Thresholds.of(settings))
        drawn = band.person_draws(
            con,
            model,
            clients,
            client_links(con),
            Constraints.none(len(clients)),
            settings.linkage_draws,
            settings.linkage_draws_seed,
        )
        con.close()
    counts = under_draws(clients, drawn, settings.linkage_draws)
    true = clients.merge(lookup, on=["feed", "person_ref"]).merge(truth, on=["feed", "local_person_id"])
    low, high = np.quantile(counts, ENDS)
    return Seed(
        seed=seed,
        people=people,
        nhs_numbers=nhs_numbers,
        true=in_two(true, "truth"),
        central=in_two(clients, "central"),
        low=int(np.floor(low)),
        high=int(np.ceil(high)),
        mean=float(counts.mean()),
        spread=float(counts.std()),
    )


def under_draws(clients: pd.DataFrame, drawn: pd.DataFrame, number: int) -> np.ndarray:
    """(number,) people in two agencies or more under each draw, counted as the marts do: whom a draw changes anew.

    clients: with their central person. drawn: as `band.person_draws` has it.
    """
    counts = np.full(number, in_two(clients, "central"))
    changed = drawn.astype({column: str for column in ("agency", "feed", "person_ref", "person_key")})
    changed = changed.merge(clients[["agency", "feed", "person_ref", "central"]], on=["agency", "feed", "person_ref"])
    for draw, rows in changed.groupby("draw"):
        counts[draw - 1] += in_two(rows, "person_key") - in_two(rows, "central")
    return counts


def in_two(clients: pd.DataFrame, person: str) -> int:
    """People with clients of two agencies or more."""
    return int((clients.groupby(person).agency.nunique() >= 2).sum())


def verify(
    seeds: range, people: int, nhs_numbers: bool, processes: int, out: Path, progress: Callable[[str], None]
) -> list[Seed]:
    """Every seed, those of an earlier run of the same code read back."""
    path = out / f"seeds-{people}{'' if nhs_numbers else '-without-numbers'}-{code_digest(CODE)}.jsonl"

    def say(done: int, line: dict) -> None:
        found = Seed(**line)
        progress(
            f"{done} of {len(seeds)}: seed {found.seed}, true {found.true:,}, band {found.low:,} to {found.high:,}"
            f"{'' if found.covered else ', MISSED'}, off by {found.bias:+.1f} sd"
        )

    work = partial(_seed_as_dict, people=people, nhs_numbers=nhs_numbers)
    return [Seed(**line) for line in over_seeds(work, seeds, path, processes, say)]


def _seed_as_dict(seed: int, people: int, nhs_numbers: bool) -> dict:
    return asdict(verify_seed(seed, people, nhs_numbers))


def summary(found: list[Seed]) -> tuple[str, bool]:
    """The table of docs/band.md, and whether both bars are met."""
    covered, width = sum(seed.covered for seed in found), float(np.mean([seed.width for seed in found]))
    interval = binomtest(covered, len(found)).proportion_ci(0.95, "exact")
    spread = float(np.std([seed.mean - seed.true for seed in found]))
    met = covered >= LEAST_COVERED * len(found) and width <= WIDEST
    lines = [
        "| what | measured | bar |",
        "| --- | ---: | ---: |",
        f"| regions | {len(found)} of {found[0].people:,} people{'' if found[0].nhs_numbers else ', no NHS numbers'} | |",
        f"| bands that hold the truth | {covered} ({covered / len(found):.1%}) | at least {LEAST_COVERED:.0%} |",
        f"| 95 % interval of that share (Clopper-Pearson) | {interval.low:.1%} to {interval.high:.1%} | |",
        f"| mean width, share of the true count | {width:.2%} | at most {WIDEST:.0%} |",
        f"| mean of the draws less the truth | {np.mean([seed.mean - seed.true for seed in found]):+.1f} people | |",
        f"| the same, in standard deviations of the draws | {np.mean([seed.bias for seed in found]):+.2f} | |",
        f"| its spread from region to region | {spread:.1f} people | |",
        f"| standard deviation of the draws | {np.mean([seed.spread for seed in found]):.1f} people | |",
        f"| central count less the truth | {np.mean([seed.central - seed.true for seed in found]):+.1f} people | |",
    ]
    return "\n".join(lines), met


def main(argv: list[str] | None = None) -> int:
    top = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    top.add_argument("--seeds", type=int, default=SEEDS)
    top.add_argument("--first-seed", type=int, default=FIRST_SEED)
    top.add_argument("--people", type=int, default=PEOPLE, help="of each region")
    top.add_argument("--without-nhs-numbers", action="store_true")
    top.add_argument("--processes", type=int, default=PROCESSES)
    top.add_argument("--out", type=Path, default=Path("build/verify"), metavar="DIR")
    args = top.parse_args(argv)
    numbers, say = not args.without_nhs_numbers, partial(print, flush=True)
    seeds = range(args.first_seed, args.first_seed + args.seeds)
    found = verify(seeds, args.people, numbers, args.processes, args.out, say)
    text, met = summary(found)
    print(text)
    if not met:
        print("The band misses its bar.")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
