"""What a run of linkage keeps whatever it is given: fails closed, everybody once, ids that last, no order of rows."""

import json
from itertools import product

import duckdb
import pandas as pd
import pyarrow.parquet as pq
import pytest

from pipelines.linkage import link, train
from pipelines.linkage.load import ColumnRefused
from pipelines.linkage.score import MOST_IN_A_BLOCK
from pipelines.linkage.train import current_model

POLICE, AE, COUNCIL = "police_incidents", "ae_attendances", "social_care_events"
NEWCOMER = {"forename": "Araminta", "surname": "Colquhoun", "date_of_birth": "1995-12-02", "postcode": "WX15 7JA"}
STATE = ("person_index.parquet", "person_history.parquet")


@pytest.fixture(scope="module")
def usual(hub_with):
    """The background population, linked once."""
    hub = hub_with({})
    return hub, hub.index()


def test_every_client_has_exactly_one_person(usual):
    hub, index = usual
    assert index.person_id.notna().all()
    assert index.person_id.str.fullmatch("P[0-9a-f]{12}").all()
    assert sorted(zip(index.feed, index.person_ref, strict=True)) == sorted(hub.local_ids)


def test_most_people_are_found_again_and_hardly_any_wrongly(usual):
    _, index = usual
    truth = index.local_id
    pairs = index.assign(truth=truth).merge(index.assign(truth=truth), on="person_id", suffixes=("_l", "_r"))
    pairs = pairs[(pairs.feed_l + pairs.person_ref_l) < (pairs.feed_r + pairs.person_ref_r)]
    assert (pairs.truth_l == pairs.truth_r).mean() > 0.97
    assert (pairs.truth_l == pairs.truth_r).sum() > 0.9 * truth.nunique()


def test_low_and_high_thresholds_are_nested_around_the_central_one(usual):
    _, index = usual
    assert (index.groupby("person_id").person_id_low.nunique() == 1).all()
    assert (index.groupby("person_id_high").person_id.nunique() == 1).all()


def test_ids_survive_a_second_run_and_nothing_changes(hub_with):
    hub = hub_with({})
    first = hub.index()
    state = {name: (hub.settings.state / name).read_bytes() for name in STATE}
    pd.testing.assert_frame_equal(hub.index(), first)
    assert {name: (hub.settings.state / name).read_bytes() for name in STATE} == state


def test_one_more_record_keeps_the_ids_of_the_others(hub_with):
    before = hub_with({}).person_of()
    later = hub_with({COUNCIL: {"newcomer": NEWCOMER}}, with_state_of_last=True).person_of()
    assert {record: person for record, person in later.items() if record != (COUNCIL, "newcomer")} == before
    assert later[COUNCIL, "newcomer"] not in before.values()


def test_the_order_of_rows_does_not_matter(hub_with):
    as_delivered, shuffled = hub_with({}), hub_with({}, shuffle=3)
    columns = ["feed", "person_ref", "person_id", "person_id_low", "person_id_high"]
    pd.testing.assert_frame_equal(as_delivered.index()[columns], shuffled.index()[columns])


def test_versions_of_one_client_are_one_person(hub_with):
    hub = hub_with({COUNCIL: {"newcomer": NEWCOMER}})
    moved = {**NEWCOMER, "surname": "Quigley", "postcode": "WX2 1AA"}
    hub.accept({COUNCIL: {"newcomer": moved}}, period="2025-02")
    assert len(hub.index().query("local_id == 'newcomer'")) == 1


@pytest.mark.parametrize("column", ["sex", "ethnic_group", "lsoa", "surname", "started_at"])
def test_a_column_that_is_no_token_is_refused(hub_with, column):
    hub = hub_with({})
    path = hub.settings.linkage / "people" / AE / "2025-01.parquet"
    duckdb.sql(f"copy (select *, 'x' as {column} from '{path}') to '{path}.new' (format parquet)")
    path.with_name(path.name + ".new").replace(path)
    with pytest.raises(ColumnRefused, match=column):
        link(hub.settings)
    assert not (hub.settings.linkage / "person_index.parquet").exists()


