"""The page says what board.duckdb says, and nothing else; it stands alone; a browser shows it without complaint."""

import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import duckdb
import pytest

from pipelines.board import words
from pipelines.board.pack import monthly_totals, render_pack
from pipelines.publish.tables import board_roles
from pipelines.settings import Settings

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


class Page(HTMLParser):
    """Visible text by the id of the nearest element that has one, every attribute, and the cells of tables."""

    def __init__(self, html: str):
        super().__init__()
        self.texts: dict[str, str] = {}
        self.attributes: list[tuple[str, str, str]] = []
        self._open: list[tuple[str, str]] = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.attributes += [(tag, name, value or "") for name, value in attrs.items()]
        if tag not in ("meta", "link", "br"):
            self._open.append((tag, attrs.get("id") or (self._open[-1][1] if self._open else "")))

    def handle_endtag(self, tag):
        while self._open and self._open.pop()[0] != tag:
            pass

    def handle_data(self, data):
        if self._open and self._open[-1][0] not in ("style", "title", "desc", "text"):
            self.texts[self._open[-1][1]] = " ".join(f"{self.texts.get(self._open[-1][1], '')} {data}".split())

    @property
    def text(self) -> str:
        return " ".join(self.texts.values())


@pytest.fixture(scope="module")
def pack(board, facts, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("pack") / "board_pack.html"
    render_pack(board, path, facts)
    return path


@pytest.fixture(scope="module")
def html(pack) -> str:
    return pack.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(html) -> Page:
    return Page(html)


def rows(board: Path, sql: str) -> list[tuple]:
    with duckdb.connect(str(board), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def test_every_headline_stands_in_words_with_its_band(page, board):
    published = rows(board, "select headline_id, unit, people, people_low, people_high, contacts, contacts_low, "
                            "contacts_high, minutes, withheld_reason from board.headlines")  # fmt: skip
    assert len(published) == 7
    for (
        name,
        unit,
        people,
        people_low,
        people_high,
        contacts,
        contacts_low,
        contacts_high,
        minutes,
        reason,
    ) in published:
        text = page.texts[name]
        if reason:
            assert "Withheld" in text and f"({reason})" in text and not re.search(r"About|[0-9]+,", text), name
            continue
        figure = {"people": people, "contacts": contacts, "minutes": 5 * round((minutes or 0) / 60 / 5)}[unit]
        assert f"About {figure:,.0f} " in text, name
        low, high = (people_low, people_high) if unit == "people" else (contacts_low, contacts_high)
        if low != high:
            assert f"the true number is likely between {low:,} and {high:,}" in text, name


def test_a_share_of_another_headline_is_the_one_that_a_reader_can_work_out(page):
    assert "3% of all people seen" in page.texts["people_who_cycle"]  # 1,240 of 41,205
    assert "9% of all contacts" in page.texts["contacts_of_people_who_cycle"]  # 27,140 of 301,550
    assert "4% of all A&E stays" in page.texts["ae_stays_12_hours"]  # 4,520 of 110,305


def headline(people: int, base: int) -> dict:
    """A published row of board.headlines that counts people of a base."""
    return {"unit": "people", "share_of": "people seen", "people": people, "people_in_base": people,
            "people_base": base}  # fmt: skip


def test_a_share_that_rounding_would_make_is_not_printed():
    assert words.of_all(headline(8_570, 10_000)) == "86% of all people seen"
    assert words.of_all(headline(10, 2_000)) == "less than 1% of all people seen"
    assert words.of_all(headline(0, 2_000)) == "0% of all people seen"  # 0 people are published as they are
    assert words.of_all(headline(2_000, 2_000)) == "nearly 100% of all people seen"
    assert words.of_all(headline(10, 15)) == ""  # 8 of 17 and 12 of 13 look the same
    assert words.of_all(headline(None, None)) == ""


def test_a_share_of_other_counts_than_the_headlines_says_which():
    row = headline(45, 130) | {"people": 50}
    assert words.of_all(row) == "35% of all people seen (45 of 130)"


def test_a_bar_that_is_withheld_is_a_word_and_not_a_length(html):
    doors = html[html.index('id="figure-3"') :]
    cells = re.findall(r'<td role="cell" class="withheld"[^>]*>([^<]*)</td>', doors)
    assert cells == ["withheld", "withheld"]  # social care's part of two needs is of few people


def test_no_total_is_given_of_which_a_part_is_withheld(board_tables):
    shown = [row | {"withheld_reason": None} for row in board_tables["handoffs"]]
    assert "of all hand-offs" in words.handoffs_reading(shown)
    withheld = {"handoffs": None, "people": None, "withheld_reason": "fewer than 8 people"}
    reading = words.handoffs_reading([*shown[:-1], shown[-1] | withheld])
    assert reading == "The most frequent hand-off of those that can be shown is from police to A&E, about 4,512."
    doors = [row | {"withheld_reason": None} for row in board_tables["first_missed_doors"]]
    assert "about 402 of 561 spells, of" in words.doors_reading(doors)
    doors[2] |= {"spells": None, "people": None, "withheld_reason": "fewer than 8 people"}
    assert "about 402 spells, of" in words.doors_reading(doors)


def test_the_brief_repeats_the_headlines(page):
    assert "About 1,240 people go round between services in crisis, 3% of all people seen " in page.text
    assert "(the true number is likely between 1,180 and 1,300)" in page.text


def test_each_chart_has_a_reading_that_the_database_gives_too(page, board):
    ((start, end, most),) = rows(
        board,
        "select from_label, to_label, sum(handoffs)::int from board.handoffs group by all order by 3 desc limit 1",
    )
    assert (
        f"hand-off of those that can be shown is from {start.lower()} to {end}, about {most:,}."
        in page.texts["figure-2"]
    )
    ((door, spells, people),) = rows(
        board, "select door_label, spells, people from board.first_missed_doors order by spells desc limit 1"
    )
    assert f"was most often with {door.lower()}: about {spells:,} of" in page.texts["figure-3"]
    assert f"of about {people:,} people" in page.texts["figure-3"]
    ((cycling, contacts),) = rows(
        board, "select sum(contacts_of_people_who_cycle)::int, sum(contacts)::int from board.monthly_contacts "
        "where month = '2025-12'"
    )  # fmt: skip
    assert f"In December 2025, about {cycling:,} of {contacts:,} contacts" in page.texts["figure-1"]


def test_each_chart_has_a_caveat_a_data_table_and_a_text_alternative(html):
    for number in (1, 2, 3):
        figure = html.split(f'<figure id="figure-{number}"')[1].split("</figure>")[0]
        assert 'class="caveat"' in figure and "<details>" in figure and "<table>" in figure
        for image in re.findall(r"<svg[^>]*>.*?</desc>", figure, re.DOTALL):
            assert 'role="img"' in image
            title = re.search(r'aria-labelledby="([^"]+)"', image)[1]
            assert f'<title id="{title}">' in image
            assert len(re.search(r"<desc[^>]*>(.*)</desc>", image)[1]) > 40


NOT_FIGURES = (
    r"\b[A-Z][a-z]+ 20\d\d\b|\b20\d\d-\d\d\b|\bFigure \d\b|\bfewer than 8 people\b|\bwithin 28 days\b"
    r"|\brounded to 5\b|\b\d+ rows? (?:is|are) withheld\b"
)
SUMS = (
    "select sum(contacts)::int, sum(contacts_of_people_who_cycle)::int from board.monthly_contacts group by month",
    "select sum(handoffs)::int from board.handoffs group by from_label, to_label",
    "select sum(handoffs)::int from board.handoffs",
    "select sum(spells)::int from board.first_missed_doors group by need_label",
    "select (5 * round(minutes / 300))::int from board.headlines where unit = 'minutes'",  # in hours, of 5
)
SHARES = (
    "select people_in_base, people_base from board.headlines where unit = 'people'",
    "select contacts_in_base, contacts_base from board.headlines where unit = 'contacts'",
    (
        "select sum(contacts_of_people_who_cycle)::int, sum(contacts)::int from board.monthly_contacts group by month "
        "having bool_and(contacts is not null)"
    ),
    (
        "select sum(handoffs) filter (need_kept = 'Same need')::int, sum(handoffs)::int from board.handoffs "
        "having bool_and(handoffs is not null)"
    ),
    "select refused, received from board.feed_health",
)


def not_in_the_board_database(page: Page, board: Path, linkage: str) -> set[str]:
    """Numbers in the words and tables of the page that are no published count, sum of counts or share of counts."""
    figures = [name for (name,) in rows(board, "select headline_id from board.headlines")]
    places = [
        "main",
        "numbers",
        "time",
        "next",
        "doors",
        "offers",
        "health",
        *(f"figure-{n}" for n in (1, 2, 3)),
        *figures,
    ]
    text = " ".join(page.texts.get(place, "") for place in places).replace(linkage, "")
    counts, labels = set(), set()
    for table, roles in board_roles(Settings()).items():
        for column, role in roles.items():
            values = {value for (value,) in rows(board, f"select {column} from board.{table}")}
            labels |= {value for value in values if isinstance(value, str)}
            counts |= values if role != "label" else set()
        (description,) = rows(board, f"select comment from duckdb_tables() where table_name = '{table}'")[0]
        labels.add(description)
    for label in sorted(labels, key=len, reverse=True):
        if re.search("[0-9]", label):
            text = re.sub(re.escape(label), "", text, flags=re.IGNORECASE)
    counts |= {value for sql in SUMS for row in rows(board, sql) for value in row}
    pairs = [pair for sql in SHARES for pair in rows(board, sql)]
    published = {f"{value:,}" for value in counts if value is not None}
    published |= {f"{part / whole:.0%}" for part, whole in pairs if whole} | {"1%"}  # less than 1%
    return set(re.findall(r"\d+(?:,\d{3})*(?:\.\d+)?%?", re.sub(NOT_FIGURES, "", text))) - published


def test_every_number_of_the_page_is_in_the_board_database_or_a_share_of_what_is(page, html, board, facts):
    linkage = words.linkage(facts["linkage"])
    assert linkage in page.text
    assert not_in_the_board_database(page, board, linkage) == set()
    smuggled = (
        html.replace("About 1,240 people", "About 1,241 people")
        .replace("20,005", "20,003")
        .replace("3% of all people seen", "12% of all people seen")
    )
    assert not_in_the_board_database(Page(smuggled), board, linkage) == {"1,241", "20,003", "12%"}


def test_withheld_is_said_in_words_and_never_drawn_or_counted_as_nothing(page, html, board):
    assert rows(board, "select count(*) from board.first_missed_doors where withheld_reason is not null") == [(2,)]
    assert html.count("withheld (fewer than 8 people)") >= 2
    assert "2 rows are withheld (fewer than 8 people) and not drawn" in page.texts["figure-3"]


def test_a_month_without_a_services_records_is_marked_and_left_out_of_the_share(board_tables):
    months = monthly_totals([row | {"withheld_reason": None} for row in board_tables["monthly_contacts"]])
    assert len(months) == 24
    assert [month["month"] for month in months if not month["complete"]] == ["2025-03"]


def test_data_health_names_the_month_that_is_missing_and_the_one_that_came_in_part(page):
    state = "Missing: March 2025; In part: April 2025"
    assert f"Adult social care (AD) January 2024 to December 2025 {state} 20,005 less than 1%" in page.text
    assert "A&E (A&) January 2024 to December 2025 Complete 20,005 3%" in page.text
    assert "Police (PO) January 2024 to December 2025 Complete 20,005 none or hardly any" in page.text
    assert "Fire none Never arrived 0 none" in page.text


def test_a_feed_of_few_people_has_its_records_withheld(page):
    assert "Clinic (A&) January 2024 to December 2025 Complete fewer than 8 people fewer than 8 people" in page.text


def test_a_need_of_which_everything_is_withheld_is_named(board_tables, facts, tmp_path, make_board):
    board_tables["first_missed_doors"].append(
        {"need_label": "Isolation", "door_label": "Police", "spells": 4, "people": 4}
    )
    render_pack(make_board(tmp_path / "one", board_tables), tmp_path / "one.html", facts)
    text = Page((tmp_path / "one.html").read_text(encoding="utf-8")).text
    assert "For isolation, every first missed door is withheld (fewer than 8 people)." in text


def test_linkage_errors_are_said_with_how_they_are_known(page):
    assert "By the linkage model's own reckoning" in page.text
    assert "about 2 in 100 links may be wrong and about 6 in 100 of the links" in page.text


def test_a_matching_offer_stands_beside_the_first_missed_door(page):
    assert re.search(r"Dementia and confusion Adult social care 400 Two-hour urgent community response", page.text)
    assert re.search(r"Mental health Police 350 No offer is listed yet", page.text)


def test_the_fictional_region_is_stamped_and_a_real_one_is_not(html, board, facts, tmp_path):
    assert "Wexmoor does not exist" in html
    render_pack(board, tmp_path / "real.html", facts | {"fictional": False, "region": "Somewhere"})
    assert "does not exist" not in (tmp_path / "real.html").read_text(encoding="utf-8")


def test_words_are_of_opportunity_and_not_of_failure(page):
    assert "earlier opportunity" in page.text.lower()
    assert not re.search(r"\bfail(?!ing, and nobody)", page.text.lower())


def test_the_page_needs_nothing_from_elsewhere(page, html):
    assert "<script" not in html
    for tag, name, value in page.attributes:
        if name in ("src", "srcset", "data", "action", "poster"):
            pytest.fail(f"{tag} {name}={value}")
        if name in ("href", "xlink:href"):
            assert value.startswith("#") or value == "data:,", value
    style = html.split("<style>")[1].split("</style>")[0]
    assert "url(" not in style and "@import" not in style
    assert len(html) < 3_000_000


def test_ids_are_unique_and_labels_point_at_something(page):
    ids = [value for _, name, value in page.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    for _, name, value in page.attributes:
        if name in ("aria-labelledby", "aria-describedby"):
            assert value in ids


def test_text_from_the_data_cannot_become_markup(board_tables, facts, tmp_path, make_board):
    board_tables["first_missed_doors"][0]["need_label"] = "<script>alert(1)</script> & co"
    board = make_board(tmp_path / "odd", board_tables)
    render_pack(board, tmp_path / "odd.html", facts)
    html = (tmp_path / "odd.html").read_text(encoding="utf-8")
    assert "<script" not in html and "&lt;script&gt;" in html


def test_a_region_with_nothing_to_show_still_has_a_page(board_tables, facts, tmp_path, make_board):
    few = {
        name: [row | {key: 3 for key in row if key.startswith("people")} for row in table]
        for name, table in board_tables.items()
    }
    render_pack(make_board(tmp_path / "few", few), tmp_path / "few.html", facts | {"linkage": [], "offers": []})
    text = Page((tmp_path / "few.html").read_text(encoding="utf-8")).text
    assert "There is no first missed door that can be shown." in text
    assert "No month has the records of every service" in text
    assert "About" not in text


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine: install it to open the page in a browser")
def test_a_browser_shows_the_charts_and_has_nothing_to_complain_of(pack, tmp_path):
    result = subprocess.run(
        [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", f"--user-data-dir={tmp_path / 'profile'}",
         "--enable-logging=stderr", "--v=0", "--dump-dom", pack.as_uri()],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert len(re.findall(r'<svg[^>]* role="img"|<table class="drawn', result.stdout)) >= 3
    assert "CONSOLE" not in result.stderr
    assert "ERR_" not in result.stderr
