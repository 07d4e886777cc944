"""How long all of sql/ and each question of the cookbook take, and in how much memory, with many people.

A hub's data folder is multiplied: each copy has everybody of it under other pseudonyms, with their contacts, as they were
linked, and with all doubts about who is who. So the tables are as large as with that many people, and as hard to build;
what is in them means nothing, since all copies live in the same areas. Part of `make bench`.
"""

import shutil
from pathlib import Path

import duckdb

from pipelines.pseudonymise.contract import read_contract
from pipelines.settings import Settings
from pipelines.warehouse.names import identifier, literal

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
