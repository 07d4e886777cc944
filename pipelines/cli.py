"""The `upstream` command: reads arguments, calls one function of the package that does the work, prints what it found.

Each command imports what it needs when it runs, so that the agency's commands work where the agency's side alone is
installed; the others then say what to install.
"""

import argparse
import math
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from pipelines.pseudonymise.errors import InputError
from pipelines.settings import Settings

PROFILES = ("trusted-hub", "untrusted-hub")  # the encoder's; repeated, because it takes half a second to load
DEFAULT_PROFILE = "trusted-hub"
FORMATS = ("parquet", "csv")  # of a delivery's files; repeated for the same reason


def keygen(args: argparse.Namespace) -> int:
    from pipelines.pseudonymise.keys import write_new_key

    write_new_key(args.file)
    print(
        f"A new key is in {args.file}, readable by you alone. Give it to the partnership's agencies, never to the hub."
    )
    return 0


def pseudonymise(args: argparse.Namespace) -> int:
    import resource

    from pipelines.pseudonymise import delivery, encode
    from pipelines.pseudonymise.keys import read_key

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a crash must not leave memory, and so plaintext, on a disk
    own, listed = (Settings().reference_csv(name) for name in ("areas_for_agencies", "areas"))
    areas = args.areas or next((path for path in (own, listed) if path.exists()), None)
    key = read_key(args.key_file)
    given = {name: getattr(args, name) for name in ("feed", "agency", "people", "activity", "period", "opt_outs")}
    given |= {"key": key, "areas": areas, "profile": args.profile, "progress": _to_stderr}
    if args.check:
        print(delivery.check(**given))
        print("Nothing was written.")
    else:
        made = delivery.deliver(
            **given, out=args.out, lookup=args.lookup, file_format=args.format, partial_until=args.partial_until
        )
        counts = ", ".join(f"{number:,} {name}" for name, number in made.rows.items())
        print(f"{made.folder}: {counts}")
        for notice in made.notices:
            print(notice)
    if areas is None:
        print("no list of areas (--areas): the deprivation quintile stays empty. The hub has the list.")
    print(f"profile {args.profile}; key check {encode.key_check(key)}, the same at every agency of the partnership")
    return 0


def refs(args: argparse.Namespace) -> int:
    from pipelines.pseudonymise.keys import read_key
    from pipelines.pseudonymise.refs import refs_as_csv, write_refs

    text = refs_as_csv(args.agency, args.people, read_key(args.key_file))
    if args.out:
        write_refs(text, args.out)
        print(f"{args.out}: {text.count(chr(10)) - 1:,} people. Give it to the hub's engineer, then delete it.")
    else:
        print(text, end="")
    return 0


def census_to_csv(args: argparse.Namespace) -> int:
    from pipelines.pseudonymise.census import convert

    for sentence in convert(args.files, args.out, args.register, args.first_period, _to_stderr):
        print(sentence)
    print(f"{args.out}/<month>/people.csv and activity.csv name children: keep them inside, and delete them after use.")
    return 0


def _to_stderr(text: str) -> None:
    print(text, file=sys.stderr)


def demo(args: argparse.Namespace) -> int:
    from pipelines.demo import demo

    return demo(Settings(), people=args.people, seed=args.seed)


def run(args: argparse.Namespace) -> int:
    from pipelines import runner

    outcome = runner.run(Settings(), force=args.force)
    _say_what_is_held(Settings())
    for problem in outcome.problems:
        print(f"upstream run: {problem}", file=sys.stderr)
    return 1 if outcome.problems else 0


def doctor(args: argparse.Namespace) -> int:
    from pipelines.operations.doctor import as_json, describe, examine, is_wrong

    findings = examine(Settings())
    print(as_json(findings) if args.json else describe(findings))
    return 1 if is_wrong(findings) else 0


def web(args: argparse.Namespace) -> int:
    from pipelines.operations.web import serve

    serve(Settings(), args.host, args.port)
    return 0


