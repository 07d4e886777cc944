"""A whole region moves to another key: everybody is linked again, under ids that nobody had before."""

import pandas as pd
import pytest

from pipelines import cli, rekey
from pipelines.ingest.accept import ingest_months
from pipelines.ingest.status import months_expected, status_rows
from pipelines.linkage import link
from pipelines.linkage.person_ids import read_state
from pipelines.pseudonymise.encode import key_check
from pipelines.pseudonymise.keys import read_key


def take_in(hub) -> None:
    for feed in hub.settings.feeds:
        ingest_months(hub.settings, feed, months_expected(hub.settings))


def index(hub) -> pd.DataFrame:
    return read_state(hub.settings.state).seen


@pytest.fixture(scope="module")
def moved(region, tmp_path_factory):
    """A copy of the region, delivered again under another key and switched over, and its person index from before."""
    folder = tmp_path_factory.mktemp("moved")
    hub = region.copy(folder / "data", "landing", "state", "warehouse")
    before = index(hub)
    assert cli.main(["keygen", str(folder / "new key")]) == 0
    rekey.start(hub.settings, key_check(read_key(folder / "new key")))
    for source in sorted(hub.agencies.glob("*/*/*")):
        hub.deliver(*source.parts[-3:], key=folder / "new key")
    take_in(hub)
    model = (hub.settings.state / "models" / "current.json").read_text()
    rekey.finish(hub.settings)
    take_in(hub)
    link(hub.settings)
    assert (hub.settings.state / "models" / "current.json").read_text() == model
    return hub, before


def test_every_delivery_under_the_new_key_counts_and_none_under_the_old(moved) -> None:
    hub, _ = moved
    rows = status_rows(hub.settings)
    assert {row["status"] for row in rows} == {"accepted", "superseded"}
    accepted = [row["delivery_id"][:3] for row in rows if row["status"] == "accepted"]
    assert set(accepted) == {"002"}
    assert len(accepted) == len(rows) / 2


def test_the_same_clients_are_linked_under_new_references(moved) -> None:
    hub, before = moved
    assert len(index(hub)) == len(before)
    assert not set(index(hub).person_ref) & set(before.person_ref)


def test_no_person_id_is_carried_over_or_used_again_and_the_history_says_that_the_old_ones_ended(moved) -> None:
    hub, before = moved
    history = pd.read_parquet(hub.settings.state / "person_history.parquet")
    assert not set(index(hub).person_id) & set(before.person_id)
    assert set(before.person_id) <= set(history.person_id[history.event == "retired"])
