"""Reads the files under sql/: one file is one table, and all its documentation stands in it.

A file starts with comment lines that say what a row is, ends them if it can with `-- Key: column, column`, and is one
query. A board table says before its key what adds up to what (STATEMENTS; pipelines/publish/sums.py has their meaning). In its outermost SELECT (the first one of a UNION) each column ends its line with one comment, which may begin
with a role in brackets for disclosure control. Here the text is read and checked, never changed and never run: the
parser is asked for tables and column names only, because it moves comments about; comments are taken from the gaps
between its tokens.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from graphlib import CycleError, TopologicalSorter
from hashlib import sha256
from pathlib import Path

import sqlglot
from sqlglot import exp
from sqlglot.dialects import DuckDB
from sqlglot.errors import SqlglotError
from sqlglot.tokens import Token, TokenType

ROLES = ("label", "people", "count", "rate", "minutes", "agencies")
STATEMENTS = ("Counts", "Adds up", "Within")

TableName = tuple[str, str]

_ROLE = re.compile(r"\[(\w*)\]\s*(.*)")
_KEY = re.compile(r"key:\s*(.+)", re.IGNORECASE)
_STATEMENT = re.compile(rf"({'|'.join(STATEMENTS)}):\s*(.+)")
_OPENING = {TokenType.L_PAREN, TokenType.L_BRACKET, TokenType.L_BRACE}
_CLOSING = {TokenType.R_PAREN, TokenType.R_BRACKET, TokenType.R_BRACE}
_ENDS_OF_LIST = {TokenType.FROM, TokenType.UNION, TokenType.EXCEPT, TokenType.INTERSECT, TokenType.SEMICOLON}


class SqlFileError(ValueError):
    """A file under sql/ that cannot be used; the message says where and what to do."""


@dataclass(frozen=True)
class Column:
    """A column's name, its comment and its role for disclosure control (one of ROLES, or None)."""

    name: str
    comment: str
    role: str | None = None


@dataclass(frozen=True)
class Gathered:
    """Several tables that a file may read as one: a name without a file, the tables, and the query that joins them."""

    name: TableName
    members: frozenset[TableName]
    query: str


@dataclass(frozen=True)
class SqlFile:
    """One table: its query as written, what a row is, its columns in order, and the tables that it reads.

    gathered: what it reads of several tables as one; these are among the dependencies.
    statements: what its header says in lines of their own, each with one of STATEMENTS.
    """

    path: Path
    schema: str
    table: str
    text: str
    description: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    dependencies: frozenset[TableName]
    gathered: tuple[Gathered, ...] = ()
    statements: tuple[tuple[str, str], ...] = ()

    @property
    def name(self) -> TableName:
        return self.schema, self.table

    @property
    def digest(self) -> str:
        queries = [self.text, *(view.query for view in self.gathered)]
        return sha256("\0".join(queries).encode()).hexdigest()


def load_folder(folder: Path, inputs: set[TableName], gathered: Iterable[Gathered] = ()) -> list[SqlFile]:
    """Every file <folder>/<schema>/<table>.sql, each after the tables that it reads.

    `inputs` are the tables that are there without a file, `gathered` what can be read of several as one. Raises SqlFileError for a file that cannot be read, for a
    table that neither has a file nor is an input, and for tables that read each other in a circle.
    """
    views = tuple(gathered)
    files = {
        file.name: file for path in sorted(folder.glob("*/*.sql")) for file in [_gathering(load_file(path), views)]
    }
    for file in files.values():
        for schema, table in sorted(file.dependencies - files.keys() - inputs):
            raise SqlFileError(
                f"{_place(file.path)}: there is no table {schema}.{table}; add {schema}/{table}.sql or correct the name"
            )
    order = TopologicalSorter({name: file.dependencies & files.keys() for name, file in files.items()})
    try:
        return [files[name] for name in order.static_order()]
    except CycleError as error:
        circle = " -> ".join(".".join(name) for name in error.args[1])
        raise SqlFileError(f"tables read each other in a circle: {circle}; break it") from None


def _gathering(file: SqlFile, views: tuple[Gathered, ...]) -> SqlFile:
    """The file with the tables behind what it reads as one in place of that."""
    read = tuple(view for view in views if view.name in file.dependencies)
    behind = {member for view in read for member in view.members}
    return replace(file, dependencies=file.dependencies - {view.name for view in read} | behind, gathered=read)


def load_file(path: Path) -> SqlFile:
    """Reads and checks one file. Raises SqlFileError with file, line and what to do."""
    text = path.read_text(encoding="utf-8")
    tokens, query = _parse(path, text)
    description, key, statements = _header(path, text)
    columns = _columns(path, text, tokens, query)
    for name in sorted(set(key) - {column.name for column in columns}):
        raise SqlFileError(f"{_place(path)}: the key names {name}, which is not a column; correct the 'Key:' line")
    read = _dependencies(path, query)
    return SqlFile(path, path.parent.name, path.stem, text, description, key, columns, read, statements=statements)