def test_a_merge_is_written_to_the_history(hub_with):
    unlike = {**NEWCOMER, "date_of_birth": "1961-03-30", "postcode": "WX2 1AA"}
    hub = hub_with({AE: {"one": NEWCOMER}, COUNCIL: {"two": unlike}})
    before = hub.person_of()
    assert before[AE, "one"] != before[COUNCIL, "two"]
    hub.accept({COUNCIL: {"two": NEWCOMER}}, period="2025-02")
    after = hub.person_of()
    assert after[AE, "one"] == after[COUNCIL, "two"]
    history = pd.read_parquet(hub.settings.state / "person_history.parquet")
    assert list(history.event) == ["merge"]
    assert {history.person_id[0], history.other_person_id[0]} == {before[AE, "one"], before[COUNCIL, "two"]}


def test_the_model_is_kept_with_its_training_record(trained):
    models = trained.settings.state / "models"
    version = json.loads((models / "current.json").read_text())["version"]
    model = current_model(models)
    assert model.version == version
    assert model.training["converged"]
    assert model.training["clients"] > 1000
    assert {rule["rule"] for rule in model.training["rules"]} == {"birth date", "names", "postcode and forename"}


def test_the_same_people_and_seed_make_the_same_model(trained, empty_hub, known):
    again = train(empty_hub(known).settings)
    assert again.version == current_model(trained.settings.state / "models").version


def test_quality_says_how_each_figure_was_got(usual):
    hub, index = usual
    quality = pd.read_parquet(hub.settings.linkage / "quality.parquet")
    assert set(quality.how) <= {"counted", "model", "NHS numbers", "capture-recapture"}
    people = quality[(quality.measure == "people") & (quality.detail == "all feeds")].iloc[0]
    assert people.low <= people.value <= people.high
    assert people.value == index.person_id.nunique()


def test_a_value_that_thousands_share_brings_nobody_together_and_is_told(empty_hub, trained):
    """A hospital's postcode, written down for everybody: what is left to find people by is all the rest."""
    names = ["".join(letters) for letters in product("bcdfghklmnprstvwz", "aeiouy", "bcdfghjklmnpqrstvwxz")]
    crowd = {
        f"c{n}": {
            "forename": f"a{name}",
            "surname": f"{name}son",
            "date_of_birth": f"{1930 + n % 80}-{n % 12 + 1:02d}-{n % 28 + 1:02d}",
            "postcode": "WX1 1AA",
        }
        for n, name in enumerate(names)
    }
    assert len(crowd) > MOST_IN_A_BLOCK
    hub = empty_hub({AE: crowd, POLICE: {"p0": crowd["c0"]}})
    hub.take_state_of(trained)
    said = []
    link(hub.settings, progress=said.append)
    told = [sentence for sentence in said if "too many to compare" in sentence]
    assert any("postcode_initial_token" in line for line in told)
    index = pd.read_parquet(hub.settings.linkage / "person_index.parquet")
    local_ids = [hub.local_ids[client] for client in zip(index.feed, index.person_ref, strict=True)]
    person = dict(zip(zip(index.feed, local_ids, strict=True), index.person_id, strict=True))
    assert person[POLICE, "p0"] == person[AE, "c0"]


def test_a_model_trained_for_other_comparisons_is_refused(hub_with):
    hub = hub_with({})
    models = hub.settings.state / "models"
    path = models / f"{json.loads((models / 'current.json').read_text())['version']}.json"
    content = json.loads(path.read_text())
    content["levels"]["dob"].append("roughly")
    path.write_text(json.dumps(content))
    with pytest.raises(ValueError, match="upstream train"):
        link(hub.settings)


def test_nobody_to_link_is_said_in_words(hub_with):
    hub = hub_with({})
    for path in hub.settings.linkage.rglob("*.parquet"):
        nobody = pq.read_table(path).slice(0, 0)
        pq.write_table(nobody, path)
    with pytest.raises(ValueError, match="no accepted people"):
        link(hub.settings)


@pytest.mark.parametrize("people", [1, 2, 40], ids=["one client", "two clients", "forty clients"])
def test_a_region_of_hardly_anybody_is_linked_with_starting_values(empty_hub, known, people):
    hub = empty_hub({AE: dict(list(known[AE].items())[:people])})
    assert len(hub.index()) == people
    assert current_model(hub.settings.state / "models").training["starting_values_kept"]


@pytest.mark.parametrize("missing", ["nhs_number", "date_of_birth"])
def test_a_field_that_is_empty_throughout_does_not_stop_training(empty_hub, known, missing):
    hub = empty_hub(
        {feed: {local: {**details, missing: ""} for local, details in known[feed].items()} for feed in known}
    )
    index = hub.index()
    right = index.groupby("person_id").local_id.nunique().eq(1).mean()
    assert right > 0.95