def geography(args: argparse.Namespace) -> int:
    from pipelines import geography

    settings = Settings()
    made = geography.take_in(settings, args.files, args.district, args.police_area)
    for path in made.passed_by:
        print(f"{path}: not a file of geography by its columns, passed by")
    print(f"{made.areas:,} LSOAs (2021) in {made.wards:,} wards of {made.districts:,} districts")
    print(f"of 2011: {made.split:,} LSOAs were split, {made.merged:,} merged, {made.irregular:,} changed otherwise")
    if made.drawn:
        print(f"{made.drawn:,} of the wards have a boundary for the board's map")
    if made.without_quintile:
        print(f"{made.without_quintile:,} LSOAs have no deprivation quintile: the index is of England alone")
    folder = settings.state / "reference"
    print(
        f"{folder}: counts from the next run on. Give {folder / geography.FOR_AGENCIES}.csv to the agencies (--areas)."
    )
    return 0


def police_uk(args: argparse.Namespace) -> int:
    from pipelines import context

    settings = Settings()
    for month in context.take_in_police_uk(settings, args.files):
        crimes = month.rows - month.repeated
        print(
            f"{month.month} {month.force}: {crimes:,} crimes, {month.without_lsoa:,} of them without an area; "
            f"{month.repeated:,} rows repeat a crime"
        )
    print(f"{context.folder(settings)}: marts.police_uk_crime has them from the next run on.")
    return 0


def train(args: argparse.Namespace) -> int:
    from pipelines.linkage import train
    from pipelines.linkage.load import people_files

    if not people_files(Settings().linkage):
        raise InputError("there are no accepted people to learn from. Take deliveries in first: upstream run")
    model = train(Settings(), progress=print)
    print(f"Model {model.version} is current: the next run uses it.")
    return 0


def erase(args: argparse.Namespace) -> int:
    from pipelines import runner
    from pipelines.erasure import proof, request
    from pipelines.publish.public import what_is_public
    from pipelines.publish.release import current_release, read_manifest

    settings = Settings()
    clients = request.clients_asked_for(settings, args.agency, args.person_ref, args.file)
    if args.linked:
        others = request.linked(settings, clients)
        print(others.describe())
        clients += others.clients
    if args.check:
        print(request.would_take(settings, clients).describe(settings.data))
        return 0
    new = request.write_tombstones(settings, clients, args.by, args.reason)
    print(f"{new:,} people are to be kept out from now on, {len(clients) - new:,} were before.")
    if not proof.pending(settings):
        print("All of them were removed before: nothing is left to do.")
        return 0
    for problem in runner.run(settings).problems:
        print(f"upstream erase: {problem}", file=sys.stderr)
    if proof.pending(settings):
        print("The erasure is not finished. It is finished by: upstream run", file=sys.stderr)
        return 1
    print(proof.describe(proof.last_proof(settings)))
    print(f"Kept as {proof.last_proof_file(settings)}, without any reference.")
    print(f"What was published stays, under disclosure control. {what_is_public(settings)}")
    current = current_release(settings)
    return 0 if current is None or "withdrawn" not in read_manifest(current) else 1


def release_list(args: argparse.Namespace) -> int:
    from pipelines.publish.public import approvals, what_is_public
    from pipelines.publish.release import current_release, releases

    current = current_release(Settings())
    approved = {each["release_id"]: each for each in approvals(Settings())}
    for manifest in releases(Settings()):
        approval = approved.get(manifest["release_id"])
        stands = ["current"] if current and current.name == manifest["release_id"] else []
        if approval:
            stands.append(f"approved by {approval['approved_by']}")
        if approval and "retracted" in approval:
            stands.append(f"retracted: {approval['retracted']['because']}")
        if "withdrawn" in manifest:
            stands.append(f"withdrawn: {manifest['withdrawn']}")
        elif not approval:
            stands.append("staged")
        print(f"{manifest['release_id']}  {manifest['built_at']}  {', '.join(stands)}")
    print(what_is_public(Settings()))
    return 0


def release_approve(args: argparse.Namespace) -> int:
    from pipelines.board.pack import render_pack
    from pipelines.board.pdf import write_pdf
    from pipelines.publish.approval import approve

    def pack(board: Path, page: Path, facts: dict) -> None:
        render_pack(board, page, facts)
        if why_not := write_pdf(page, page.with_suffix(".pdf")):
            print(why_not, file=sys.stderr)

    public = approve(Settings(), args.release_id, args.by, pack)
    print(f"{public}: public, approved by {args.by}.")
    return 0


