"""The pack can be read: its prose is for a reader of about 13, its sentences are short, and no chart stands without words."""

import re
from html.parser import HTMLParser
from statistics import fmean

import pytest

from pipelines.board.pack import render_pack

textstat = pytest.importorskip("textstat", reason="textstat is not installed: the test extra has it")
READING_AGE = 13.5  # years; about 13, since no two formulas agree to within half a year
SCHOOL_STARTS = 5  # years of age in the first grade, less one
FEWEST_WORDS = 8  # shorter items are labels and not prose
LONGEST = 45  # words of a sentence
GRADES = ("flesch_kincaid_grade", "gunning_fog", "coleman_liau_index", "automated_readability_index", "smog_index")


class Prose(HTMLParser):
    """Paragraphs, items and definitions of a page, without drawings, tables and menus."""

    LEFT_OUT = frozenset({"svg", "style", "table", "details", "nav", "footer"})
    TAKEN = frozenset({"p", "li", "dd"})

    def __init__(self, html: str):
        super().__init__()
        self.paragraphs: list[str] = []
        self.words: list[str] = []
        self.left_out = 0
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list) -> None:
        self.left_out += tag in self.LEFT_OUT
        if tag in self.TAKEN:
            self.words = []

    def handle_endtag(self, tag: str) -> None:
        self.left_out -= tag in self.LEFT_OUT
        if tag in self.TAKEN:
            paragraph = " ".join("".join(self.words).split())
            if len(paragraph.split()) >= FEWEST_WORDS:
                self.paragraphs.append(paragraph if paragraph[-1] in ".?!" else f"{paragraph}.")
            self.words = []

    def handle_data(self, data: str) -> None:
        if not self.left_out:
            self.words.append(data)


def reading_age(text: str) -> float:
    """Years of age from which on a text is understood: the mean of five formulas."""
    return fmean(getattr(textstat, grade)(text) for grade in GRADES) + SCHOOL_STARTS


@pytest.fixture(scope="module")
def html(board, facts, tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("words") / "board_pack.html"
    render_pack(board, path, facts)
    return path.read_text(encoding="utf-8")


def test_the_measure_tells_plain_words_from_others():
    plain = "The police came. They took him to the hospital. He went home the next day, and nobody called him. " * 5
    dense = (
        "Notwithstanding multidisciplinary prioritisation, organisational interdependencies necessitated the "
        "reconfiguration of intermediate rehabilitation pathways, attenuating institutional accountability. "
    ) * 5
    assert reading_age(plain) < 10 < READING_AGE < 20 < reading_age(dense)


def test_the_prose_is_for_a_reader_of_about_13(html):
    paragraphs = Prose(html).paragraphs
    assert len(paragraphs) >= 30
    assert reading_age(" ".join(paragraphs)) <= READING_AGE


def test_no_sentence_is_long(html):
    sentences = [sentence for text in Prose(html).paragraphs for sentence in re.split(r"(?<=[.?!:;])\s", text)]
    assert [sentence for sentence in sentences if len(sentence.split()) > LONGEST] == []


def test_no_chart_stands_without_a_sentence_a_caveat_a_table_and_a_text_alternative(html):
    figures = re.findall(r"<figure\b.*?</figure>", html, re.DOTALL)
    assert len(figures) >= 3
    for figure in figures:
        caption = re.search("<figcaption>(.*?)</figcaption>", figure, re.DOTALL)[1]
        assert re.search(r'class="reading">\s*[^<\s]', figure), caption
        assert re.search(r'class="caveat">\s*[^<\s]', figure), caption
        assert "<details>" in figure and figure.count("<th ") >= 2, caption
        for drawing in re.findall(r"<svg\b.*?</svg>", figure, re.DOTALL):
            assert 'aria-hidden="true"' in drawing or re.search(r"<desc [^>]*>[^<]{20,}</desc>", drawing), caption
        assert re.search(r'<table class="drawn|<svg class="chart', figure), caption


def test_words_blame_nobody(html):
    text = " ".join(Prose(html).paragraphs).lower()
    assert not re.search(r"\b(failures?|failed|frequent flyers?|cyclers?|offenders?|abusers?|addicts?)\b", text)
