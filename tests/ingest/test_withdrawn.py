"""A withdrawn delivery counts no more, says who withdrew it and why, and only a new delivery takes its place."""

import json
from pathlib import Path

import pytest

from pipelines import cli
from pipelines.ingest.accept import ingest_month
from pipelines.ingest.month import is_up_to_date
from pipelines.ingest.overview import mark
from pipelines.ingest.status import status_rows
from pipelines.ingest.withdrawn import withdraw
from pipelines.pseudonymise.errors import InputError

FEED = "ae_attendances"


def take_back(region, folder: Path, by: str = "D. Officer", reason: str = "wrong extract") -> list[str]:
    """Ids of what was withdrawn with a delivery."""
    done = withdraw(region.settings, *folder.parts[-4:], by=by, reason=reason)
    return [received.delivery_id for received in done.deliveries]


def test_the_month_falls_back_to_the_delivery_before(region) -> None:
    region.deliver(rows=[{}])
    folder = region.deliver(rows=[{}, {}])
    region.statuses()
    take_back(region, folder)
    assert not is_up_to_date(region.settings, FEED, region.period)
    assert region.statuses() == [("001", "accepted"), ("002", "withdrawn")]
    assert len(region.table("activity")) == 1
    withdrawn = region.table("deliveries")[1]
    assert withdrawn["reason"] == "Withdrawn by D. Officer: wrong extract."
    assert (withdrawn["received_activity"], withdrawn["accepted_activity"]) == (2, None)


def test_with_nothing_before_it_the_month_is_a_gap_and_no_run_calls_that_a_problem(region) -> None:
    take_back(region, region.deliver())
    assert region.statuses() == [("001", "withdrawn")]
    assert region.table("activity") == region.table("attributes") == []
    assert ingest_month(region.settings, FEED, region.period).refusals == []


def test_the_same_contents_under_other_ids_go_with_it(region) -> None:
    folder = region.deliver()
    copy = region.again_as(folder, f"002-{folder.name[4:]}")
    assert take_back(region, folder) == [folder.name, copy.name]
    assert region.statuses() == [("001", "withdrawn"), ("002", "withdrawn")]


def test_it_cannot_be_undone_and_the_agency_can_deliver_the_same_anew(region) -> None:
    folder = region.deliver()
    take_back(region, folder)
    with pytest.raises(InputError, match="cannot be undone: .* ask WEXH to pseudonymise and deliver the month again"):
        take_back(region, folder)
    assert region.deliver().name[:3] == "002"
    assert region.statuses() == [("001", "withdrawn"), ("002", "accepted")]


def test_an_agency_that_counts_from_001_again_can_send_the_same_anew_too(region) -> None:
    folder = region.deliver()
    take_back(region, folder)
    note = folder / "delivery.json"
    note.write_text(json.dumps({**json.loads(note.read_text()), "created_at": "2024-05-01T09:00:00+00:00"}))
    assert region.statuses() == [("001", "accepted")]


def test_status_says_so_before_the_next_run_and_after_it(region) -> None:
    folder = region.deliver()
    region.statuses()
    take_back(region, folder)
    (row,) = status_rows(region.settings)
    assert row["status"] == "withdrawn"
    assert "Withdrawn by D. Officer: wrong extract. This takes effect with the next" in row["reason"]
    region.statuses()
    (row,) = status_rows(region.settings)
    assert (row["status"], row["reason"]) == ("withdrawn", "Withdrawn by D. Officer: wrong extract.")


def test_until_the_next_run_the_grid_tells_a_gap_from_a_month_that_falls_back(region) -> None:
    def letter() -> str:
        return mark(status_rows(region.settings))

    before, folder = region.deliver(rows=[{}]), region.deliver()
    region.statuses()
    assert letter() == "c"
    take_back(region, folder)
    assert letter() == "w"
    region.statuses()
    assert letter() == "a"
    take_back(region, before)
    assert letter() == "W"


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"made": 1}', '{"by": 1, "reason": 2}'])
def test_a_mark_that_nobody_can_read_still_keeps_the_delivery_out_unless_it_is_of_another(region, text: str) -> None:
    folder = region.deliver()
    (folder / "withdrawn.json").write_text(text)
    expected = "accepted" if text == '{"made": 1}' else "withdrawn"
    assert region.statuses() == [("001", expected)]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"delivery_id": "009-000000000000"}, "no such delivery of ae_attendances for 2024-03. Deliveries there: 001-"),
        ({"period": "2024-04"}, "Deliveries there: none"),
        ({"by": " "}, "--by takes 1 to 300 characters"),
        ({"reason": "x" * 301}, "--reason takes 1 to 300 characters"),
    ],
    ids=["another id", "another month", "nobody", "a long reason"],
)
def test_what_makes_no_sense_is_refused_in_words_and_nothing_is_marked(region, change: dict, why: str) -> None:
    folder = region.deliver()
    agency, feed, period, delivery_id = folder.parts[-4:]
    asked = {"period": period, "delivery_id": delivery_id, "by": "D. Officer", "reason": "wrong"} | change
    with pytest.raises(InputError) as refused:
        withdraw(region.settings, agency, feed, **asked)
    assert why in str(refused.value)
    assert not (folder / "withdrawn.json").exists()


def test_the_command_says_what_the_month_falls_back_to(region, monkeypatch, capsys) -> None:
    monkeypatch.setenv("UPSTREAM_DATA", str(region.settings.data))
    before, folder = region.deliver(rows=[{}]), region.deliver()
    said = ["--by", "D. Officer", "--reason", "wrong extract"]
    assert cli.main(["withdraw", *folder.parts[-4:], *said]) == 0
    assert f"falls back to {before.name}" in capsys.readouterr().out
    assert cli.main(["withdraw", *before.parts[-4:], *said]) == 0
    assert "is a gap" in capsys.readouterr().out
    assert cli.main(["withdraw", *before.parts[-4:], *said]) == 2
    assert "withdrawn already" in capsys.readouterr().err
