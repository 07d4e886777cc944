"""`upstream demo`: a fictional region goes the whole way, through the same commands that a real one would use.

The agencies' plaintext, their key and the answer key lie under demo/; the hub's side sees deliveries and nothing else.
"""

import contextlib
import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import duckdb

from pipelines import cli, runner
from pipelines.board.linkage_page import render_linkage_page
from pipelines.evaluation import region as evaluation
from pipelines.evaluation.linkage_key import against_key
from pipelines.ingest.status import status_rows
from pipelines.pseudonymise.encode import checksum
from pipelines.pseudonymise.errors import InputError
from pipelines.publish.about import pack_facts
from pipelines.publish.release import read_manifest
from pipelines.settings import Settings
from pipelines.synthetic.region import make_region

FEWEST_PEOPLE = 200
HUB_FOLDERS = ("landing", "warehouse", "state", "releases", "public", "dagster")


def demo(settings: Settings, people: int, seed: int, progress: Callable[[str], None] = print) -> int:
    """Make the region, hand it over, run the pipeline, say what came of it. Returns the exit code."""
    if people < FEWEST_PEOPLE:
        raise InputError(f"a fictional region needs at least {FEWEST_PEOPLE} people.")
    folder = settings.project / "demo"
    _refuse_real_data(settings, folder)
    _make_region(settings, folder, people, seed, progress)
    _deliver(settings, folder, progress)
    outcome = runner.run(settings, progress=progress)
    for problem in outcome.problems:
        progress(f"Problem: {problem}")
    if not (settings.releases / "current").exists():
        return 1
    _command("release", "approve", "current", "--by", "the demo")
    progress("Comparing with the answer key")
    progress(summary(settings, folder))
    progress(
        f"Linkage   {linkage_page(settings, folder)}, the release's page of that name with the answer key beside it"
    )
    return 1 if outcome.problems else 0


def _refuse_real_data(settings: Settings, folder: Path) -> None:
    """A hub's data folder that the demo did not make, or that holds other agencies' deliveries, is left alone."""
    used = any(any(path.iterdir()) for path in (settings.landing, settings.state, settings.releases) if path.exists())
    fictional = {path.name for path in (folder / "agencies").glob("*")}
    others = {path.name for path in settings.landing.glob("*")} - fictional
    if used and (others or not settings.fictional.exists()):
        raise InputError(
            f"{settings.data} holds data that are not the demo's. Run the demo with UPSTREAM_DATA set to an empty "
            "folder, so that fiction and fact never mix."
        )


def _make_region(settings: Settings, folder: Path, people: int, seed: int, progress: Callable[[str], None]) -> None:
    """The region, made if it is not there; a hub that took in another one, or another encoding of it, starts afresh."""
    wanted, made = {"people": people, "seed": seed}, folder / "region.json"
    same_region = made.exists() and wanted.items() <= json.loads(made.read_text()).items()
    same_encoder = settings.fictional.exists() and settings.fictional.read_text() == checksum()
    if not (same_region and same_encoder):
        for name in HUB_FOLDERS:
            shutil.rmtree(settings.data / name, ignore_errors=True)
    settings.data.mkdir(parents=True, exist_ok=True)
    settings.fictional.write_text(checksum())
    if same_region:
        progress(f"The fictional region of {people:,} people is there already (seed {seed})")
        return
    shutil.rmtree(folder, ignore_errors=True)
    progress(f"Making a fictional region of {people:,} people (seed {seed})")
    make_region(folder, people=people, seed=seed, progress=progress)


def _deliver(settings: Settings, folder: Path, progress: Callable[[str], None]) -> None:
    """Each agency pseudonymises each of its months, with the command that a data officer types."""
    key = folder / "key"
    if not key.exists():
        _command("keygen", key)
    for agency in sorted((folder / "agencies").iterdir()):
        for feed in sorted(path for path in agency.iterdir() if path.is_dir()):
            months = sorted(path for path in feed.iterdir() if path.is_dir())
            for month in months:
                files = ["--people", month / "people.csv", "--activity", month / "activity.csv"]
                if (month / "opt_outs.csv").exists():
                    files += ["--opt-outs", month / "opt_outs.csv"]
                where = ["--key-file", key, "--out", settings.landing, "--lookup", month / "lookup.csv"]
                _command("pseudonymise", feed.name, "--agency", agency.name, "--period", month.name, *files, *where)
            progress(f"  {agency.name} pseudonymised {len(months)} months of {feed.name}")


def _command(*arguments) -> None:
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        code = cli.main([str(argument) for argument in arguments])
    if code:
        raise InputError(f"upstream {arguments[0]} failed; its message stands above.")


def linkage_page(settings: Settings, folder: Path) -> Path:
    """The linkage quality page of the current release with the answer key's figures, which no release holds."""
    current, page = settings.releases / "current", folder / "linkage_quality.html"
    facts = pack_facts(read_manifest(current), settings)
    render_linkage_page(current / "analyst.duckdb", page, facts, against_key(settings, folder))
    return page


def _left_out(release: Path) -> list[tuple[str, int]]:
    """Accepted events that are no contact of their person: reason and rows, the most frequent first."""
    with duckdb.connect(str(release / "analyst.duckdb"), read_only=True) as connection:
        return connection.execute(
            "select detail, sum(rows)::bigint as rows from marts.data_quality where measure = 'left_out' "
            "group by detail order by rows desc"
        ).fetchall()


def summary(settings: Settings, folder: Path) -> str:
    """What arrived, what was refused, who was linked and how well, who cycles, and where to look next."""
    rows = status_rows(settings)
    total = {kind: sum(row[kind] or 0 for row in rows) for kind in ("received", "accepted", "refused")}
    accepted = [row for row in rows if row["status"] == "accepted"]
    key = evaluation.compare(settings, folder)
    current = settings.releases / "current"
    lines = [
        "",
        f"Arrived   {len(rows)} deliveries, {total['received']:,} events; {len(accepted)} accepted",
        f"Refused   {total['refused']:,} events, each with a reason (marts.data_quality counts them by rule)",
        f"Left out  {', '.join(f'{rows:,} {reason}' for reason, rows in _left_out(current))}",
        f"Linked    {key.clients:,} clients of the agencies are {key.people:,} people; the answer key says {key.true_people:,}",
        f"          pairs: precision {key.precision:.3f}, recall {key.recall:.3f}, F1 {key.f1:.3f}",
        "",
        f"{'Found':56}{'found':>10}{'95 % band':>26}{'answer key':>13}",
        *(
            f"{f'{line.label} ({line.unit})':56}{line.found:10,.0f}{f'{line.low:,.0f} to {line.high:,.0f}':>26}{line.true:13,.0f}"
            for line in key.headlines
            if line.in_pack
        ),
        "The band is for the true figure: the middle 95 % of draws of who may be who. What is found can lie outside it.",
        "",
        f"Risk      {read_manifest(current)['risk']}",
        "",
        f"Read      {settings.public / 'current' / 'board_pack.html'}   (public: the demo approved its own release)",
        f"Query     {current / 'analyst.duckdb'} (schema marts) and board.duckdb beside it",
        "Look at   .venv/bin/dagster dev   (the graph, its checks and row counts)",
    ]
    return "\n".join(lines)