def release_retract(args: argparse.Namespace) -> int:
    from pipelines.publish.approval import retract
    from pipelines.publish.public import what_is_public

    settings = Settings()
    print(f"Release {retract(settings, args.by, args.reason)} is taken back. {what_is_public(settings)}")
    print("Copies that others made stay as they are: tell their readers.")
    return 0


def release_diff(args: argparse.Namespace) -> int:
    from pipelines.publish.moved import describe
    from pipelines.publish.public import public_before
    from pipelines.publish.release import folder_of, read_manifest, releases, what_moved

    settings = Settings()
    now = folder_of(settings, args.now)
    manifest = read_manifest(now)
    older = [each["release_id"] for each in releases(settings) if each["built_at"] < manifest["built_at"]]
    earlier = args.before or public_before(settings, manifest["made_of"]) or next(iter(older), None)
    if earlier is None:
        raise InputError(f"there is no release before {now.name} to compare it with.")
    before = folder_of(settings, earlier)
    moved = what_moved(settings, before, now, manifest)
    if moved is None:
        raise InputError(f"release {before.name} was made by an older Upstream, or withdrawn: nothing to compare with.")
    print(f"{before.name} (before) and {now.name} (now)")
    print(describe(moved))
    return 0


def disclosure_audit(args: argparse.Namespace) -> int:
    from pipelines.publish.public import audit_release, describe
    from pipelines.publish.release import folder_of, read_manifest

    settings = Settings()
    folder = folder_of(settings, args.release_id)
    manifest = read_manifest(folder)
    found = audit_release(settings, folder, manifest, manifest["compared_with"])
    print(describe(found, manifest["release_id"], manifest["compared_with"], settings))
    return 1 if found.unsafe else 0


def release_rollback(args: argparse.Namespace) -> int:
    from pipelines.publish.public import what_is_public
    from pipelines.publish.release import roll_back

    manifest = roll_back(Settings(), args.release_id)
    print(f"Release {manifest['release_id']} of {manifest['built_at']} is current until the next run makes another.")
    print(f"Analysts read it from now on; what is public stays as it was. {what_is_public(Settings())}")
    return 0


def _say_what_is_held(settings: Settings) -> None:
    from pipelines.ingest.status import status_rows

    held = sum(row["status"] == "held" for row in status_rows(settings))
    if held:
        print(f"{held:,} deliveries are held for the change that is open: upstream rekey-plan")


def rekey_plan(args: argparse.Namespace) -> int:
    from pipelines import rekey

    settings = Settings()
    if args.profile and not args.start:
        raise InputError("--profile goes with --start.")
    if args.accept_gaps and not args.finish:
        raise InputError("--accept-gaps goes with --finish.")
    if args.no_more_erased and not args.finish:
        raise InputError("--no-more-erased goes with --finish.")
    if args.finish:
        completed = rekey.finish(settings, accept_gaps=args.accept_gaps, no_more_erased=args.no_more_erased)
        print(
            f"{len(completed.slots) - len(completed.missing):,} months count in the new way from now on. Take them in: "
            f"upstream run\nThe old deliveries are still in {settings.landing}: delete them as soon as your rules on "
            "keeping records allow, and at once if a key became known."
        )
        return 0
    if args.cancel:
        rekey.cancel(settings)
        print("No change is open any more: what was held is refused from the next run on.")
        return 0
    if args.start:
        rekey.start(settings, args.start, args.profile)
    print(rekey.describe(rekey.plan(settings)))
    return 0


def status(args: argparse.Namespace) -> int:
    import json

    from pipelines.ingest.overview import overview
    from pipelines.ingest.status import months_expected, status_rows

    rows, months = status_rows(Settings()), months_expected(Settings())
    if args.json:
        print(json.dumps({"months": months, "deliveries": rows}, indent=2, ensure_ascii=False))
    else:
        lines = overview(rows, months, args.all) if rows else [f"Nothing was delivered to {Settings().landing}."]
        print("\n".join(lines))
    return 0


