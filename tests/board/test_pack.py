"""The page says what board.duckdb says, and nothing else; it stands alone; a browser shows it without complaint."""

import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import duckdb
import pytest

from pipelines.board import sentences, words
from pipelines.board.ledger import Cell, Ledger
from pipelines.board.pack import KEYS, NO_BAND, render_pack

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
SECTIONS = [
    "brief", "problem", "numbers", "doors", "areas", "offers", "outcomes", "moved", "health", "limits",
    "district-A", "district-B", "journeys", "words", "appendix",
]  # fmt: skip


class Page(HTMLParser):
    """Visible text by the id of the nearest element that has one, every attribute, and the numbers with their lines."""

    def __init__(self, html: str):
        super().__init__()
        self.texts: dict[str, str] = {}
        self.loose = ""  # text outside of tables, drawings and numbers that have a line in the appendix
        self.numbers: list[tuple[str, str]] = []  # line, text
        self.tables: dict[str, list[list[str]]] = {}
        self.attributes: list[tuple[str, str, str]] = []
        self._open: list[tuple[str, str]] = []
        self._line = ""
        self.feed(html)
        self.texts = {place: " ".join(text.split()) for place, text in self.texts.items()}

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.attributes += [(tag, name, value or "") for name, value in attrs.items()]
        if tag in ("meta", "link", "br"):
            return
        self._open.append((tag, attrs.get("id") or (self._open[-1][1] if self._open else "")))
        here = self.tables.setdefault(self._open[-1][1], [])
        if tag == "data":
            self.numbers.append((attrs["value"], ""))
        elif tag == "tr":
            here.append([])
        elif tag in ("td", "th") and here:
            here[-1].append("")

    def handle_endtag(self, tag):
        if tag != "data" and self._open:
            self.texts[self._open[-1][1]] = self.texts.get(self._open[-1][1], "") + " "
        while self._open and self._open.pop()[0] != tag:
            pass

    def handle_data(self, data):
        tags = [tag for tag, _ in self._open]
        if not tags or tags[-1] in ("style", "title", "desc", "text"):
            return
        place = self._open[-1][1]
        self.texts[place] = self.texts.get(place, "") + data
        if "data" in tags:
            self.numbers[-1] = (self.numbers[-1][0], self.numbers[-1][1] + data)
        elif not {"header", "footer", "figure", "details", "dl"} & set(tags) and "svg" not in tags:
            self.loose += data
        if ("td" in tags or "th" in tags) and self.tables.get(place):
            self.tables[place][-1][-1] += data

    @property
    def text(self) -> str:
        return " ".join(self.texts.values())

    def appendix(self, table: str) -> list[list[str]]:
        return [[cell.strip() for cell in row] for row in self.tables[table][1:]]


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
    with duckdb.connect() as connection:
        connection.execute(f"attach '{board}' as board (read_only)")
        return connection.execute(sql).fetchall()


def written(value: float) -> set[str]:
    """A number in every way in which the pack may print it."""
    return {f"{value:,.0f}", f"£{value:,.0f}", words.percent(value)}


def test_sections_stand_in_the_order_in_which_a_board_asks(html):
    found = re.findall(r'<section[^>]* id="([^"]+)"', html)
    assert found == SECTIONS


def not_recomputed(page: Page, board: Path) -> list[str]:
    """Numbers of the text whose line is missing, or whose query on the database gives another one."""
    lines = {line[0]: line for line in page.appendix("numbers-table")}
    wrong = []
    for number, text in page.numbers:
        ((value,),) = rows(board, lines[number][8]) if number in lines else ((None,),)
        if value is None or text not in written(value) or lines[number][1] != text:
            wrong.append(text)
    return wrong


def test_every_number_of_the_text_is_a_query_of_the_appendix_that_gives_it_again(page, board):
    assert len(page.numbers) > 100
    assert not_recomputed(page, board) == []


def test_a_number_that_the_database_does_not_give_is_found_out(html, board):
    assert ">1,240</data>" in html
    assert not_recomputed(Page(html.replace(">1,240</data>", ">1,241</data>", 1)), board) == ["1,241"]


def test_no_number_stands_in_the_text_outside_of_the_appendix_but_for_what_defines_words(page):
    text = page.loose
    for known in (
        r"\b[A-Z][a-z]+ 20\d\d\b", r"2023-24", r"\br[0-9a-f]{12}\b", r"\b20\d\d-\d\d-\d\d\b", "rounded to 5", "1 to 7 people",
        "fewer than 8 people", "in 1,000", "95 %", "5 in 100", "12 hours", "24 hours", "72 hours", "365", r"Figure [AB]2", "4 hours", "28 days",
        r"12 to 24 hours", "section 136",
    ):  # fmt: skip
        text = re.sub(known, "", text)
    assert re.findall(r"\d[\d,.]*", text) == []