def _parse(path: Path, text: str) -> tuple[list[Token], exp.Query]:
    try:
        tokens = DuckDB().tokenize(text)
        queries = sqlglot.parse(text, dialect="duckdb")
    except SqlglotError as error:
        detail = error.errors[0] if getattr(error, "errors", None) else {}
        reason = str(detail.get("description") or str(error).splitlines()[0])
        raise SqlFileError(f"{_place(path, detail.get('line'))}: cannot be parsed: {reason}; correct the SQL") from None
    if len(queries) != 1 or not isinstance(queries[0], exp.Query):
        raise SqlFileError(f"{_place(path)}: holds something other than one SELECT; put one query in each file")
    return tokens, queries[0]


def _header(path: Path, text: str) -> tuple[str, tuple[str, ...], tuple[tuple[str, str], ...]]:
    """Description, key and statements."""
    lines = []
    for line in text.splitlines():
        if not line.startswith("--"):
            break
        lines.append(line[2:].strip())
    key: tuple[str, ...] = ()
    if lines and (match := _KEY.fullmatch(lines[-1])):
        key = tuple(name.strip() for name in match[1].split(","))
        lines.pop()
    statements = tuple((match[1], match[2]) for line in lines if (match := _STATEMENT.fullmatch(line)))
    description = " ".join(line for line in lines if line and not _STATEMENT.fullmatch(line))
    if not description:
        raise SqlFileError(
            f"{_place(path, 1)}: does not start with a comment; say in one or two sentences what a row is"
        )
    return description, key, statements


def _columns(path: Path, text: str, tokens: list[Token], query: exp.Query) -> tuple[Column, ...]:
    names = query.named_selects
    if not all(names) or "*" in names:
        raise SqlFileError(
            f"{_place(path)}: a column of the outermost SELECT has no name; "
            "write every column out, with a name and no star"
        )
    columns = tuple(_column(path, text, name, item) for name, item in zip(names, _select_list(tokens), strict=True))
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise SqlFileError(f"{_place(path)}: column {repeated[0]} appears twice; rename one of them")
    return columns


def _select_list(tokens: list[Token]) -> list[tuple[list[Token], Token | None]]:
    """Each column of the outermost SELECT: its tokens (with its comma) and the token after them."""
    depth, items, inside = 0, [[]], False
    for before, token in zip([None, *tokens], tokens, strict=False):
        depth += (token.token_type in _OPENING) - (token.token_type in _CLOSING)
        if not inside:
            inside = depth == 0 and token.token_type is TokenType.SELECT
            continue
        compares = before.token_type is TokenType.DISTINCT  # is distinct from
        if depth == 0 and token.token_type in _ENDS_OF_LIST and not compares:
            return list(zip(items, [item[0] for item in items[1:]] + [token], strict=True))
        items[-1].append(token)
        if depth == 0 and token.token_type is TokenType.COMMA:
            items.append([])
    return list(zip(items, [item[0] for item in items[1:]] + [None], strict=True))


def _column(path: Path, text: str, name: str, item: tuple[list[Token], Token | None]) -> Column:
    tokens, following = item
    line = tokens[-1].line
    between = [*tokens[1:], following]
    comments = [
        comment
        for token, after in zip(tokens, between, strict=True)
        for comment in _comments(text[token.end + 1 : after.start if after else len(text)])
    ]
    if not comments:
        raise SqlFileError(f"{_place(path, line)}: column {name} has no comment; end its line with '-- what it means'")
    if len(comments) > 1:
        raise SqlFileError(
            f"{_place(path, line)}: column {name} has {len(comments)} comments; "
            "keep one, on the line where the column ends"
        )
    comment, same_line = comments[0]
    if not same_line or following and following.line == line:
        raise SqlFileError(
            f"{_place(path, line)}: column {name} does not stand on a line of its own with its comment; "
            "put each column on its own line and end that line with its comment"
        )
    match = _ROLE.match(comment)
    role, meaning = (match[1], match[2]) if match else (None, comment)
    if role is not None and role not in ROLES:
        raise SqlFileError(
            f"{_place(path, line)}: column {name} has the unknown role [{role}]; use one of {', '.join(ROLES)}"
        )
    if not meaning:
        raise SqlFileError(f"{_place(path, line)}: the comment of column {name} is empty; say what the column means")
    return Column(name, meaning, role)


def _comments(gap: str) -> list[tuple[str, bool]]:
    """Comments in the text between two tokens, each with whether it stands on the first token's line."""
    return [
        (line.split("--", 1)[1].strip(), number == 0) for number, line in enumerate(gap.splitlines()) if "--" in line
    ]


def _dependencies(path: Path, query: exp.Query) -> frozenset[TableName]:
    named_here = {cte.alias_or_name for cte in query.find_all(exp.CTE)}
    found = set()
    for table in query.find_all(exp.Table):
        if not isinstance(table.this, exp.Identifier):
            continue
        if table.db:
            found.add((table.db, table.name))
        elif table.name not in named_here:
            raise SqlFileError(
                f"{_place(path)}: reads {table.name} without a schema; "
                f"write <schema>.{table.name}, or define it in a WITH"
            )
    return frozenset(found)


def _place(path: Path, line: int | None = None) -> str:
    where = "/".join(path.parts[-3:])
    return f"{where}, line {line}" if line else where
