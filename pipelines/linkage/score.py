"""Pairs of identity versions: which are compared, how far each field agrees, and how likely they are one person.

Blocking rules find the pairs; the levels are the SQL of `comparisons`; the probability weighs one person against
every other explanation that `relations` knows. Each pair is scored once, over all feeds. Nothing here joins anybody.
"""

import re

import duckdb
import numpy as np
import pyarrow as pa

from . import comparisons, relations, signatures
from .comparisons import FIELDS, NAMES_SWAPPED, TOKENS, Representation, signed_equal, top_gamma
from .load import ANCHORS, SIGNED_BY
from .relations import NAMESAKES, PERSON, RELATIONS, STRANGERS, Relations

MOST_IN_A_BLOCK = 2000  # records that share a blocking rule's value; their pairs grow with the square
BY_NAMES = "names that sound alike"  # pool of a representation whose rule is one of its blocking rules
SIDE = re.compile(r"\b(\w+)_([lr])\b")
COLUMN = re.compile(r"\b[lr]\.(\w+)")
EQUAL = re.compile(r"\bl\.(\w+) = r\.(\w+)")
OTHER_ANCHOR = re.compile(r"_by_(?!names_)")
COMPLETED_UP_TO = 500  # clients of a component whose missing pairs are scored as well
UNBLOCKED = -1  # rule of a pair that no blocking rule found and that was scored because its component needed it


def block(
    con: duckdb.DuckDBPyConnection,
    versions: str = "versions",
    representation: Representation = TOKENS,
    hopeless: bool = False,
) -> None:
    """Fill table `blocked` (record_id_l, record_id_r, rule) with each pair that a blocking rule finds, once.

    hopeless: also pairs that only the sounds of their names bring together and that are neither born nor living near
    each other. Nobody is linked by them, they are most of all pairs where there are many records, and training alone
    learns from them. A value that more than MOST_IN_A_BLOCK records share (a hospital's postcode, a made-up birth
    date) brings nobody together; table `skipped` (rule, blocks, records, pairs) says what that left out.
    """
    _skip_large_blocks(con, versions, representation, hopeless)
    _block(con, "to_block", "l.record_id < r.record_id", _rules(representation, hopeless))
    con.execute("drop table to_block")


def _block(con: duckdb.DuckDBPyConnection, left: str, ordered: str, rules: list[str]) -> None:
    """Fill table `blocked` with the pairs of table `left` and `to_block` by the first rule that finds each."""
    found = " union all ".join(
        f"select least(l.record_id, r.record_id) as record_id_l, greatest(l.record_id, r.record_id) as record_id_r, "
        f"{number}::tinyint as rule from {left} as l inner join to_block as r on {rule} where {ordered}"
        for number, rule in enumerate(rules)
    )
    con.execute(
        f"""
        create or replace table blocked as
        select record_id_l, record_id_r, min(rule) as rule from ({found}) group by all order by all
        """
    )


def block_new(con: duckdb.DuckDBPyConnection, new: str) -> None:
    """Fill table `blocked` with each pair of a record of table `new` and one of `versions` that came before it.

    new: record_id. The new records are among `versions` and have the highest record_ids.
    """
    _skip_large_blocks(con, "versions", TOKENS, hopeless=False, new=new)
    con.execute(f"create or replace temp table arrived as select * from to_block semi join {new} using (record_id)")
    _block(con, "arrived", "r.record_id < l.record_id", _rules(TOKENS, hopeless=False))
    con.execute("drop table arrived; drop table to_block")


def _columns_of_rules(representation: Representation, hopeless: bool) -> list[str]:
    rules = _rules(representation, hopeless)
    return sorted({column for rule in rules for column in COLUMN.findall(rule)} - {"client_id"})


def _rules(representation: Representation, hopeless: bool) -> list[str]:
    rules, by_names = list(representation.prediction_rules), representation.pools[BY_NAMES]
    if hopeless:
        return rules
    return [f"{rule} and ({_near(representation)})" if rule == by_names else rule for rule in rules]


def _near(representation: Representation) -> str:
    """SQL: birth date or postcode agree at its loosest level, or one of them is not there in full."""
    near = []
    for field in ("dob", "postcode"):
        columns = representation.counted[field]
        near += [f"{columns[0]}_{side} is null" for side in "lr"] + [f"{c}_l = {c}_r" for c in columns]
        # Of the anchors these pairs are known to share the names' alone.
        near += [way for way in representation.levels[field][-1].split(" or ") if not OTHER_ANCHOR.search(way)]
    return _exclusive_or(SIDE.sub(r"\2.\1", " or ".join(near)))


def _exclusive_or(sql: str) -> str:
    """DuckDB's own word for what the levels say as a difference, and much faster."""
    return re.sub(r"\((\S+) \| (\S+)\) - \(\1 & \2\)", r"xor(\1, \2)", sql)