def test_every_line_of_the_appendix_says_what_the_number_is_and_of_when(page):
    lines = page.appendix("numbers-table")
    assert [line[0] for line in lines] == [str(place) for place in range(1, len(lines) + 1)]
    for line in lines:
        assert line[2] and line[4] and line[5], line
    (cycling,) = [line for line in lines if line[1] == "1,240" and "People behind the figure" in line[2]]
    assert cycling[2] == "People behind the figure: People who go round between agencies in crisis"
    assert cycling[4:6] == ["January 2024 to December 2025", "1,180 to 1,300."]
    (share,) = [line for line in lines if line[1] == "3%" and "go round" in line[2]]
    assert (
        share[3]
        == "People that a share is of; empty where none is given: People who go round between agencies in crisis"
    )
    assert {line[7] for line in lines if line[1].startswith("£")} == {"2023-24"}
    assert {line[6] for line in lines} >= {"one agency", "several agencies"}


def test_the_values_of_every_figure_are_those_of_its_query(html, page, board):
    figures = page.appendix("figures-table")
    assert [figure[0] for figure in figures] == [*map(str, range(1, 13)), *(f"{d}{n}" for d in "AB" for n in (1, 2, 3))]
    for number, title, definition, _, period, band, sql in figures:
        assert definition and period and band, number
        drawn = html.split(f'<figure id="figure-{number}"')[1].split("</figure>")[0]
        assert title.replace("&", "&amp;") in drawn
        values = [value for row in rows(board, sql) for value in row if isinstance(value, int | float)]
        values = [value for value in values if not isinstance(value, bool)]
        assert values, number
        for value in values:
            assert any(form in drawn for form in written(value) | {f"{value:,.1f}"}), (number, value)


def test_where_the_first_missed_door_is_for_a_need_and_how_sure_that_is_stands_in_one_line(page):
    (line,) = page.tables["need-1"]
    need, door, spells, band, sure = (" ".join(cell.split()) for cell in line)
    assert (need, door, spells) == ("Dementia and confusion", "Adult social care", "400 of 560")
    low, high = (int(end) for end in band.split(" to "))
    assert low <= 402 <= high
    assert (
        sure == "Sure of the order: the next is A&E, about 120, and no likely way of linking records brings it first."
    )


def test_the_need_and_its_first_missed_door_stand_at_the_top_with_a_way_to_how_sure_it_is(html, page):
    brief = html.split('id="brief"')[1].split("</section>")[0]
    (line,) = re.findall(r'<li><a href="#(need-\d+)">Dementia and confusion</a>: Adult social care</li>', brief)
    assert page.texts[line].startswith("Dementia and confusion Adult social care 400 of 560 ")


def test_a_number_without_a_band_says_why_in_the_appendix(page):
    bands = {line[2]: line[5] for line in page.appendix("numbers-table")}
    assert bands["A&E stays: All ages, All stays"] == "None: counted by stay. Linking can only move whose age is known."
    assert (
        bands["Lower end of the band of people: People who go round between agencies in crisis"]
        == "This is an end of a band."
    )
    figures = {line[0]: line[5] for line in page.appendix("figures-table")}
    assert figures["1"] == "None: counted by contact, and linking does not move it."
    assert figures["4"] == "In brackets in the table behind the figure."
    assert figures["5"] == "Not worked out."


def test_the_band_of_a_share_is_the_widest_that_its_counts_allow(ledger):
    part, whole = (
        Cell(
            "opportunities",
            {
                "contacts": value,
                "contacts_low": low,
                "contacts_high": high,
                **dict.fromkeys(KEYS["opportunities"], "x"),
            },
            "contacts",
        )
        for value, low, high in ((400, 380, 420), (1_000, 950, 1_040))
    )
    assert re.sub("<[^>]*>", "", sentences.share_beside(ledger, part, whole)) == "40% (37% to 44%)"


def test_figures_of_one_agency_alone_say_so(page):
    assert "Each number is one agency's own figure." in page.texts["figure-3"]  # of one hospital
    assert "Each number is one agency's own figure." in page.texts["figure-A2"]  # of one service each
    assert "own figure" not in page.texts["figure-1"]  # of all services together
    assert "own figure" not in page.texts["figure-2"]


def door(name: str, spells: int, low: int, high: int) -> dict:
    return {"need_label": "Frailty", "door_label": name, "district_label": "Whole partnership", "spells": spells,
            "spells_low": low, "spells_high": high, "withheld_reason": None}  # fmt: skip