def refused(args: argparse.Namespace) -> int:
    from pipelines.ingest.refused import write_refused

    counts = write_refused(Settings(), args.agency, args.out, args.feed, args.period)
    print(
        f"{args.out}: {counts['rows']:,} refused rows and {counts['deliveries']:,} refused deliveries of {args.agency}, each "
        "with its reason and nobody's data. It can go back to the agency as it is."
    )
    return 0


def withdraw(args: argparse.Namespace) -> int:
    from pipelines.ingest.withdrawn import withdraw

    done = withdraw(Settings(), args.agency, args.feed, args.period, args.delivery_id, args.by, args.reason)
    for received in done.deliveries:
        print(f"{received.name} is withdrawn.")
    falls_back = f"falls back to {done.left[-1].delivery_id} if that is accepted" if done.left else "is a gap"
    print(f"With the next `upstream run` the month {falls_back}, until {args.agency} delivers it again.")
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
    metrics = link_benchmark(people, args.truth, args.out, args.baseline, args.profile, progress=print)
    print(f"{metrics['records']:,} records are {metrics['people_found']:,} people; see {args.out}")
    if args.truth:
        scores = {f"ours at {metrics['threshold']}": metrics["ours"]}
        scores |= {"plaintext twin": metrics["plaintext_twin"]} if metrics["plaintext_twin"] else {}
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
        print(f"Blocking finds {metrics['blocking_recall']:.4f} of the true pairs.")
        for than in ("stock", "plaintext_twin"):
            if better := metrics.get(f"better_than_{than}"):
                at = f" at its best threshold {better['at']}" if "at" in better else ""
                print(
                    f"Pair F1 less that of {than.replace('_', ' ')}{at}: {better['difference']:+.4f} "
                    f"({better['low']:+.4f} to {better['high']:+.4f}, paired bootstrap over people)"
                )
    return 0


def privacy_attack(args: argparse.Namespace) -> int:
    from pipelines.evaluation.attacks import privacy_attack

    results = privacy_attack(args.out, people=args.people, seed=args.seed, progress=_to_stderr)
    print(f"{'encoder':28}{'attack':17}{'people named':>13}{'95 % interval':>19}{'chance':>9}{'either name':>13}  by")
    for row in _worst([row for row in results if row["attack"] not in APART]):
        interval = f"{row['low95']:.2%} to {row['upper95']:.2%}"
        figures = f"{row['share']:13.2%}{interval:>19}{row['chance']:9.2%}{row['values_share']:13.2%}"
        doubt = "" if row["verdict"] == "shown" else f"  ({row['verdict']})"
        print(f"{row['encoder']:28}{row['attack']:17}{figures}  {row['column']}{doubt}")
    print(
        f"Known attacks on fictional people, of each kind the one that named most. All {len(results):,} figures, what each "
        f"attacker had, dictionaries and changes of key: {args.out / 'attacks.json'}"
    )
    return 0


def _worst(results: list[dict]) -> list[dict]:
    """For each encoder and attack the result that named most people (upper bound), with the highest share of records of
    any result that lost a name."""
    worst: dict[tuple[str, str], dict] = {}
    for row in results:
        known = worst.setdefault((row["encoder"], row["attack"]), row)
        either = max(row["values_share"], known["values_share"])
        worst[row["encoder"], row["attack"]] = max(known, row, key=lambda row: row["upper95"]) | {
            "values_share": either
        }
    return list(worst.values())


def review_list(args: argparse.Namespace) -> int:
    from pipelines.linkage import review

    found = review.read_queue(Settings().linkage)
    for reason in review.Reason:
        of_reason = found[found.reason == reason]
        if len(of_reason):
            print(f"{reason:22}{of_reason['item'].nunique():>7,}  {review.QUESTIONS[reason]}")
    print(f"{found['item'].nunique():,} pairs wait for a reviewer.")
    return 0


def review_export(args: argparse.Namespace) -> int:
    from pipelines.linkage import review

    number = review.export(Settings().linkage, args.out, scores=args.scores)
    print(f"{args.out}: {number:,} pairs. Fill decision and reason, then: upstream review import {args.out} --by NAME")
    return 0


