"""Identity tokens into DuckDB: one row an identity version, Bloom filters taken apart into words that SQL can count.

This is the only door into linkage, and it fails closed: a column that is not a known token is refused before a row is
read, so that no attribute, no activity and no plaintext can be linked on by accident. Nothing here compares records.
"""

from collections.abc import Sequence
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from pipelines.pseudonymise.encode import FIELDS, FILTER_BYTES, IDENTITY_COLUMNS

SLOT_COLUMNS = ("agency", "feed", "period", "delivery_id")
CLIENT_COLUMNS = ("agency", "feed", "person_ref")  # the key of one agency's client
KNOWN_COLUMNS = frozenset({*SLOT_COLUMNS, "person_ref", *IDENTITY_COLUMNS})
NOBODY = "There are no accepted people to link. Look at what was refused: upstream status"
WORDS = FILTER_BYTES // 8  # 64-bit words of one filter


class ColumnRefused(ValueError):
    """A people file holds a column that linkage must not see, or lacks one that it needs."""


def connect(threads: int = 2, memory_limit: str = "8GB", spill: Path | None = None) -> duckdb.DuckDBPyConnection:
    """An in-memory database of its own: tokens are never attached to the warehouse."""
    con = duckdb.connect()
    con.execute(f"set threads = {threads}; set memory_limit = '{memory_limit}'; set preserve_insertion_order = true")
    if spill:  # DuckDB's own default is a folder of wherever the command was typed
        con.execute(f"set temp_directory = '{spill}'")
    return con


def people_files(linkage: Path) -> list[Path]:
    """Accepted people files, <linkage>/people/<feed>/<period>.parquet, in a fixed order."""
    return sorted((linkage / "people").glob("*/*.parquet"))


def refuse_other_columns(files: Sequence[Path]) -> None:
    """Raises ColumnRefused unless every file has exactly the slot, the person_ref and the encoder's columns."""
    for file in files:
        columns = set(pq.read_schema(file).names)
        unknown, missing = sorted(columns - KNOWN_COLUMNS), sorted(KNOWN_COLUMNS - columns)
        if unknown:
            raise ColumnRefused(
                f"{file}: column {', '.join(unknown)} is not an identity token. Linkage sees tokens and nothing else: "
                "move attributes and activity to their own files."
            )
        if missing:
            raise ColumnRefused(
                f"{file}: column {', '.join(missing)} is missing. The agency's encoder is not this version's: "
                "ask it to pseudonymise the period again."
            )


def load_versions(con: duckdb.DuckDBPyConnection, files: Sequence[Path]) -> int:
    """Fill table `versions` from people files and return its number of rows.

    One row is one identity version: a distinct set of tokens of one client, with the first and last period it was
    seen. `record_id` numbers versions and `client_id` clients, both from 0 in an order that does not depend on the
    order of rows or files. Each filter <field>_bf becomes <field>_w0..w7 (BIGINT) and <field>_n (bits set, INTEGER).
    """
    refuse_other_columns(files)
    if not files:
        raise ValueError(NOBODY)
    tokens = ", ".join(IDENTITY_COLUMNS)
    words = ", ".join(_words(field) for field in FIELDS)
    con.execute(
        f"""
        create or replace table versions as
        with seen as (
            select agency, feed, person_ref, {tokens}, min(period) as first_period, max(period) as last_period
            from read_parquet({[str(file) for file in files]}, hive_partitioning = false, union_by_name = true)
            group by all
        ),
        numbered as (
            select * exclude ({", ".join(f"{field}_bf" for field in FIELDS)}), {words},
                dense_rank() over (order by agency, feed, person_ref) - 1 as client_id,
                dense_rank() over (order by agency, feed) - 1 as feed_id,
                row_number() over (
                    order by agency, feed, person_ref, first_period, last_period, {tokens}
                ) - 1 as record_id
            from seen
        )
        select *,
            last_period = max(last_period) over same_client
                and record_id = max(record_id) over (partition by client_id, last_period) as is_latest
        from numbered
        window same_client as (partition by client_id)
        order by record_id
        """
    )
    versions = con.execute("select count(*) from versions").fetchall()[0][0]
    if not versions:
        raise ValueError(NOBODY)
    return versions


def _words(field: str) -> str:
    words = [f"{field}_bf[{8 * i + 1}:{8 * i + 8}]::bit::bigint as {field}_w{i}" for i in range(WORDS)]
    return ", ".join([*words, f"bit_count({field}_bf::bit)::integer as {field}_n"])
