"""Reading SQL files: where documentation is taken from, and what is refused with which words."""

import pytest

from pipelines.settings import Settings
from pipelines.warehouse.database import load_sql
from pipelines.warehouse.sqlfile import Column, Gathered, SqlFileError, load_file, load_folder

HEADER = "-- One row per person.\n-- Key: person_id\n"


@pytest.fixture
def write(tmp_path):
    """write(text, name): puts a file under a folder of SQL files and returns its path."""

    def write_file(text, name="marts/people"):
        path = tmp_path / f"{name}.sql"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    return write_file


def test_a_file_says_what_it_is_what_it_reads_and_what_each_column_means(write):
    text = (
        "-- One row per person,\n-- living or not.\n-- Key: person_id\n"
        "with living as ( -- the living – and £s\n"
        "    select person_id, name from staging.people where not exists (select 1 from staging.deaths)\n"
        "),\n"
        "other as (select * from living)\n"
        "select\n"
        "    living.person_id, -- Linked person\n"
        "    count(distinct living.name) as people, -- [people] How many, or £ -- whatever\n"
        "    case when 'a, -- b' = name\n"
        "        then 1 end as flag -- A flag; it's set\n"
        "from living, other inner join reference.needs as n on n.need = (select max(x, y) from journeys.spells)\n"
        "group by all\n"
    )
    file = load_file(write(text))
    assert (file.schema, file.table, file.text) == ("marts", "people", text)
    assert file.description == "One row per person, living or not."
    assert file.key == ("person_id",)
    assert file.columns == (
        Column("person_id", "Linked person"),
        Column("people", "How many, or £ -- whatever", "people"),
        Column("flag", "A flag; it's set"),
    )
    assert file.dependencies == {
        ("staging", "people"), ("staging", "deaths"), ("reference", "needs"), ("journeys", "spells")
    }  # fmt: skip


def test_what_adds_up_stands_in_lines_of_their_own_and_is_no_description(write):
    file = load_file(
        write(
            "-- One row per need: counts\n-- of people.\n-- Counts: by need\n-- Adds up: need to 'All', people once\n"
            "-- Within: people in contacts\n-- Key: need\n"
            "select\n    need, -- [label] Need\n    people, -- [people] People\n    contacts, -- [count] Contacts\n"
            "    agencies -- [agencies] Agencies\nfrom a.b\n"
        )
    )
    assert file.description == "One row per need: counts of people."
    assert file.statements == (
        ("Counts", "by need"), ("Adds up", "need to 'All', people once"), ("Within", "people in contacts"),
    )  # fmt: skip
    assert (file.key, file.columns[-1].role) == (("need",), "agencies")


def test_a_comparison_with_from_does_not_end_the_columns(write):
    file = load_file(write(
        HEADER + "select\n    person_id, -- Linked person\n    a is not distinct from b as same, -- Whether alike\n"
        "    extract(year from c) as year -- Year\nfrom a.b;\n"
    ))  # fmt: skip
    assert [column.comment for column in file.columns] == ["Linked person", "Whether alike", "Year"]


def test_the_columns_of_a_union_are_documented_in_its_first_select(write):
    file = load_file(write(
        HEADER + "select\n    person_id -- Linked person\nfrom a.b\nunion all\nselect\n    person_id\nfrom a.c\n"
    ))  # fmt: skip
    assert file.columns == (Column("person_id", "Linked person"),)
    assert file.dependencies == {("a", "b"), ("a", "c")}


