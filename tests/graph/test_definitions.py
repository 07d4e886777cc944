"""What Dagster shows: every asset described, grouped and checked."""

import pytest

from pipelines.definitions import definitions
from pipelines.settings import Settings


@pytest.fixture(scope="module")
def graph(tmp_path_factory):
    return definitions(Settings(data=tmp_path_factory.mktemp("data"))).resolve_asset_graph()


def test_every_asset_is_described_and_grouped(graph):
    nodes = [graph.get(key) for key in graph.get_all_asset_keys()]
    assert len(nodes) > 40
    assert [node.key for node in nodes if not node.description or node.group_name == "default"] == []


def test_every_asset_has_a_check(graph):
    checked = {check.asset_key for check in graph.asset_check_keys}
    assert graph.get_all_asset_keys() - checked == set()
