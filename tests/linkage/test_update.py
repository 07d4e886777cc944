"""The monthly update: what is new is linked, the rest stands, and the outcome is that of linking everybody again."""

import shutil

import pandas as pd
import pytest

from pipelines.linkage import decisions, link, train
from pipelines.linkage.decisions import KEY, Decision
from pipelines.linkage.update import MANIFEST, forget

POLICE, AE, COUNCIL = "police_incidents", "ae_attendances", "social_care_events"
FEBRUARY = "2025-02"


def linked(hub) -> tuple[pd.DataFrame, bool]:
    """The person index after a run, and whether everybody was linked."""
    said: list[str] = []
    link(hub.settings, progress=said.append)
    index = pd.read_parquet(hub.settings.linkage / "person_index.parquet")
    return index, any(sentence.startswith("linking all") for sentence in said)


def copy(hub, folder):
    """A hub as this one stands."""
    other = type(hub)(folder / "copy")
    shutil.copytree(hub.settings.data, other.settings.data)
    other.local_ids = dict(hub.local_ids)
    return other


@pytest.fixture(scope="module")
def january(known, trained, tmp_path_factory):
    """A hub that has linked nineteen in twenty of the background population's records. Not to be changed."""
    first = {feed: dict(list(people.items())[: len(people) * 19 // 20]) for feed, people in known.items()}
    hub = type(trained)(tmp_path_factory.mktemp("january"))
    hub.take_state_of(trained)
    hub.accept(first)
    assert linked(hub)[1]
    return hub


@pytest.fixture(scope="module")
def new_and_changed(known):
    """February: the twentieth part, people seen again as they were, and people who moved."""
    late = {feed: dict(list(people.items())[len(people) * 19 // 20 :]) for feed, people in known.items()}
    again = {local: details for local, details in list(known[AE].items())[:30]}
    moved = {local: {**details, "postcode": "WX9 4QZ"} for local, details in list(known[COUNCIL].items())[40:50]}
    return {POLICE: late[POLICE], AE: late[AE] | again, COUNCIL: late[COUNCIL] | moved}


@pytest.fixture
def february(january, new_and_changed, tmp_path):
    return copy(january, tmp_path).accept(new_and_changed, period=FEBRUARY)


def test_an_update_puts_the_same_clients_together_as_linking_everybody_again(february, tmp_path):
    everybody = copy(february, tmp_path / "other")
    forget(everybody.settings.linkage)
    updated, all_linked = linked(february)
    again, all_linked_again = linked(everybody)
    assert (all_linked, all_linked_again) == (False, True)
    columns = ["agency", "feed", "person_ref", "person_id", "records"]
    pd.testing.assert_frame_equal(updated[columns], again[columns])
    for scenario in ("person_id_low", "person_id_high"):
        pd.testing.assert_series_equal(updated[scenario], again[scenario])


def test_an_update_after_an_update_goes_on_from_it(february, known, tmp_path):
    linked(february)
    march = {AE: {"m1": {**known[AE][next(iter(known[AE]))], "postcode": "WX3 1AB"}}}
    february.accept(march, period="2025-03")
    everybody = copy(february, tmp_path / "other")
    forget(everybody.settings.linkage)
    updated, all_linked = linked(february)
    assert not all_linked
    pd.testing.assert_series_equal(updated.person_id, linked(everybody)[0].person_id)


def test_people_whom_nothing_new_touches_stay_as_they_were_to_the_last_digit(january, february):
    before = pd.read_parquet(january.settings.linkage / "person_index.parquet")
    after, _ = linked(february)
    seen = pd.read_parquet(february.settings.linkage / "people" / COUNCIL / f"{FEBRUARY}.parquet").person_ref
    both = before.merge(after, on=["agency", "feed", "person_ref"], suffixes=("_before", ""))
    newcomers = set(after.person_id[~after.person_ref.isin(before.person_ref)]) | set(
        after.person_id[after.person_ref.isin(seen)]
    )
    untouched = both[~both.person_id.isin(newcomers)]
    assert len(untouched) > 1000
    for column in ("person_id", "match_weight", "match_probability", "records"):
        pd.testing.assert_series_equal(untouched[column], untouched[f"{column}_before"], check_names=False)


def test_the_same_run_again_changes_nothing(february):
    first, _ = linked(february)
    second, all_linked = linked(february)
    assert not all_linked
    pd.testing.assert_frame_equal(first, second)


def test_a_delivery_that_was_replaced_has_everybody_linked_again(february, january, new_and_changed):
    linked(february)
    february.accept({COUNCIL: dict(list(new_and_changed[COUNCIL].items())[:5])}, period=FEBRUARY)
    index, all_linked = linked(february)
    assert all_linked
    assert len(index) == sum(len(set(refs)) for refs in accepted(february).values())


def test_a_delivery_that_was_withdrawn_has_everybody_linked_again_and_its_clients_gone(february, january):
    linked(february)
    for path in (february.settings.linkage / "people").glob(f"*/{FEBRUARY}.parquet"):
        path.unlink()
    index, all_linked = linked(february)
    assert all_linked
    before = pd.read_parquet(january.settings.linkage / "person_index.parquet")
    pd.testing.assert_series_equal(index.person_ref, before.person_ref)
    pd.testing.assert_series_equal(index.person_id, before.person_id)


def accepted(hub) -> dict[str, list[str]]:
    """person_refs in the people files, by feed."""
    files = sorted((hub.settings.linkage / "people").glob("*/*.parquet"))
    refs: dict[str, list[str]] = {}
    for path in files:
        refs.setdefault(path.parent.name, []).extend(pd.read_parquet(path, columns=["person_ref"]).person_ref)
    return refs


@pytest.mark.parametrize("lost", [MANIFEST, "memory.duckdb"])
def test_a_memory_of_which_a_part_is_lost_is_not_gone_on_from(february, lost):
    for path in (february.settings.linkage / "memory").glob(lost):
        path.unlink()
    assert linked(february)[1]


def test_a_decision_has_everybody_linked_again_and_binds(february):
    before, _ = linked(february)
    one, other = (tuple(before.loc[row, KEY]) for row in (before.index[0], before.index[-1]))
    pair = decisions.in_order(one, other)
    said = Decision(*pair, decisions.MUST_LINK, "Ann", "seen together", None, "2025-02-01T00:00:00+00:00")
    decisions.append(february.settings.state, [said])
    after, all_linked = linked(february)
    assert all_linked
    of_client = after.set_index(KEY).person_id
    assert of_client[one] == of_client[other]
    assert not linked(february)[1]


def test_what_was_forgotten_is_linked_anew_to_the_same_people(february):
    """`upstream run --force` forgets first."""
    first, _ = linked(february)
    forget(february.settings.linkage)
    second, all_linked = linked(february)
    assert all_linked
    pd.testing.assert_series_equal(first.person_id, second.person_id)


def test_another_model_links_everybody_again(february):
    train(february.settings)
    assert linked(february)[1]


def test_a_run_killed_before_it_wrote_the_index_writes_it_the_next_time(february, tmp_path):
    killed = copy(february, tmp_path / "other")
    expected, _ = linked(february)
    linked(killed)
    for name in ("person_index.parquet", "person_history.parquet"):
        (killed.settings.state / name).unlink(missing_ok=True)
    (killed.settings.linkage / "person_index.parquet").unlink()
    shutil.copy(february.settings.state / "person_index.parquet", killed.settings.state)
    index, all_linked = linked(killed)
    assert not all_linked
    pd.testing.assert_frame_equal(index, expected)