FAULTS = {
    "A file without a header": (
        "select\n    1 as person_id -- One\n",
        "marts/people.sql, line 1: does not start with a comment; say in one or two sentences what a row is",
    ),
    "A header that is a key only": (
        "-- Key: person_id\nselect\n    1 as person_id -- One\n",
        "line 1: does not start with a comment",
    ),
    "A column without a comment": (
        HEADER + "select\n    person_id, -- Linked person\n    name,\n    sex -- Sex\nfrom a.b\n",
        "line 5: column name has no comment; end its line with '-- what it means'",
    ),
    "A last column without a comment": (
        HEADER + "select\n    person_id, -- Linked person\n    name\nfrom a.b\n",
        "line 5: column name has no comment",
    ),
    "A comment that goes on in a second line": (
        HEADER + "select\n    person_id, -- Linked\n    -- person\n    name -- Name\nfrom a.b\n",
        "line 4: column person_id has 2 comments; keep one",
    ),
    "A comment above its column": (
        HEADER + "select\n    -- Linked person\n    person_id, name -- Name\nfrom a.b\n",
        "line 5: column person_id",
    ),
    "A comment inside a column": (
        HEADER + "select\n    case when x -- why\n        then 1 end as person_id -- Linked person\nfrom a.b\n",
        "column person_id has 2 comments",
    ),
    "A comment on the line below its column": (
        HEADER + "select\n    person_id\n    -- Linked person\nfrom a.b\n",
        "line 4: column person_id does not stand on a line of its own with its comment",
    ),
    "Two columns on one line": (
        HEADER + "select\n    person_id, name -- Both\nfrom a.b\n",
        "line 4: column person_id has no comment",
    ),
    "An empty comment": (
        HEADER + "select\n    person_id -- [people]\nfrom a.b\n",
        "line 4: the comment of column person_id is empty; say what the column means",
    ),
    "A role that does not exist": (
        HEADER + "select\n    person_id -- [persons] People\nfrom a.b\n",
        "line 4: column person_id has the unknown role [persons]; use one of label, people, count, rate, minutes",
    ),
    "A star": (
        HEADER + "select\n    person_id, -- Linked person\n    * -- All\nfrom a.b\n",
        "a column of the outermost SELECT has no name; write every column out",
    ),
    "A column without a name": (
        HEADER + "select\n    person_id, -- Linked person\n    1 + 1 -- Two\nfrom a.b\n",
        "a column of the outermost SELECT has no name",
    ),
    "A column twice": (
        HEADER + "select\n    person_id, -- Linked person\n    person_id -- Linked person\nfrom a.b\n",
        "column person_id appears twice; rename one of them",
    ),
    "A key that is not a column": (
        "-- One row.\n-- Key: spell_id\nselect\n    person_id -- Linked person\nfrom a.b\n",
        "the key names spell_id, which is not a column; correct the 'Key:' line",
    ),
    "A table without a schema": (
        HEADER + "select\n    person_id -- Linked person\nfrom people\n",
        "reads people without a schema; write <schema>.people, or define it in a WITH",
    ),
    "Two queries": (
        HEADER + "select\n    1 as person_id -- One\n;\nselect 2",
        "holds something other than one SELECT; put one query in each file",
    ),
    "Something else than a query": (
        HEADER + "create table a.b as select 1 as person_id -- One\n",
        "holds something other than one SELECT",
    ),
    "SQL that is none": (
        HEADER + "select\n    count( as person_id -- One\nfrom a.b\n",
        "cannot be parsed",
    ),
}


@pytest.mark.parametrize(("text", "message"), FAULTS.values(), ids=FAULTS)
def test_faults(write, text, message):
    with pytest.raises(SqlFileError) as error:
        load_file(write(text))
    assert message in str(error.value)
    assert str(error.value).startswith(("marts/people.sql",)) or "/marts/people.sql" in str(error.value)


def select_from(table):
    return HEADER + f"select\n    person_id -- Linked person\nfrom {table}\n"


def test_a_folder_is_put_in_the_order_in_which_it_can_be_built(write, tmp_path):
    write(select_from("staging.people"), "marts/people")
    write(select_from("staging.records"), "staging/people")
    write(select_from("accepted.attributes"), "staging/records")
    files = load_folder(tmp_path, {("accepted", "attributes")})
    assert [file.table for file in files] == ["records", "people", "people"]


def test_what_is_gathered_of_several_tables_comes_after_each_of_them(write, tmp_path):
    write(select_from("feeds.rows"), "staging/all_rows")
    write(select_from("accepted.attributes"), "staging/second")
    write(select_from("accepted.attributes"), "staging/first")
    both = Gathered(
        ("feeds", "rows"),
        frozenset({("staging", "first"), ("staging", "second")}),
        "from staging.first union all from staging.second",
    )
    *others, last = load_folder(tmp_path, {("accepted", "attributes")}, [both])
    assert {file.table for file in others} == {"first", "second"}
    assert last.table == "all_rows" and last.gathered == (both,) and last.dependencies == both.members


def test_a_table_that_nobody_makes_is_refused_with_its_name(write, tmp_path):
    write(select_from("staging.persons"))
    with pytest.raises(SqlFileError, match=r"there is no table staging.persons; add staging/persons.sql or correct"):
        load_folder(tmp_path, set())


def test_tables_that_read_each_other_are_refused(write, tmp_path):
    write(select_from("marts.b"), "marts/a")
    write(select_from("marts.a"), "marts/b")
    with pytest.raises(
        SqlFileError, match=r"read each other in a circle: marts\.\w -> marts\.\w -> marts\.\w; break it"
    ):
        load_folder(tmp_path, set())


def test_every_file_of_the_project_states_its_key_and_every_board_column_its_role():
    files = load_sql(Settings())
    assert [file.name for file in files if not file.key] == []
    without_role = [(f.table, c.name) for f in files if f.schema == "board" for c in f.columns if not c.role]
    assert without_role == []
