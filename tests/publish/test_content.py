"""The content digest follows rows and names, and nothing else."""

import duckdb

from pipelines.publish.content import content_digest

ROWS = [("P1", 3, 0.1 + 0.2, "2025-01-01 10:00"), ("P2", None, 1.5, "2025-01-02 11:00"), ("P2", None, 1.5, None)]


def digest(folder, name, rows, columns="person_id varchar, contacts integer, share double, started_at timestamp"):
    with duckdb.connect(str(folder / name)) as connection:
        connection.execute("create schema marts")
        connection.execute(f"create table marts.people ({columns})")
        for row in rows:
            connection.execute("insert into marts.people values (?, ?, ?, ?)", row)
            connection.execute("checkpoint")
    return content_digest(folder / name)


def test_the_same_rows_in_another_order_have_the_same_digest(tmp_path):
    assert digest(tmp_path, "a.duckdb", ROWS) == digest(tmp_path, "b.duckdb", reversed(ROWS))


def test_the_order_in_which_a_sum_was_made_does_not_show(tmp_path):
    other = [("P1", 3, 0.3, "2025-01-01 10:00"), *ROWS[1:]]
    assert ROWS[0][2] != other[0][2]
    assert digest(tmp_path, "a.duckdb", ROWS) == digest(tmp_path, "b.duckdb", other)


def test_a_row_more_a_row_twice_an_empty_value_and_another_name_each_change_it(tmp_path):
    columns = "person_id varchar, contacts integer, part double, started_at timestamp"
    digests = {
        digest(tmp_path, "a.duckdb", ROWS)["marts.people"],
        digest(tmp_path, "b.duckdb", ROWS[:2])["marts.people"],
        digest(tmp_path, "c.duckdb", [*ROWS, ROWS[0]])["marts.people"],
        digest(tmp_path, "d.duckdb", [(None, *ROWS[0][1:]), *ROWS[1:]])["marts.people"],
        digest(tmp_path, "e.duckdb", [("", *ROWS[0][1:]), *ROWS[1:]])["marts.people"],
        digest(tmp_path, "f.duckdb", ROWS, columns)["marts.people"],
    }
    assert len(digests) == 6


def test_values_do_not_run_into_their_neighbours(tmp_path):
    columns = "a varchar, b varchar, c varchar, d varchar"
    left = digest(tmp_path, "a.duckdb", [('x","y', "z", None, None)], columns)
    assert left != digest(tmp_path, "b.duckdb", [("x", 'y","z', None, None)], columns)
