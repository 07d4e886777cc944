"""The PDF says what the page says, with tagged headings, on A4; without a browser there is none, and the reason is told."""

import re
import subprocess
from pathlib import Path

import pypdf
import pytest

from pipelines.board import pdf
from pipelines.board.chart_tables import heat_table
from pipelines.board.pack import render_pack
from pipelines.board.page import STYLE

needs_browser = pytest.mark.skipif(
    pdf.browser() is None, reason="no Chromium on this machine: there is nothing to print with"
)
A4 = (595, 842)  # points


@pytest.fixture(scope="module")
def page(board, facts, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("pdf") / "board_pack.html"
    render_pack(board, path, facts)
    return path


@pytest.fixture(scope="module")
def printed(page) -> pypdf.PdfReader:
    out = page.with_suffix(".pdf")
    assert pdf.write_pdf(page, out) == ""
    return pypdf.PdfReader(out)


def elements(node: pypdf.generic.DictionaryObject) -> list[str]:
    """Types of a PDF's structure elements, in order."""
    found = [str(node["/S"])] if "/S" in node else []
    children = node.get("/K", [])
    for child in children if isinstance(children, list) else [children]:
        child = child.get_object()
        if isinstance(child, pypdf.generic.DictionaryObject) and ("/S" in child or "/K" in child):
            found += elements(child)
    return found


def words_of(text: str) -> list[str]:
    return re.findall(r"[A-Za-z]+|\d[\d,]*", text)


@needs_browser
def test_headings_tables_and_figures_are_tagged(printed, page):
    root = printed.trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"]
    tags = elements(root["/StructTreeRoot"])
    html = page.read_text(encoding="utf-8")
    assert tags.count("/H1") == 1
    assert tags.count("/H2") == html.count("<h2>")
    assert "/Table" in tags and "/TH" in tags and "/Figure" in tags


@needs_browser
def test_language_title_and_outline_are_there(printed, page):
    assert printed.trailer["/Root"]["/Lang"] == "en-GB"
    assert printed.metadata.title.startswith("Upstream board pack: Wexmoor")
    headings = set(re.findall("<h2>([^<]+)</h2>", page.read_text(encoding="utf-8")))

    def titles(outline: list) -> list[str]:
        return [title for entry in outline for title in (titles(entry) if isinstance(entry, list) else [entry.title])]

    assert headings <= set(titles(printed.outline))


@needs_browser
def test_it_has_the_page_s_words_and_the_tables_that_the_page_folds_away(printed, page):
    text = set(words_of(" ".join(sheet.extract_text() for sheet in printed.pages)))
    html = page.read_text(encoding="utf-8")
    said = re.findall(
        r"<(?:p|li|td|dd|dt|th|figcaption)\b[^>]*>(.*?)</(?:p|li|td|dd|dt|th|figcaption)>", html, re.DOTALL
    )
    wanted = set(words_of(re.sub("<[^>]+>|&[a-z]+;", " ", " ".join(said))))
    assert len(wanted) > 300
    missing = wanted - text
    assert len(missing) <= len(wanted) * 0.02, sorted(missing)  # words broken over two lines
    lines = "\n".join(sheet.extract_text() for sheet in printed.pages).splitlines()
    months = set(re.findall(r'<span class="month">([A-Z][a-z]+ 20\d\d)</span>', html))
    assert len(months) == 24  # none is broken over two lines
    assert [month for month in months if not any(month in line for line in lines)] == []
    assert [line for line in lines if line.strip() in {month.split()[0] for month in months}] == []


@needs_browser
def test_cells_that_are_withheld_are_no_pictures(tmp_path):
    """A hatch would be one of 60 kB in every cell."""
    rows = [{"row": f"Ward {place}", "column": "Falls", "value": None} for place in range(100)]
    page = tmp_path / "hatches.html"
    style, table = STYLE.read_text(encoding="utf-8"), heat_table(rows, "Falls", "Contacts", "Ward", "Need").markup
    page.write_text(f'<!DOCTYPE html><html lang="en-GB"><title>Falls</title><style>{style}</style>{table}</html>')
    assert pdf.write_pdf(page, tmp_path / "hatches.pdf") == ""
    assert (tmp_path / "hatches.pdf").stat().st_size < 500_000


@needs_browser
def test_sheets_are_a4(printed):
    for sheet in printed.pages:
        assert (round(sheet.mediabox.width), round(sheet.mediabox.height)) == A4


def test_without_a_browser_the_reason_is_given_and_nothing_is_written(page, tmp_path, monkeypatch):
    monkeypatch.setattr(pdf.shutil, "which", lambda name: None)
    reason = pdf.write_pdf(page, tmp_path / "none.pdf")
    assert reason == "No PDF was made: there is no Chromium, Chrome or Edge on this machine."
    assert not (tmp_path / "none.pdf").exists()


def test_a_browser_that_prints_nothing_is_told(page, tmp_path, monkeypatch):
    monkeypatch.setattr(pdf, "browser", lambda: "/bin/false")
    assert "ended with 1" in pdf.write_pdf(page, tmp_path / "none.pdf")
    monkeypatch.setattr(pdf, "browser", lambda: str(tmp_path / "not there"))
    assert "did not print" in pdf.write_pdf(page, tmp_path / "none.pdf")


@needs_browser
def test_a_browser_that_hangs_is_given_up(page, tmp_path, monkeypatch):
    def hangs(*args: object, **kwargs: object) -> None:
        raise subprocess.TimeoutExpired("chromium", 180)

    monkeypatch.setattr(pdf.subprocess, "run", hangs)
    assert "did not print (TimeoutExpired)" in pdf.write_pdf(page, tmp_path / "none.pdf")
