"""How long all of sql/ and each question of the cookbook take, and in how much memory, with many people.

A hub's data folder is multiplied: each copy has everybody of it under other pseudonyms, with their contacts, as they were
linked, and with all doubts about who is who. So the tables are as large as with that many people, and as hard to build;
what is in them means nothing, since all copies live in the same areas. Part of `make bench`.
"""

import shutil
import time
from pathlib import Path

import duckdb

from pipelines.evaluation import cookbook
from pipelines.pseudonymise.contract import read_contract
from pipelines.publish import dictionary, export
from pipelines.publish.content import open_released
from pipelines.publish.tables import published_tables
from pipelines.settings import Settings
from pipelines.warehouse import database
from pipelines.warehouse.names import identifier, literal

Figures = dict[str, float]

MOST_WALL, MOST_GB, MOST_OF_A_QUESTION = 180, 6, 2  # seconds, GB, seconds: what it may take on two cores

OF_A_CLIENT = {
    "person_index": ("person_ref", "person_id", "person_id_low", "person_id_high"),
    "person_draws": ("person_ref", "person_key"),
    "client_pairs": ("person_ref_l", "person_ref_r"),
    "review_queue": ("item",),
}
"""Tables of linkage, and what in them names a client or a person."""


def multiply(source: Settings, target: Settings, copies: int) -> None:
    """A data folder whose tables of the warehouse come out `copies` times as long; what is in it already goes."""
    shutil.rmtree(target.data, ignore_errors=True)
    for folder in (target.state, target.linkage):
        folder.mkdir(parents=True)
    for path in (
        source.state / "hub_salt",
        source.state / "person_history.parquet",
        source.linkage / "quality.parquet",
    ):
        if path.exists():
            shutil.copy(path, target.data / path.relative_to(source.data))
    with duckdb.connect(config={"threads": target.threads, "memory_limit": "2GB"}) as connection:
        connection.execute("set preserve_insertion_order = false")
        for table, names in OF_A_CLIENT.items():
            if (source.linkage / f"{table}.parquet").exists():
                _copy(connection, source.linkage / f"{table}.parquet", target.linkage, copies, names)
        for feed in source.feeds:
            _multiply_feed(connection, source, target, feed, copies)


def contacts_of(settings: Settings) -> int:
    with duckdb.connect(str(settings.warehouse_db), read_only=True) as connection:
        return database.count_rows(connection, ("staging", "contacts"))


def copies_for(source: Settings, contacts: int) -> int:
    """Copies of a data folder that have at least so many contacts."""
    return -(-contacts // contacts_of(source))


def _multiply_feed(
    connection: duckdb.DuckDBPyConnection, source: Settings, target: Settings, feed: str, copies: int
) -> None:
    columns = read_contract(source.feed_contracts / f"{feed}.csv")
    references = [column.name for column in columns if column.type == "reference"]
    folder = target.accepted / feed
    folder.mkdir(parents=True)
    for path in sorted((source.accepted / feed).glob("*.parquet")):
        if path.name.endswith(".activity.parquet"):
            rows = f"row_number + copy * (select max(row_number) from read_parquet({literal(str(path))}))"
            _copy(connection, path, folder, copies, ["person_ref", *references], {"row_number": rows})
        elif path.name.endswith(".attributes.parquet"):
            _copy(connection, path, folder, copies, ["person_ref"])
        elif path.name.endswith(".deliveries.parquet"):
            counts = [
                name
                for (name, *_) in connection.execute(f"describe from read_parquet({literal(str(path))})").fetchall()
                if name.startswith(("received_", "accepted_"))
            ]
            _copy(connection, path, folder, 1, [], {name: f"{identifier(name)} * {copies}" for name in counts})
        else:
            shutil.copy(path, folder)


def _copy(
    connection: duckdb.DuckDBPyConnection,
    path: Path,
    folder: Path,
    copies: int,
    names: list[str] | tuple[str, ...],
    others: dict[str, str] | None = None,
) -> None:
    """Each row once a copy, with the copy's number behind what names somebody or something, and `others` by SQL."""
    values = {name: f"{identifier(name)} || '-' || copy" for name in names} | (others or {})
    replaced = ", ".join(f"{value} as {identifier(name)}" for name, value in values.items())
    connection.execute(
        f"copy (select * exclude (copy) {replaced and f'replace ({replaced})'} from read_parquet({literal(str(path))}) "
        f"cross join range({copies}) as copies (copy)) to {literal(str(folder / path.name))} "
        "(format parquet, compression zstd)"
    )


def build(data: Path) -> Figures:
    """CPU and wall seconds of each table, and of all of sql/."""
    settings = Settings(data=data)
    found, last = Figures(), _now()
    whole = last

    def progress(line: str) -> None:
        nonlocal last
        now = _now()
        found[line.partition(":")[0]] = now[0] - last[0]
        last = now

    database.build_all(settings, progress)
    now = _now()
    return found | {"cpu": now[0] - whole[0], "wall": now[1] - whole[1]}


def ask(data: Path) -> Figures:
    """Wall seconds of each question of the cookbook over an analyst database, the second time it is asked."""
    settings, analyst = Settings(data=data), data / "analyst.duckdb"
    analyst.unlink(missing_ok=True)
    export.write_analyst(settings.warehouse_db, analyst, published_tables(settings)["marts"], settings)
    dictionary.write_dictionary(settings.warehouse_db, analyst, settings)
    found = Figures()
    with open_released(analyst) as connection:
        connection.execute(f"set threads = {settings.threads}; set memory_limit = {literal(settings.warehouse_memory)}")
        for question in cookbook.questions(settings):
            for _ in range(2):
                started = time.perf_counter()
                cookbook.answer(connection, question)
                found[question.name] = time.perf_counter() - started
    return found


def table(contacts: int, built: Figures, asked: Figures) -> str:
    """Markdown: all of sql/ with its slowest tables, and the cookbook with its slowest questions."""
    tables = {name: seconds for name, seconds in built.items() if "." in name}
    lines = [
        f"{contacts:,} contacts: all of sql/ in {built['wall']:.0f} s ({built['cpu']:.0f} CPU s) and "
        f"{built['peak_gb']:.1f} GB"
        + (" (too much)" if built["wall"] > MOST_WALL or built["peak_gb"] > MOST_GB else ""),
        "",
        "| slowest tables | CPU s |",
        "| --- | --- |",
        *(f"| {name} | {seconds:.1f} |" for name, seconds in _slowest(tables, 12)),
        "",
        "| slowest questions of the cookbook | s |",
        "| --- | --- |",
        *(f"| {n} | {s:.2f}{' (too slow)' if s > MOST_OF_A_QUESTION else ''} |" for n, s in _slowest(asked, 5)),
    ]
    return "\n".join(lines)


def _slowest(seconds: Figures, number: int) -> list[tuple[str, float]]:
    return sorted(((n, s) for n, s in seconds.items() if n != "peak_gb"), key=lambda item: -item[1])[:number]


def _now() -> tuple[float, float]:
    return time.process_time(), time.perf_counter()
