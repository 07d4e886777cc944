"""The `upstream` command: reads arguments, calls one function of the package that does the work, prints what it found.

Each command imports what it needs when it runs, so that the agency's side works with the agency's side alone.
"""

import argparse
import os
import sys
from pathlib import Path

from pipelines.pseudonymise.errors import InputError
from pipelines.settings import Settings


def keygen(args: argparse.Namespace) -> int:
    from pipelines.pseudonymise.keys import write_new_key

    write_new_key(args.file)
    print(
        f"A new key is in {args.file}, readable by you alone. Give it to the partnership's agencies, never to the hub."
    )
    return 0


def pseudonymise(args: argparse.Namespace) -> int:
    from pipelines.pseudonymise import delivery
    from pipelines.pseudonymise.keys import read_key

    areas = args.areas or next((path for path in [Settings().reference / "areas.csv"] if path.exists()), None)
    key = read_key(args.key_file)
    contents = delivery.pseudonymise(
        args.feed, args.agency, args.people, args.activity, key, args.period, areas, args.opt_outs
    )
    if args.check:
        print(delivery.describe(contents))
        print("Nothing was written.")
        return 0
    folder = delivery.write_delivery(contents, args.feed, args.agency, args.period, key, args.out, args.lookup)
    counts = ", ".join(f"{len(getattr(contents, name)):,} {name}" for name in delivery.FILES)
    print(f"{folder}: {counts}")
    for notice in delivery.notices(contents):
        print(notice)
    return 0


def demo(args: argparse.Namespace) -> int:
    from pipelines.demo import demo

    return demo(Settings(), people=args.people, seed=args.seed)


def run(args: argparse.Namespace) -> int:
    from pipelines import runner

    outcome = runner.run(Settings(), force=args.force)
    for problem in outcome.problems:
        print(f"upstream run: {problem}", file=sys.stderr)
    return 1 if outcome.problems else 0


def train(args: argparse.Namespace) -> int:
    from pipelines.linkage import train
    from pipelines.linkage.load import people_files

    if not people_files(Settings().linkage):
        raise InputError("there are no accepted people to learn from. Take deliveries in first: upstream run")
    model = train(Settings(), progress=print)
    print(f"Model {model.version} is current: the next run uses it.")
    return 0


def status(args: argparse.Namespace) -> int:
    from pipelines.ingest.status import status_rows

    rows = status_rows(Settings())
    for row in rows:
        numbers = {kind: "–" if row[kind] is None else f"{row[kind]:,}" for kind in ("received", "accepted", "refused")}
        counts = "  ".join(f"{kind} {number:>7}" for kind, number in numbers.items())
        reason = f"  {row['reason']}" if row["reason"] else ""
        print(
            f"{row['agency']:8} {row['feed']:22} {row['period']}  {row['delivery_id'] or '':18} {row['status']:11} {counts}{reason}"
        )
    if not rows:
        print(f"Nothing was delivered to {Settings().landing}.")
    return 0


