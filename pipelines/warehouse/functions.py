"""The functions in Python that SQL files may call, for what a library or a long rule does and SQL does badly.

Lists of numbers in, lists out. What they work out is in the modules that they name; here are their SQL types only.
"""

from dataclasses import asdict

import duckdb

from pipelines.run_chart import run_chart
from pipelines.warehouse.concentration import chance_shares, top_shares
from pipelines.warehouse.funnel import funnel

POINT = {"value": "DOUBLE", "mean": "DOUBLE", "lower": "DOUBLE", "upper": "DOUBLE", "cause": "VARCHAR"}
AREA = dict.fromkeys(["ratio", "lower", "upper", "lower_95", "upper_95", "spread"], "DOUBLE")


def register(connection: duckdb.DuckDBPyConnection) -> None:
    """Gives a connection the functions."""
    for name, function, takes, gives in (
        ("run_chart", lambda values: [asdict(point) for point in run_chart(values)], ["DOUBLE[]"], _structs(POINT)),
        ("top_shares", top_shares, ["BIGINT[]", "BIGINT[]", "BIGINT"], "DOUBLE[]"),
        ("chance_shares", chance_shares, ["BIGINT[]", "BIGINT[]", "BIGINT[]"], "DOUBLE[][]"),
        (
            "funnel",
            lambda observed, expected: [asdict(area) for area in funnel(observed, expected)],
            ["DOUBLE[]", "DOUBLE[]"],
            _structs(AREA),
        ),
    ):
        connection.create_function(name, function, takes, gives, null_handling="special")


def _structs(fields: dict[str, str]) -> str:
    return f"STRUCT({', '.join(f'{name} {kind}' for name, kind in fields.items())})[]"
