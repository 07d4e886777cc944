"""The `upstream` command: reads arguments, calls one function of the package that does the work, prints what it found.

Each command imports what it needs when it runs, so that the agency's side works with the agency's side alone.
"""

import argparse
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
    return top


def main(argv: list[str] | None = None) -> int:
    args = parser().parse_args(argv)
    try:
        return args.run(args)
    except InputError as error:
        print(f"upstream {args.command}: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