def link_benchmark(args: argparse.Namespace) -> int:
    from pipelines.evaluation.link_benchmark import link_benchmark

    people = {}
    for pair in args.people:
        feed, _, file = pair.partition("=")
        if not file or not feed.isidentifier():
            raise InputError(f"--people takes FEED=FILE with a feed such as ae_attendances, not {pair}.")
        if feed in people:
            raise InputError(f"--people names {feed} twice. Put the records of one feed into one file.")
        people[feed] = Path(file)
    metrics = link_benchmark(people, truth=args.truth, out=args.out, baseline=args.baseline, progress=print)
    print(f"{metrics['records']:,} records are {metrics['people_found']:,} people; see {args.out}")
    if args.truth:
        scores = {f"ours at {metrics['threshold']}": metrics["ours"]}
        scores |= {f"stock at {threshold}": score for threshold, score in (metrics["stock"] or {}).items()}
        across = len(people) > 1
        covered = metrics["ours"]["records"] - metrics["ours"]["unlinked_rows"]
        if covered != metrics["records"] or metrics["ours"]["unlinked_rows"]:
            print(
                f"The answer key has {covered:,} of the {metrics['records']:,} records, and "
                f"{metrics['ours']['unlinked_rows']:,} that are in no file and count as missed."
            )
        if metrics.get("stock_failed"):
            print(f"Stock Splink failed on these records: {metrics['stock_failed']}")
        print(f"{'':16}{'pair P':>8}{'R':>8}{'F1':>8}{'B-cubed F1':>12}{'cross-feed F1' if across else '':>15}")
        for name, score in scores.items():
            pairs = "".join(f"{score[f'pair_{rate}']:8.4f}" for rate in ("P", "R", "F1"))
            print(f"{name:16}{pairs}{score['b3_F1']:12.4f}" + (f"{score['cross_feed_F1']:15.4f}" if across else ""))
    return 0


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="upstream", description=__doc__.splitlines()[0])
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")

    command = commands.add_parser("keygen", help="make a key for a partnership's agencies")
    command.add_argument("file", type=Path, metavar="FILE")
    command.set_defaults(run=keygen)

    command = commands.add_parser("pseudonymise", help="turn identifiable records into a delivery, inside the agency")
    command.add_argument("feed", metavar="FEED")
    command.add_argument("--agency", required=True, metavar="CODE")
    command.add_argument("--people", required=True, type=Path, metavar="P.csv")
    command.add_argument("--activity", type=Path, metavar="A.csv")
    command.add_argument("--key-file", required=True, type=Path, metavar="K")
    command.add_argument("--period", required=True, metavar="2026-01")
    command.add_argument("--out", required=True, type=Path, metavar="DIR")
    command.add_argument("--lookup", type=Path, metavar="L.csv", help="keep local_person_id,person_ref at the agency")
    command.add_argument(
        "--opt-outs", type=Path, metavar="O.csv", help="people who opted out: left out before encoding"
    )
    command.add_argument("--areas", type=Path, metavar="AREAS.csv", help="lsoa,imd_quintile")
    command.add_argument("--check", action="store_true", help="write nothing, show what would leave")
    command.set_defaults(run=pseudonymise)

    command = commands.add_parser("demo", help="a fictional region, the whole way")
    command.add_argument("--people", type=int, default=60_000, metavar="N")
    command.add_argument("--seed", type=int, default=1, metavar="S")
    command.set_defaults(run=demo)

    command = commands.add_parser("run", help="take in deliveries, link, build, check and release")
    command.add_argument("--force", action="store_true", help="also what is up to date")
    command.set_defaults(run=run)

    command = commands.add_parser("train", help="a new linkage model from this region's deliveries")
    command.set_defaults(run=train)

    command = commands.add_parser("status", help="what arrived, was accepted, refused, superseded, is missing")
    command.set_defaults(run=status)

    command = commands.add_parser("link-benchmark", help="link identifiable people files and measure it")
    command.add_argument("--people", required=True, nargs="+", action="extend", metavar="FEED=FILE")
    command.add_argument("--truth", type=Path, metavar="T.csv", help="feed,local_person_id,truth")
    command.add_argument("--out", required=True, type=Path, metavar="DIR")
    command.add_argument("--baseline", action="store_true", help="also stock Splink on the plaintext, in the same run")
    command.set_defaults(run=link_benchmark)
    return top


def main(argv: list[str] | None = None) -> int:
    args = parser().parse_args(argv)
    try:
        return args.run(args)
    except InputError as error:
        message = str(error)
    except OSError as error:
        message = f"{error.filename}: {error.strerror}."
    print(f"upstream {args.command}: {message}", file=sys.stderr)
    return 2


def command() -> None:
    """Run the command as a process of its own."""
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # DuckDB's binding reports harmless leaks for a screen or two when Python takes itself down


if __name__ == "__main__":
    command()