@pytest.fixture
def ledger(board):
    with duckdb.connect() as connection:
        connection.execute(f"attach '{board}' as board (read_only)")
        yield Ledger(connection, KEYS, NO_BAND, 5)


def test_doors_whose_bands_overlap_are_too_close_to_tell(ledger):
    close = sentences.how_sure(ledger, [door("A&E", 100, 90, 110), door("Police", 85, 80, 90)])
    apart = sentences.how_sure(ledger, [door("A&E", 100, 95, 110), door("Police", 85, 80, 90)])
    assert close.startswith("Too close to tell") and apart.startswith("Sure of the order")
    assert sentences.how_sure(ledger, [door("A&E", 100, 90, 110)]) == "No other door has enough people to be shown."


def headline(people: int | None, base: int | None) -> dict:
    """A published row of board.headlines that counts people of a base."""
    return {"headline_id": f"{people} of {base}", "label": "x", "unit": "people", "share_of": "people seen", "people": people,
            "people_in_base": people, "people_base": base}  # fmt: skip


def test_a_share_that_rounding_would_make_is_not_printed(ledger):
    def said(people, base):
        return re.sub("<[^>]*>", "", sentences.of_all(ledger, headline(people, base)))

    assert said(8_570, 10_000) == "86% of all people seen"
    assert said(10, 2_000) == "less than 1% of all people seen"
    assert said(0, 2_000) == "0% of all people seen"  # 0 people are published as they are
    assert said(2_000, 2_000) == "nearly 100% of all people seen"
    assert said(10, 15) == ""  # 8 of 17 and 12 of 13 look the same
    assert said(None, None) == ""


def test_a_share_of_other_counts_than_the_headlines_says_which(ledger):
    said = sentences.of_all(ledger, headline(45, 130) | {"people": 50})
    assert re.sub("<[^>]*>", "", said) == "35% of all people seen (45 of 130)"


def test_the_brief_repeats_the_headlines(page):
    assert "About 1,240 people go round between services in crisis, 3% of all people seen " in page.texts["brief"]
    assert "(linking leaves open 1,180 to 1,300)" in page.texts["brief"]


def test_a_withheld_headline_has_no_number_and_says_why(page):
    assert page.texts["ae_stays_24_hours"] == ("Withheld A&E stays of 24 hours or more (fewer than 8 people)")


def test_a_bar_that_is_withheld_is_a_word_and_not_a_length(html, board):
    hidden = rows(board, "select count(*) from board.first_missed_doors where spells is null "
                         "and district_label = 'Whole partnership' and need_label <> 'All needs' "
                         "and door_label <> 'All services'")[0][0]  # fmt: skip
    doors = html[html.index('id="figure-4"') : html.index('id="figure-5"')]
    assert hidden >= 2  # social care's part of two needs is of few people
    assert len(re.findall(r'<td role="cell" class="withheld"[^>]*>withheld</td>', doors)) == hidden


def test_a_need_of_which_every_door_is_withheld_is_named(board_tables, facts, tmp_path, make_board):
    row = {"need_label": "Isolation", "spells": 4, "spells_low": 4, "spells_high": 4, "people": 4, "agencies": 1}
    board_tables["first_missed_doors"] = [
        {
            name: (row | {"door_label": door, "district_label": district})[name]
            for name in board_tables["first_missed_doors"][0]
        }
        for door in ("Police", "All services")
        for district in ("Eastlow", "Whole partnership")
    ]
    render_pack(make_board(tmp_path / "one", board_tables), tmp_path / "one.html", facts)
    text = Page((tmp_path / "one.html").read_text(encoding="utf-8")).text
    assert "For isolation, every first missed door is withheld" in text


def test_each_district_has_a_section_with_its_own_numbers(page, board):
    for letter, district in (("A", "Eastlow"), ("B", "Uplands")):
        ((contacts,),) = rows(board, "select contacts from board.ward_needs where ward_label = 'All wards' "
                                     f"and need_label = 'All needs' and district_label = '{district}'")  # fmt: skip
        assert f"{contacts:,} contacts" in page.texts[f"district-{letter}"]


def test_an_offer_has_its_capacity_beside_how_many_it_could_have_answered(page):
    text = page.texts["offers"]
    assert (
        "Two-hour urgent community response frailty and falls and dementia and confusion 4,005 (3,980 to 4,030)" in text
    )
    assert "2,000 (1,980 to 2,025) 100 40" in text


def test_long_outcomes_stand_beside_the_target_of_the_day(page):
    assert (
        "Of about 4,000 (3,990 to 4,010) people followed for a year after their first crisis here, 60% had no other crisis."
        in page.texts["outcomes"]
    )
    assert "on average 365 of 365 days without a crisis; those back within 28 days, 359." in page.texts["outcomes"]
    assert "no before and after" in page.texts["outcomes"]
    assert "56% of about 110,305 A&E stays took up to 4 hours." in page.texts["outcomes"]


