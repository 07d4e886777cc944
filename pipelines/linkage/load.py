"""Identity tokens into DuckDB: one row an identity version, signatures under one anchor side by side.

This is the only door into linkage, and it fails closed: a column that is not a known token is refused before a row is
read, so that no attribute, no activity and no plaintext can be linked on by accident. Nothing here compares records.
"""

from collections.abc import Sequence
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from pipelines.pseudonymise.encode import (
    ANCHORS,
    PARTS,
    PROFILES,
    SIGNATURE_BYTES,
    SIGNED_BY,
    TOKENS,
    identity_columns,
    signature_column,
)

SLOT_COLUMNS = ("agency", "feed", "period")
CLIENT_COLUMNS = ("agency", "feed", "person_ref")  # the key of one agency's client
COLUMNS = {profile: frozenset({*SLOT_COLUMNS, "person_ref", *identity_columns(profile)}) for profile in PROFILES}
KNOWN_COLUMNS = frozenset().union(*COLUMNS.values())
NOBODY = "There are no accepted people to link. Look at what was refused: upstream status"
# Token -> fields that must be filled for it to be there.
TOKEN_FIELDS = {token: frozenset(PARTS[part][0] for part in parts) for token, parts in TOKENS.items()}
WORDS = SIGNATURE_BYTES // 8  # 64-bit words of one signature
SIGNED_UNDER = {anchor: tuple(f for f, anchors in SIGNED_BY.items() if anchor in anchors) for anchor in ANCHORS}
MISSING = "'" + r"\x00" * SIGNATURE_BYTES + "'::blob"  # stands for a signature that is not there: no real one is 0


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


def profile_of(files: Sequence[Path]) -> str:
    """The encoder's profile whose columns, with the slot and the person_ref, every file has and no others.

    Raises ColumnRefused for anything else.
    """
    found = set()
    for file in files:
        columns = set(pq.read_schema(file).names)
        if unknown := sorted(columns - KNOWN_COLUMNS):
            raise ColumnRefused(
                f"{file}: column {', '.join(unknown)} is not an identity token. Linkage sees tokens and nothing else: "
                "move attributes and activity to their own files."
            )
        profile = next((name for name, needed in COLUMNS.items() if columns == needed), None)
        if profile is None:
            missing = min((sorted(needed - columns) for needed in COLUMNS.values()), key=len)
            raise ColumnRefused(
                f"{file}: column {', '.join(missing)} is missing. The agency's encoder is not this version's: "
                "ask it to pseudonymise the period again."
            )
        found.add(profile)
    if len(found) > 1:
        raise ColumnRefused(
            f"People files of two profiles, {' and '.join(sorted(found))}, cannot be linked with each other. "
            "Agree on one, and ask for the other's periods again."
        )
    return found.pop() if found else PROFILES[0]


def load_versions(con: duckdb.DuckDBPyConnection, files: Sequence[Path]) -> int:
    """Fill table `versions` from people files and return its number of rows.

    One row is one identity version: a distinct set of tokens of one client, with the first and last period it was
    seen. `record_id` numbers versions and `client_id` clients, both from 0 in an order that does not depend on the
    order of rows or files. signed_by_<anchor> (BLOB) has the signatures of the fields of SIGNED_UNDER, 32 bytes each,
    zeros for one that is missing. A field that is there has <field>_present 1, otherwise
    NULL; <anchor>_anchor is the anchor's token under a name of its own, so that a blocking rule on the token is not
    taken for one on the fields it anchors; said is a hash of all that the version says. What a profile leaves out is NULL.
    """
    profile = profile_of(files)
    if not files:
        raise ValueError(NOBODY)
    given = identity_columns(profile)
    plain = [column for column in given if not column.endswith("_sig")]
    signed = ", ".join(f"{_side_by_side(anchor, given)} as signed_by_{anchor}" for anchor in ANCHORS)
    absent = "".join(f"null::bigint as {c}, " for c in identity_columns() if c not in given and c.endswith("_token"))
    present = ", ".join(f"case when {_says_present(f, given)} then 1 end as {f}_present" for f in SIGNED_BY)
    anchors = ", ".join(
        f"{token}_token as {anchor}_anchor" if f"{token}_token" in given else f"null::bigint as {anchor}_anchor"
        for anchor, token in ANCHORS.items()
    )
    # Wide rows are read once and moved once: what is the same is told by `said`, a hash, within one client's few versions.
    con.execute(
        f"""
        create or replace temp table given as
        with side_by_side as (
            select agency, feed, person_ref, period, {", ".join(plain)}, {signed}, {present}
            from read_parquet({[str(file) for file in files]}, hive_partitioning = false, union_by_name = true)
        )
        select *, hash({", ".join([*plain, *(f"signed_by_{anchor}" for anchor in ANCHORS)])}) as said from side_by_side
        """
    )
    con.execute(
        """
        create or replace temp table numbers as
        with seen as (
            select agency, feed, person_ref, said, min(rowid) as place,
                min(period) as first_period, max(period) as last_period
            from given group by agency, feed, person_ref, said
        ),
        numbered as (
            select place, first_period, last_period, said,
                (dense_rank() over (order by agency, feed, person_ref) - 1)::integer as client_id,
                (dense_rank() over (order by agency, feed) - 1)::integer as feed_id,
                (row_number() over (order by agency, feed, person_ref, first_period, last_period, said) - 1)::integer
                    as record_id
            from seen
        )
        select * exclude (said),
            row_number() over (partition by client_id order by last_period desc, first_period desc, said desc) = 1
                as is_latest
        from numbered
        """
    )
    con.execute(
        f"""
        create or replace table versions as
        select given.* exclude (period), first_period, last_period, {anchors}, {absent}
            client_id, feed_id, record_id, is_latest
        from numbers inner join given on given.rowid = place
        order by record_id
        """
    )
    con.execute("drop table given; drop table numbers")
    versions = con.execute("select count(*) from versions").fetchall()[0][0]
    if not versions:
        raise ValueError(NOBODY)
    return versions


def _side_by_side(anchor: str, given: dict) -> str:
    """SQL: the anchor's signatures one behind the other; NULL where the profile has none under this anchor."""
    columns = [signature_column(field, anchor) for field in SIGNED_UNDER[anchor]]
    if not set(columns) <= given.keys():
        return "null::blob"
    return " || ".join(f"coalesce({column}, {MISSING})" for column in columns)


def _says_present(field: str, given: dict) -> str:
    """SQL: one of the columns that are filled only where a field is."""
    own = [signature_column(field, anchor) for anchor in SIGNED_BY[field]]
    tokens = [f"{token}_token" for token, fields in TOKEN_FIELDS.items() if field in fields]
    return " or ".join(f"{column} is not null" for column in [*own, *tokens] if column in given)
