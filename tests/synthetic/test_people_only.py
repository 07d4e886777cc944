"""People files without activity: every client has one true person, and the kinds of error and kin are all there."""

import pandas as pd
import pytest

from pipelines.synthetic import people_only as module
from pipelines.synthetic.people_only import people_only


@pytest.fixture(scope="module")
def made():
    return people_only(3000, seed=5)


def test_every_client_has_one_truth_and_every_person_a_client(made):
    feeds, truth = made
    clients = pd.concat([table.assign(feed=feed) for feed, table in feeds.items()])
    both = clients.merge(truth, on=["feed", "local_person_id"], how="outer", validate="one_to_one", indicator=True)
    assert (both["_merge"] == "both").all()
    assert truth.truth.nunique() == 3000
    assert not both.local_person_id.duplicated().any()


def test_a_seed_makes_the_same_files_and_another_seed_others(made):
    again, other = people_only(3000, seed=5), people_only(3000, seed=6)
    for feed, table in made[0].items():
        pd.testing.assert_frame_equal(table, again[0][feed])
        assert not table.equals(other[0][feed])


def test_people_of_two_agencies_twins_namesakes_in_a_family_and_wrong_values_are_there(made):
    feeds, truth = made
    clients = pd.concat([table.assign(feed=feed) for feed, table in feeds.items()]).merge(
        truth, on=["feed", "local_person_id"]
    )
    several = clients.groupby("truth").agg(feeds=("feed", "nunique"), postcodes=("postcode", "nunique"))
    assert (several.feeds > 1).sum() > 500
    assert (several.postcodes > 1).sum() > 100
    home = clients.groupby(["surname", "postcode", "date_of_birth"]).truth.nunique()
    assert (home > 1).any(), "twins"
    named = clients.groupby(["forename", "surname", "postcode"]).truth.nunique()
    assert (named > 1).any(), "father and son of one name"
    assert (clients.forename == "").any() and (clients.postcode == "").any() and (clients.date_of_birth == "").any()


def test_no_nhs_numbers_where_none_are_wanted_and_none_at_the_police(made):
    assert all((table.nhs_number == "").all() for table in people_only(500, seed=5, nhs_numbers=False)[0].values())
    assert (made[0]["police_incidents"].nhs_number == "").all()
    assert (made[0]["ae_attendances"].nhs_number != "").mean() > 0.8


def test_many_people_are_regions_with_ids_postcodes_and_numbers_of_their_own(monkeypatch):
    monkeypatch.setattr(module, "REGION", 400)
    parts = list(module.regions(1000, seed=2))
    assert [truth.truth.nunique() for _, truth in parts] == [400, 400, 200]
    for column in ("local_person_id", "truth"):
        values = [set(truth[column]) for _, truth in parts]
        assert not (values[0] & values[1]) and not (values[1] & values[2])
    numbers = [part["ae_attendances"].nhs_number for part, _ in parts]
    for region, start in enumerate(("999", "998", "997")):
        assert numbers[region][numbers[region] != ""].str.startswith(start).mean() > 0.95