def test_demand_that_moved_says_what_part_of_it_was_met_beside_the_part_of_the_rest(page):
    text = page.texts["moved"]
    assert (
        "no longer attended about 1,000 (990 to 1,010) contacts. Another service saw the person within 72 hours in 10% (9% to 11%) of them."
        in text
    )
    assert "Where officers did attend, it was 30%." in text


def test_costs_are_average_costs_with_their_price_year_and_no_saving(page):
    assert "no saving" in page.texts["numbers"]
    assert "Everybody 90,005 £33,122,000 £15,571,000 to £50,673,000 2023-24" in page.texts["numbers"]


def test_data_health_names_the_month_that_is_missing_and_the_one_that_came_in_part(page):
    text = page.texts["figure-12"]
    assert "Adult social care (AD) Look into it Missing: March 2025. In part: April 2025. Records: 20,005." in text
    assert "A&E (A&) Good January 2024 to December 2025, complete." in text
    assert "Fire Missing Never arrived." in text
    assert "Clinic (A&) Good January 2024 to December 2025, complete. fewer than 8 people" in text


def test_linkage_errors_are_said_with_how_they_are_known(page):
    said = "By the linkage model's own reckoning, which nobody has checked by hand, about 15 (13 to 18) in 1,000 links may be wrong"
    assert said in page.texts["doors"] and said in page.texts["health"]


def test_a_headline_that_moved_for_other_reasons_than_demand_is_marked(board, facts, tmp_path):
    path = tmp_path / "board.duckdb"
    shutil.copy(board, path)
    path.chmod(0o644)
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            "create table headline_changes as select * from (values ('people_seen', 'feeds, linkage'), "
            "('contacts', 'demand'), ('people_who_cycle', 'demand, linkage')) as changes (headline_id, moved_by)"
        )
    render_pack(path, tmp_path / "moved.html", facts)
    texts = Page((tmp_path / "moved.html").read_text(encoding="utf-8")).texts
    assert "Moved since the release before by feeds and linkage" in texts["people_seen"]
    assert "Moved since the release before by linkage" in texts["people_who_cycle"]
    assert "Moved" not in texts["contacts"]


def test_a_pack_that_nobody_approved_says_so_and_an_approved_one_says_who(board, facts, html, tmp_path):
    render_pack(board, tmp_path / "public.html", facts | {"approved": {"by": "A. Reeve", "at": "2026-01-20T10:00:00"}})
    public = (tmp_path / "public.html").read_text(encoding="utf-8")
    assert "Nobody has approved this pack" in html and "Nobody has approved" not in public
    assert "Approved by A. Reeve" in public


def test_the_fictional_region_is_stamped_and_a_real_one_is_not(html, board, facts, tmp_path):
    assert "Wexmoor does not exist" in html
    render_pack(board, tmp_path / "real.html", facts | {"fictional": False, "region": "Somewhere"})
    real = (tmp_path / "real.html").read_text(encoding="utf-8")
    assert "does not exist" not in real
    assert "Nobody in these journeys exists." in real  # they are invented wherever the pack is of


def test_a_region_without_ward_boundaries_has_no_map_and_says_so(board, facts, tmp_path):
    render_pack(board, tmp_path / "flat.html", facts | {"ward_shapes": []})
    html = (tmp_path / "flat.html").read_text(encoding="utf-8")
    assert 'id="figure-8"' not in html and "no ward boundaries were supplied" in html


def test_words_are_of_opportunity_and_not_of_failure(page):
    assert "earlier opportunity" in page.text.lower()
    assert not re.search(r"\bfail(?!ing, and nobody|ing memory|ing\. )", page.text.lower())


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
    for row in board_tables["first_missed_doors"]:
        if row["need_label"] == "Mental health":
            row["need_label"] = "<script>alert(1)</script> & co"
    board = make_board(tmp_path / "odd", board_tables)
    render_pack(board, tmp_path / "odd.html", facts)
    html = (tmp_path / "odd.html").read_text(encoding="utf-8")
    assert "<script" not in html and "&lt;script&gt;" in html


def test_a_region_with_nothing_to_show_still_has_a_page(facts, tmp_path, make_board):
    render_pack(make_board(tmp_path / "none", {}), tmp_path / "none.html", facts | {"offers": []})
    page = Page((tmp_path / "none.html").read_text(encoding="utf-8"))
    assert page.numbers == []
    assert "No offer is listed yet" in page.text
    assert "No year after a crisis is all in the records yet." in page.text


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