def _skip_large_blocks(
    con: duckdb.DuckDBPyConnection,
    versions: str,
    representation: Representation,
    hopeless: bool,
    new: str | None = None,
) -> None:
    """Fill table `skipped` and table `to_block`: what the rules read, without values that too many records share.

    new: a table of record_ids; values that none of these records has are left as they are.
    """
    con.execute("create or replace table skipped (rule varchar, blocks bigint, records bigint, pairs bigint)")
    emptied: dict[str, str] = {}
    for rule in representation.prediction_rules:
        columns = [left for left, right in EQUAL.findall(rule) if left == right]
        # A column that an earlier rule of fewer columns emptied needs no second look.
        if not columns or emptied.keys() & set(columns):
            continue
        names = ", ".join(columns)
        con.execute(
            f"""
            create or replace temp table common as
            select {names}, count(*) as records from {versions} {_of_values_in(new, versions, names)}
            where {" and ".join(f"{column} is not null" for column in columns)}
            group by {names} having count(*) > {MOST_IN_A_BLOCK}
            """
        )
        blocks = con.execute("select count(*) from common").fetchall()[0][0]
        if blocks:
            con.execute(
                f"insert into skipped select {_quoted(names)}, count(*), sum(records), sum(records * (records - 1) / 2) "
                "from common"
            )
            values = con.execute(f"select {names} from common order by all").fetchall()
            tuples = ", ".join(f"({', '.join(map(str, map(_literal, value)))})" for value in values)
            emptied[columns[0]] = f"case when ({names}) in ({tuples}) then null else {columns[0]} end as {columns[0]}"
        con.execute("drop table common")
    replaced = f" replace ({', '.join(emptied.values())})" if emptied else ""
    narrow = _columns_of_rules(representation, hopeless)
    con.register("words", signatures.words(con, versions, narrow))
    con.execute(
        f"""
        create or replace temp table to_block as
        select record_id, client_id, {", ".join(narrow)}
        from (select *{replaced} from {versions}) inner join words using (record_id)
        """
    )
    con.unregister("words")


def _of_values_in(new: str | None, versions: str, names: str) -> str:
    return (
        f"semi join (select {names} from {versions} semi join {new} using (record_id)) using ({names})" if new else ""
    )


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _literal(value: object) -> str:
    return _quoted(value) if isinstance(value, str) else str(value)


def count_term_frequencies(con: duckdb.DuckDBPyConnection, representation: Representation = TOKENS) -> None:
    """Fill tables `tf_<column>` (token, clients, present): clients who have each value, and any, by latest version."""
    for column in representation.rarities:
        con.execute(
            f"""
            create or replace table tf_{column} as
            select {column} as token, count(*) as clients, sum(count(*)) over () as present
            from versions where is_latest and {column} is not null group by 1
            """
        )


def compare(
    con: duckdb.DuckDBPyConnection,
    pairs: str,
    into: str,
    versions: str = "versions",
    representation: Representation = TOKENS,
) -> None:
    """Fill table `into` with the levels of table `pairs`.

    gamma_<field> (TINYINT, -1 missing), across (two feeds or one), and clients_<field> of present_<field>: how many
    of the clients with a value have the one that both records have (NULL where they differ).
    """
    gammas, rarities = {field: _gamma_sql(field, representation) for field in FIELDS}, representation.rarities
    if representation.is_signed:
        gammas = {field: _with_bits_counted(sql) for field, sql in gammas.items()}
        con.register("with_bits", signatures.count_bits(con, pairs, versions))
        pairs = "with_bits"
    columns = sorted({*(name for name, _ in SIDE.findall(" ".join(gammas.values()))), *rarities})
    con.execute(
        f"""
        create or replace temp table sides as
        select record_id, client_id, feed_id, {", ".join(columns)},
            {", ".join(f"tf_{name}.clients as clients_{name}" for name in rarities)}
        from {versions}
        semi join (select record_id_l as record_id from {pairs} union select record_id_r from {pairs}) using (record_id)
        {" ".join(f"left join tf_{name} on tf_{name}.token = {name}" for name in rarities)}
        """
    )
    con.execute(
        f"""
        create or replace table {into} as
        with paired as (
            select p.*, l.client_id as client_id_l, r.client_id as client_id_r, l.feed_id <> r.feed_id as across,
                {", ".join(f"l.{column} as {column}_l, r.{column} as {column}_r" for column in columns)},
                {", ".join(f"l.clients_{name} as clients_{name}" for name in rarities)}
            from {pairs} as p
            inner join sides as l on l.record_id = p.record_id_l
            inner join sides as r on r.record_id = p.record_id_r
        )
        select record_id_l, record_id_r, rule, client_id_l, client_id_r, across,
            {", ".join(f"{sql} as gamma_{field}" for field, sql in gammas.items())},
            {", ".join(f"case when {name}_l = {name}_r then clients_{name} end as clients_{name}" for name in rarities)},
            {", ".join(f"(select max(present) from tf_{name}) as present_{name}" for name in rarities)}
        from paired
        """
    )
    con.execute("drop table sides")
    if representation.is_signed:
        con.unregister("with_bits")


