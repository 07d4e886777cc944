"""Where each column comes from: the columns of other tables that its value is worked out from, read from the SQL itself.

sqlglot follows names through a file's CTEs; here is what it needs to do so: queries that several tables are read through,
whole rows taken as one value (`arg_min(steps, position)`), and rows that are counted rather than values. What only
decides which rows there are (joins, filters, groups) is not where a value comes from. Nothing here is run.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.lineage import Node, lineage
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import Scope, build_scope, traverse_scope

from pipelines.warehouse.sqlfile import SqlFile, SqlFileError, TableName

Source = tuple[str, str, str | None]  # schema, table, column; no column where the table's rows are counted
Columns = Mapping[TableName, Sequence[str]]


def column_sources(file: SqlFile, columns: Columns) -> dict[str, list[Source]]:
    """Every column of a file's table with what it is worked out from, sorted; nothing for one that is made of nothing.

    columns: those of every table that the file reads. Raises SqlFileError where the names in it lead nowhere.
    """
    read = tuple((name, tuple(columns.get(name, ()))) for name in sorted(file.dependencies))
    return _column_sources(file, read)


def origins(sources: Mapping[Source, Iterable[Source]], column: Source) -> set[Source]:
    """What a column comes from in the end: columns of tables that no SQL file makes, and rows that are counted."""
    found, seen, ahead = set(), {column}, [column]
    while ahead:
        at = ahead.pop()
        if at not in sources:
            found.add(at)
        for source in sources.get(at, ()):
            if source not in seen:
                seen.add(source)
                ahead.append(source)
    return found - {column}


@lru_cache(maxsize=1000)
def _column_sources(file: SqlFile, read: tuple[tuple[TableName, tuple[str, ...]], ...]) -> dict[str, list[Source]]:
    spelled = {(*name, column.lower()): (*name, column) for name, columns in read for column in columns}
    schema: dict[str, dict[str, dict[str, str]]] = {}
    for (folder, table), columns in read:
        schema.setdefault(folder, {})[table] = dict.fromkeys(columns, "VARCHAR")
    try:
        tree = _with_rows_spread(_with_views_inside(file), dict(read))
        tree = qualify(tree, schema=schema, dialect="duckdb", validate_qualify_columns=False)
        scope = build_scope(tree)
        nodes = lineage(None, tree, schema, dialect="duckdb", scope=scope, trim_selects=False, copy=False)
    except (SqlglotError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise SqlFileError(f"{file.schema}/{file.table}.sql: cannot follow where columns come from: {reason}") from None
    return {
        column.name: sorted({spelled.get(source, source) for source in _sources(nodes[name], tree)}, key=str)
        for column, name in zip(file.columns, nodes, strict=True)
    }


def _with_views_inside(file: SqlFile) -> exp.Query:
    tree = sqlglot.parse_one(file.text, dialect="duckdb")
    views = {view.name: view.query for view in file.gathered}
    for table in list(tree.find_all(exp.Table)):
        if query := views.get((table.db, table.name)):
            inside = sqlglot.parse_one(query, dialect="duckdb")
            table.replace(exp.Subquery(this=inside, alias=exp.TableAlias(this=exp.to_identifier(table.alias_or_name))))
    for select in tree.find_all(exp.Select):
        _tell_apart(select)
    return tree


def _tell_apart(select: exp.Select) -> None:
    """Two tables of one name in different schemas, joined: the second by another name."""
    names: set[str] = set()
    for part in [select.args.get("from_"), *select.args.get("joins", [])]:
        if part and isinstance(part.this, exp.Table):
            if part.this.alias_or_name in names:
                part.this.set("alias", exp.TableAlias(this=exp.to_identifier(f"{part.this.db}_{part.this.name}")))
            names.add(part.this.alias_or_name)


def _with_rows_spread(tree: exp.Query, columns: Columns) -> exp.Query:
    """Each column that holds a whole row of a table as one column a field, named <column>.<field>."""
    spread: set[str] = set()
    for scope in traverse_scope(tree):
        if not isinstance(scope.expression, exp.Select):
            continue
        _take_fields(scope, spread)
        selected = []
        for item in scope.expression.expressions:
            fields = _fields_of_row(item, scope, columns)
            spread |= {f"{item.alias_or_name}.{field}" for field in fields}
            selected += [_field_of(item, scope, field) for field in fields] or [item]
        scope.expression.set("expressions", selected)
    return tree


def _take_fields(scope: Scope, spread: set[str]) -> None:
    """`door.agency` where door is a row that was spread: the column of that name."""
    rows = {name.partition(".")[0]: name for name in sorted(spread, reverse=True)}
    known = {name for source in _read(scope).values() for name in _columns_of(source, {})}
    for column in list(scope.columns):
        field = f"{column.table}.{column.name}"
        if column.table not in _read(scope) and field in spread:
            column.replace(exp.column(exp.to_identifier(field, quoted=True)))
        elif not column.table and column.name in rows and column.name not in {*known, *_read(scope)}:
            column.replace(exp.column(exp.to_identifier(rows[column.name], quoted=True)))


def _fields_of_row(item: exp.Expression, scope: Scope, columns: Columns) -> list[str]:
    """Columns of the table whose rows an item of a SELECT takes whole; none where it takes single columns."""
    for column in item.find_all(exp.Column):
        source = _read(scope).get(column.name)
        if source is not None and not column.table and column.name not in _columns_of(source, columns):
            return _columns_of(source, columns)
    return []


def _field_of(item: exp.Expression, scope: Scope, field: str) -> exp.Expression:
    taken = exp.alias_(item.unalias().copy(), exp.to_identifier(f"{item.alias_or_name}.{field}", quoted=True))
    for column in list(taken.find_all(exp.Column)):
        if not column.table and column.name in _read(scope):
            column.replace(exp.column(field, table=column.name))
    return taken


def _read(scope: Scope) -> dict[str, exp.Table | Scope]:
    """What a SELECT has behind FROM and JOIN, by the name it has there."""
    return {name: source for name, (_, source) in scope.selected_sources.items()}


def _columns_of(source: exp.Table | Scope, columns: Columns) -> list[str]:
    if isinstance(source, exp.Table):
        return list(columns.get((source.db, source.name), ()))
    return source.expression.named_selects


def _sources(node: Node, tree: exp.Query) -> set[Source]:
    found: set[Source] = set()
    counted: set[Source] = set()
    for step in node.walk():
        table = step.expression
        if isinstance(table, exp.Table) and table.db:
            found.add((table.db, table.name, step.name.rpartition(".")[2].strip('"').lower()))
        elif isinstance(step.source, exp.Select) and table.find(exp.AggFunc, exp.RowNumber):
            rows = {(*name, None) for name in _rows_of(step.source, tree)}
            found |= rows if table.find(exp.RowNumber) or any(map(_of_rows, table.find_all(exp.Count))) else set()
            counted |= rows
    return found or counted


def _of_rows(count: exp.Count) -> bool:
    return isinstance(count.this, exp.Star)


def _rows_of(query: exp.Expression, tree: exp.Query) -> Iterator[TableName]:
    """The tables that a query has its rows from, leaving out those that are joined to them."""
    if isinstance(query, exp.SetOperation):
        yield from _rows_of(query.left, tree)
        yield from _rows_of(query.right, tree)
    elif isinstance(query, exp.Subquery):
        yield from _rows_of(query.this, tree)
    elif isinstance(query, exp.Select) and query.args.get("from_"):
        yield from _rows_of(query.args["from_"].this, tree)
    elif isinstance(query, exp.Table) and query.db:
        yield query.db, query.name
    elif isinstance(query, exp.Table):
        inside = [cte.this for cte in tree.find_all(exp.CTE) if cte.alias == query.name]
        yield from _rows_of(inside[0], tree) if inside else ()
