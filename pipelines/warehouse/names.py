"""How names and values are written in SQL. Nothing here knows a table."""

from pipelines.warehouse.sqlfile import TableName


def identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def literal(value: str | float) -> str:
    return str(value) if isinstance(value, int | float) else "'" + value.replace("'", "''") + "'"


def qualified(name: TableName) -> str:
    return f"{identifier(name[0])}.{identifier(name[1])}"
