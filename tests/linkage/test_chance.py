"""How often strangers agree is learnt from keyed tokens alone, and is what counting the plaintext would have said."""

import pandas as pd
import pytest

from pipelines.evaluation.link_benchmark import pseudonymised
from pipelines.linkage import load
from pipelines.linkage.comparisons import top_gamma
from pipelines.linkage.train import learn
from pipelines.pseudonymise import normalise
from pipelines.synthetic.people_only import people_only

READ = {
    "forename": ("forename", normalise.name),
    "surname": ("surname", normalise.name),
    "dob": ("date_of_birth", normalise.birth_date),
    "postcode": ("postcode", normalise.postcode),
}


def share_of_equal_strangers(values: pd.Series, person: pd.Series) -> float:
    """Of all pairs of records of two people, both with a value, the share that have the same one; counted."""
    known = pd.DataFrame({"value": values, "person": person})[values != ""]

    def pairs(*keys: str) -> int:
        sizes = known.groupby(list(keys)).size() if keys else pd.Series([len(known)])
        return int((sizes * (sizes - 1) // 2).sum())

    return (pairs("value") - pairs("value", "person")) / (pairs() - pairs("person"))


@pytest.fixture(scope="module")
def region(tmp_path_factory):
    """Records of 6,000 people in plaintext with the person of each, and the model learnt from their tokens."""
    folder = tmp_path_factory.mktemp("chance")
    people, truth = people_only(6_000, seed=3)
    files = {}
    for feed, table in people.items():
        files[feed] = folder / f"{feed}.csv"
        table.to_csv(files[feed], index=False)
    tokens, _ = pseudonymised(files, folder / "tokens", key=b"k" * 32)
    con = load.connect()
    load.load_versions(con, tokens)
    records = pd.concat([table.assign(feed=feed) for feed, table in people.items()])
    return records.merge(truth, on=["feed", "local_person_id"]), learn(con).relations


@pytest.mark.parametrize("field", READ)
def test_the_share_of_strangers_with_one_value_is_near_what_counting_them_gives(region, field):
    records, model = region
    column, read = READ[field]

    def readable(text: str) -> str:
        try:
            return read(text)
        except ValueError:
            return ""

    counted = share_of_equal_strangers(records[column].fillna("").map(readable), records.truth)
    assert counted / 2.5 < model.u[field][top_gamma(field)] < counted * 2.5


def test_one_person_agrees_far_more_often_than_strangers_and_every_share_is_a_probability(region):
    _, model = region
    for field in READ:
        assert model.m[field][top_gamma(field)] > 10 * model.u[field][top_gamma(field)]
        for levels in (model.m[field], model.changed[field], model.u[field], model.kin[field]):
            assert levels.sum() == pytest.approx(1) and (levels > 0).all()
    for among in (0, 1):
        assert sum(shares[among] for shares in model.shares.values()) == pytest.approx(1)


def test_changed_people_agree_less_than_unchanged_ones(region):
    _, model = region
    top = {field: top_gamma(field) for field in READ}
    assert any(model.changed[field][top[field]] < model.m[field][top[field]] - 0.1 for field in READ)