def _with_bits_counted(sql: str) -> str:
    """The levels' SQL with the columns of `signatures.count_bits` in place of what they stand for."""
    sql = sql.replace(NAMES_SWAPPED, signatures.NAMES_SWAPPED)
    for anchor in ANCHORS:
        sql = sql.replace(f"{anchor}_anchor_l = {anchor}_anchor_r", signatures.shared_column(anchor))
    for field, anchors in SIGNED_BY.items():
        for anchor, equal in zip(anchors, signed_equal(field, field).split(" or "), strict=True):
            bits = signatures.differing_column(field, anchor)
            sql = sql.replace(comparisons.differing(f"{field}_by_{anchor}"), bits).replace(equal, f"{bits} = 0")
    return sql


def _gamma_sql(field: str, representation: Representation) -> str:
    cases = [f"when {representation.missing(field)} then -1"]
    for gamma, condition in zip(range(top_gamma(field), 0, -1), representation.levels[field], strict=True):
        cases.append(f"when {condition} then {gamma}")
    return f"cast(case {' '.join(cases)} else 0 end as tinyint)"


def weigh(
    con: duckdb.DuckDBPyConnection, compared: str, into: str, model: Relations, representation: Representation = TOKENS
) -> None:
    """Fill table `into` with the levels of table `compared` and three columns.

    match_weight: log2 of the Bayes factor, one person against strangers. match_probability: one person against every
    other relation, with their shares. evidence: bits for one person against every other relation, strangers taken to be
    no commoner than one person: what the details say once two records are known to be near each other.
    """
    con.register("pattern_weights", _pattern_weights(model))
    rarities = representation.rarities
    rarity = ", ".join(
        f"{_rarity_sql(con, column, fields, model)} as rarity_{column}" for column, fields in rarities.items()
    )
    working = ", ".join(f"rarity_{name}, clients_{name}, present_{name}" for name in rarities)
    # Sharing a rare value speaks for a relation that shares the field, not for one that meets in it by chance.
    odds = {
        name: f"pow(2, least(60, odds_{name} - ({_rarity_of(rarities, name)})))"
        for name in RELATIONS
        if name not in PERSON
    }
    kin_odds = " + ".join(odds[name] for name in odds if name != STRANGERS)
    con.execute(
        f"""
        create or replace table {into} as
        with rare as (select *, {rarity} from {compared})
        select rare.* exclude ({working}),
            w.match_weight + {_rarity_of(rarities, STRANGERS)} as match_weight,
            1 / (1 + {kin_odds} + {odds[STRANGERS]}) as match_probability,
            -log2({kin_odds} + {odds[STRANGERS]} * stranger_prior) as evidence
        from rare
        inner join pattern_weights as w using (across, {", ".join(f"gamma_{field}" for field in FIELDS)})
        """
    )
    con.unregister("pattern_weights")


def _rarity_sql(con: duckdb.DuckDBPyConnection, column: str, fields: tuple[str, ...], model: Relations) -> str:
    """SQL: bits by which a rare shared value speaks louder than a common one. Only other people's records count."""
    own = 1 + model.partners * float(np.prod([model.m[field][top_gamma(field)] for field in fields]))
    others = f"greatest(clients - {own!r}, 1) / present"
    average = con.execute(f"select sum(clients * {others}) / sum(clients) from tf_{column}").fetchall()[0][0]
    if average is None:
        return "0"
    others = f"greatest(clients_{column} - {own!r}, 1) / present_{column}"
    return f"case when clients_{column} is null then 0 else log2({average!r} / ({others})) end"


def _rarity_of(rarities: dict[str, tuple[str, ...]], relation: str) -> str:
    """SQL: bits of rarity that speak against a relation: of the fields in which its records meet by chance."""
    met = frozenset() if relation == NAMESAKES else RELATIONS[relation]  # namesakes are the more, the commoner the name
    shares = {column: sum(field not in met for field in fields) / len(fields) for column, fields in rarities.items()}
    return " + ".join(f"{share!r} * rarity_{column}" for column, share in shares.items() if share) or "0"


def _pattern_weights(model: Relations):
    """Every pattern of levels: its match weight and, for each other relation, log2 odds of it against one person."""
    grid = relations.pattern_grid()
    tables = []
    for across in (False, True):
        person = relations.log2_person(model, across, grid)
        columns = {f"gamma_{field}": pa.array(grid[:, i], pa.int8()) for i, field in enumerate(FIELDS)}
        columns["across"] = pa.array(np.full(len(grid), across))
        columns["stranger_prior"] = np.full(
            len(grid), relations.person_share(model, across) / model.shares[STRANGERS][across]
        )
        columns["match_weight"] = relations.match_weight(model, across, grid)
        for name in RELATIONS:
            if name not in PERSON:
                columns[f"odds_{name}"] = relations.log2_share(model, name, across, grid) - person
        tables.append(pa.table(columns))
    return pa.concat_tables(tables)