def review_import(args: argparse.Namespace) -> int:
    from pipelines.linkage import review
    from pipelines.linkage.decisions import item_id

    settings = Settings()
    taken = review.take_in(settings.state, args.file, args.by, review.last_period(settings.linkage))
    known = f" {taken.known:,} said what {args.by} had said before." if taken.known else ""
    print(f"{taken.taken:,} decisions taken in.{known} They bind from the next run on.")
    for pairs, problem in (
        (taken.decided.disputed, "pairs on which reviewers disagree bind nobody until one of them changes their mind"),
        (taken.decided.contradicting, "pairs whose decisions cannot all be right bind nobody until one is taken back"),
    ):
        if pairs:
            print(f"{len(pairs):,} {problem}: {', '.join(sorted(item_id(*pair) for pair in pairs))}")
    return 0


def review_agreement(args: argparse.Namespace) -> int:
    from pipelines.linkage import decisions, review

    found = review.agreement(decisions.read_all(Settings().state))
    for pair in found:
        chance_corrected = f"kappa {pair.kappa:.2f} (95 % {pair.low:.2f} to {pair.high:.2f})"
        if math.isnan(pair.kappa):
            chance_corrected = "kappa cannot be told: both gave one answer throughout"
        print(f"{' and '.join(pair.reviewers)}: {pair.same:,} of {pair.items:,} pairs the same, {chance_corrected}")
    if not found:
        print("No two reviewers have judged the same pair yet.")
    return 0


def explain(args: argparse.Namespace) -> int:
    from pipelines.linkage.explain import explain_person

    settings = Settings()
    print(explain_person(settings.linkage, settings.state, args.person_id, settings.join_probability, args.svg))
    if args.svg:
        print(f"Drawn in {args.svg}.")
    return 0


def linkage_sample(args: argparse.Namespace) -> int:
    from pipelines.linkage import clerical

    settings = Settings()
    if args.answers:
        if args.out or not args.by:
            raise InputError("--answers goes with --by NAME, and not with --out.")
        answers = clerical.record_answers(settings.state, args.answers, args.by)
        print(f"{answers:,} answers kept. The next run weighs them into the linkage quality page: upstream run")
        return 0
    if not args.out or args.by:
        raise InputError(
            "say where the form goes (--out FILE), or which filled form came back (--answers FILE --by NAME)."
        )
    name, pairs = clerical.write_sample(settings.linkage, settings.state, args.out, args.number, args.seed)
    print(
        f"{args.out}: {pairs:,} pairs of records, sample {name}. Ask reviewers to write yes, no or unsure in same_person."
    )
    print(
        "The agencies look up person_ref at home. When a form comes back: upstream linkage-sample --answers FILE --by NAME"
    )
    return 0


class _Parser(argparse.ArgumentParser):
    """Takes options by their whole names, and repeats nothing that could be a key in what it complains about."""

    def __init__(self, *arguments: Any, **options: Any):
        super().__init__(*arguments, allow_abbrev=False, **options)

    def error(self, message: str) -> NoReturn:
        super().error(re.sub(r"[0-9A-Fa-f]{32,}", "(not repeated)", message))


APART = ("dictionary", "rotation")  # attacks that answer a question of their own, with and without the key
AGENCY, HUB, MEASURING = "Inside an agency", "At the hub", "Trying out and measuring"


class Commands:
    """Adds commands one by one and lists them by who runs them."""

    def __init__(self, top: argparse.ArgumentParser):
        self._parsers = top.add_subparsers(
            dest="command", prog="upstream", required=True, metavar="COMMAND", help=argparse.SUPPRESS
        )
        self._lines: dict[str, list[str]] = {}

    def add(
        self, who: str, name: str, run: Callable[[argparse.Namespace], int], text: str, in_project: bool = False
    ) -> argparse.ArgumentParser:
        """in_project: works only where the project's SQL, suites and code lists are."""
        self._lines.setdefault(who, []).append(f"  {name:18}{text}")
        parser = self._parsers.add_parser(name, description=text)
        package = "upstream-demand" if who == AGENCY else "upstream-demand[hub]"
        parser.set_defaults(run=run, in_project=in_project, package=package)
        return parser

    def listed(self) -> str:
        return "\n\n".join("\n".join([f"{who}:", *lines]) for who, lines in self._lines.items())


def parser() -> argparse.ArgumentParser:
    top = _Parser(
        prog="upstream",
        usage="upstream COMMAND [options]",
        description="What a command takes: upstream COMMAND --help",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = Commands(top)

    command = commands.add(AGENCY, "keygen", keygen, "make a key for a partnership's agencies")
    command.add_argument("file", type=Path, metavar="FILE")

    command = commands.add(AGENCY, "pseudonymise", pseudonymise, "turn identifiable records into a delivery")
    command.add_argument("feed", metavar="FEED")
    command.add_argument("--agency", required=True, metavar="CODE")
    command.add_argument("--people", required=True, type=Path, metavar="P.csv")
    command.add_argument("--activity", type=Path, metavar="A.csv")
    command.add_argument("--key-file", required=True, type=Path, metavar="K")
    command.add_argument("--period", required=True, metavar="2026-01")
    command.add_argument("--out", required=True, type=Path, metavar="DIR")
    _add_profile(command, "whom the partnership trusts, the same at every agency", DEFAULT_PROFILE)
    command.add_argument("--lookup", type=Path, metavar="L.csv", help="keep local_person_id,person_ref at the agency")
    command.add_argument(
        "--opt-outs", type=Path, metavar="O.csv", help="people who opted out: left out before encoding"
    )
    command.add_argument("--areas", type=Path, metavar="AREAS.csv", help="lsoa,imd_quintile")
    command.add_argument(
        "--partial-until", metavar="2026-01-20", help="the last day covered, if the extract is not the whole month"
    )
    command.add_argument("--format", choices=FORMATS, default=FORMATS[0], help=f"of the files ({FORMATS[0]})")
    command.add_argument("--check", action="store_true", help="write nothing, show what would leave")

    text = "references of people who opted out late or ask to be erased, for the hub"
    command = commands.add(AGENCY, "refs", refs, text)
    command.add_argument("--agency", required=True, metavar="CODE")
    command.add_argument("--key-file", required=True, type=Path, metavar="K")
    command.add_argument("--people", required=True, type=Path, metavar="IDS.csv", help="CSV with local_person_id")
    command.add_argument("--out", type=Path, metavar="REFS.csv", help="write them there, for your eyes only")

    text = "children in need census (XML) and SSDA903 tables to people.csv and activity.csv, a folder a month"
    command = commands.add(AGENCY, "census-to-csv", census_to_csv, text)
    command.add_argument("files", nargs="+", type=Path, metavar="FILE", help="census.xml, SSDA903 tables, or a folder")
    command.add_argument("--out", required=True, type=Path, metavar="DIR", help="a new folder inside the council")
    command.add_argument("--register", type=Path, metavar="P.csv", help="people.csv with names, postcodes, NHS numbers")
    command.add_argument("--from", dest="first_period", metavar="2026-01", help="leave out what began earlier")

    command = commands.add(HUB, "run", run, "take in deliveries, link, build, check and release", in_project=True)
    command.add_argument("--force", action="store_true", help="also what is up to date")

    text = "what is wrong with this installation, and what to do"
    command = commands.add(HUB, "doctor", doctor, text, in_project=True)
    command.add_argument("--json", action="store_true", help="the same for a machine")

    text = "Dagster's web interface, sensors and schedules over this data folder"
    command = commands.add(HUB, "web", web, text, in_project=True)
    command.add_argument("--host", default="127.0.0.1", help="address to listen on (127.0.0.1: this machine alone)")
    command.add_argument("--port", type=int, default=3000)

    text = "what arrived, was accepted, held, refused, superseded, withdrawn, is missing"
    command = commands.add(HUB, "status", status, text, in_project=True)
    command.add_argument("--all", action="store_true", help="also every delivery, with its rows and digest")
    command.add_argument("--json", action="store_true", help="everything, for machines")

    text = "refused rows of an agency, as a file that goes back to it"
    command = commands.add(HUB, "refused", refused, text, in_project=True)
    command.add_argument("agency", metavar="AGENCY")
    command.add_argument("--feed", metavar="FEED")
    command.add_argument("--period", metavar="2026-01")
    command.add_argument("--out", required=True, type=Path, metavar="FILE.csv")

    text = "take a delivery back: it counts no more, and only a new one can undo that"
    command = commands.add(HUB, "withdraw", withdraw, text, in_project=True)
    command.add_argument("agency", metavar="AGENCY")
    command.add_argument("feed", metavar="FEED")
    command.add_argument("period", metavar="PERIOD")
    command.add_argument("delivery_id", metavar="DELIVERY_ID")
    command.add_argument("--by", required=True, metavar="NAME", help="who says so")
    command.add_argument("--reason", required=True, metavar="TEXT", help="why; kept and shown, so name nobody")

    text = "remove people everywhere, keep them out, and prove it"
    command = commands.add(HUB, "erase", erase, text, in_project=True)
    command.add_argument("--agency", required=True, metavar="CODE")
    command.add_argument("--person-ref", metavar="R", help="one person; it stays in your shell's history")
    command.add_argument("--file", type=Path, metavar="REFS.csv", help="many, as `upstream refs` wrote them")
    command.add_argument("--linked", action="store_true", help="also who linkage says is the same person elsewhere")
    command.add_argument("--by", default="", metavar="NAME", help="who decided it; kept")
    command.add_argument("--reason", default="", metavar="TEXT", help="why; kept, so name nobody")
    command.add_argument("--check", action="store_true", help="write nothing, show what would go")

    command = commands.add(
        HUB, "release", release_list, "list, approve, retract or compare releases, or go back", in_project=True
    )
    _add_release(command)

    text = "attack a release's board tables: can a withheld number be worked out?"
    command = commands.add(HUB, "disclosure-audit", disclosure_audit, text, in_project=True)
    command.add_argument("release_id", metavar="RELEASE_ID", help="or current")

    text = "wards, districts, deprivation and old LSOA codes from published files"
    command = commands.add(HUB, "geography", geography, text, in_project=True)
    command.add_argument("files", nargs="+", type=Path, metavar="FILE", help="CSV or CSV.GZ as published, or a folder")
    command.add_argument(
        "--district", action="append", default=[], metavar="NAME", help="of the region; may be repeated"
    )
    command.add_argument("--police-area", metavar="NAME", help="all districts of a police force area")

    text = "street-level crime of police.uk, as context about areas"
    command = commands.add(HUB, "police-uk", police_uk, text, in_project=True)
    command.add_argument("files", nargs="+", type=Path, metavar="FILE", help="<month>-<force>-street.csv, or a folder")

    commands.add(HUB, "train", train, "a new linkage model from this region's deliveries", in_project=True)

    command = commands.add(HUB, "review", review_list, "pairs of records that a human should judge", in_project=True)
    _add_review(command)

    command = commands.add(HUB, "explain", explain, "why records are one person, link by link", in_project=True)
    command.add_argument("person_id", metavar="PERSON_ID")
    command.add_argument("--svg", type=Path, metavar="FILE.svg", help="also draw it")

    text = "pairs for people to judge blind: how good linkage is, without an answer key"
    command = commands.add(HUB, "linkage-sample", linkage_sample, text, in_project=True)
    command.add_argument("--out", type=Path, metavar="FILE.csv", help="where the reviewers' form goes")
    command.add_argument("--number", type=int, default=300, metavar="N", help="pairs to draw (300)")
    command.add_argument("--seed", type=int, default=1, metavar="S", help="another seed draws other pairs (1)")
    command.add_argument("--answers", type=Path, metavar="FILE.csv", help="a filled form that came back")
    command.add_argument("--by", metavar="NAME", help="with --answers: the reviewer")

    text = "change key, encoder version or profile: what must be delivered again"
    command = commands.add(HUB, "rekey-plan", rekey_plan, text, in_project=True)
    step = command.add_mutually_exclusive_group()
    step.add_argument("--start", metavar="KEY_CHECK", help="open the change to a key, by its check (never the key)")
    step.add_argument("--finish", action="store_true", help="switch, once all has arrived")
    step.add_argument("--cancel", action="store_true", help="drop the change that is open")
    _add_profile(command, "with --start: the profile from then on", None)
    command.add_argument("--accept-gaps", action="store_true", help="with --finish: leave out what has not arrived")

    text = "with --finish: has no more references of erased people to send"
    command.add_argument("--no-more-erased", nargs="+", default=[], metavar="AGENCY", help=text)

    command = commands.add(MEASURING, "demo", demo, "a fictional region, the whole way", in_project=True)
    command.add_argument("--people", type=int, default=60_000, metavar="N")
    command.add_argument("--seed", type=int, default=1, metavar="S")

    command = commands.add(
        MEASURING, "link-benchmark", link_benchmark, "link identifiable people files and measure it, inside an agency"
    )
    command.add_argument("--people", required=True, nargs="+", action="extend", metavar="FEED=FILE")
    command.add_argument("--truth", type=Path, metavar="T.csv", help="feed,local_person_id,truth")
    command.add_argument("--out", required=True, type=Path, metavar="DIR")
    command.add_argument(
        "--baseline",
        action="store_true",
        help="also our own linkage and stock Splink on the plaintext, in the same run",
    )
    _add_profile(command, "encode as for this hub", DEFAULT_PROFILE)

    text = "attack a fictional region's deliveries and print what it gives away"
    command = commands.add(MEASURING, "privacy-attack", privacy_attack, text, in_project=True)
    command.add_argument("--out", required=True, type=Path, metavar="DIR")
    command.add_argument("--people", type=int, default=6_000, metavar="N")
    command.add_argument("--seed", type=int, default=1, metavar="S")

    top.epilog = commands.listed()
    return top


def _add_release(command: argparse.ArgumentParser) -> None:
    steps = command.add_subparsers(dest="step", required=True, metavar="STEP")
    steps.add_parser("list", help="the releases that are kept, newest first").set_defaults(run=release_list)

    step = steps.add_parser("approve", help="make the board part of a release public")
    step.add_argument("release_id", metavar="RELEASE_ID", help="or current")
    step.add_argument("--by", required=True, metavar="NAME", help="who approves it; it stands in the pack")
    step.set_defaults(run=release_approve)

    step = steps.add_parser("retract", help="take back what is public: nothing is, until somebody approves again")
    step.add_argument("--by", required=True, metavar="NAME", help="who takes it back; kept")
    step.add_argument("--reason", required=True, metavar="TEXT", help="why; kept, so name nobody")
    step.set_defaults(run=release_retract)

    step = steps.add_parser("diff", help="which headlines moved, and whether demand, feeds or linkage moved them")
    step.add_argument("before", nargs="?", metavar="BEFORE", help="release id (the public one, else the one before)")
    step.add_argument("now", nargs="?", default="current", metavar="NOW", help="release id (current)")
    step.set_defaults(run=release_diff)

    step = steps.add_parser("rollback", help="make an earlier release the current one")
    step.add_argument("release_id", metavar="RELEASE_ID")
    step.set_defaults(run=release_rollback)


def _add_review(command: argparse.ArgumentParser) -> None:
    steps = command.add_subparsers(dest="step", required=True, metavar="STEP")
    steps.add_parser("list", help="count the queue by reason").set_defaults(run=review_list)

    step = steps.add_parser("export", help="write the queue as a sheet to fill in, blind")
    step.add_argument("--out", required=True, type=Path, metavar="FILE.csv")
    step.add_argument("--scores", action="store_true", help="also what the model made of each pair")
    step.set_defaults(run=review_export)

    step = steps.add_parser("import", help="take a filled sheet in: all of it or nothing")
    step.add_argument("file", type=Path, metavar="FILE.csv")
    step.add_argument("--by", required=True, metavar="NAME", help="whose decisions these are")
    step.set_defaults(run=review_import)

    steps.add_parser("agreement", help="how far two reviewers agree beyond chance").set_defaults(run=review_agreement)


def _add_profile(command: argparse.ArgumentParser, text: str, default: str | None) -> None:
    command.add_argument("--profile", choices=PROFILES, default=default, help=text)


def main(argv: list[str] | None = None) -> int:
    args = parser().parse_args(argv)
    try:
        if args.in_project and not Settings().sql.is_dir():
            raise InputError(
                "this command needs the hub's packages (pip install 'upstream-demand[hub]') and the project's own folder, "
                "with its SQL, rules and code lists: get the project and type the command there."
            )
        return args.run(args)
    except InputError as error:
        message = str(error)
    except ModuleNotFoundError as error:
        if error.name.split(".")[0] == "pipelines":
            raise
        message = f"{error.name} is not installed, which this command needs: pip install '{args.package}'"
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
