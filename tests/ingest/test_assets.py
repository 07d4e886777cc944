"""What Dagster shows of ingest: a partition a month with its own counts, checks that see the right partition."""

import dagster as dg
import pytest

from pipelines.ingest.assets import ingest_assets

FEED = "ae_attendances"
KEY = dg.AssetKey(["accepted", FEED])
RANGE = {"dagster/asset_partition_range_start": "2024-03", "dagster/asset_partition_range_end": "2024-05"}


@pytest.fixture
def three_months(region):
    """March is fine with one row refused, April is refused, May was not delivered."""
    region.deliver(rows=[{}, {}, {"EC_Arrival_Mode_SNOMED_CT": "999"}])
    april = {"Arrival_Date": "2024-04-05", "EC_Departure_Date": "2024-04-06"}
    (region.deliver(rows=[april], period="2024-04") / "people.parquet").unlink()
    return region


def materialize(region, downstream: bool = False, **how) -> dg.ExecuteInProcessResult:
    assets = [asset for asset in ingest_assets(region.settings) if asset.key == KEY]

    @dg.asset(deps=[KEY])
    def contacts() -> None:
        pass

    with dg.DagsterInstance.ephemeral() as instance:
        selected = [*assets, contacts] if downstream else assets
        return dg.materialize(selected, instance=instance, raise_on_error=False, **how)


def counts(result: dg.ExecuteInProcessResult) -> dict[str, tuple]:
    """By partition: rows received, accepted, refused and deliveries refused."""
    names = ("rows_received", "rows_accepted", "rows_refused", "deliveries_refused")
    events = [event.event_specific_data.materialization for event in result.get_asset_materialization_events()]
    return {e.partition: tuple(e.metadata[name].value for name in names) for e in events}


def gates(result: dg.ExecuteInProcessResult) -> dict[str | None, bool]:
    return {c.partition: c.passed for c in result.get_asset_check_evaluations() if c.check_name == "gate"}


def test_one_month(three_months) -> None:
    result = materialize(three_months, partition_key="2024-03")
    assert result.success
    assert counts(result) == {"2024-03": (9, 8, 1, 0)}
    assert gates(result) == {"2024-03": True}


def test_many_months_in_one_run_have_each_their_own_counts_and_checks(three_months) -> None:
    result = materialize(three_months, tags=RANGE)
    assert counts(result) == {"2024-03": (9, 8, 1, 0), "2024-04": (0, 0, 0, 1), "2024-05": (0, 0, 0, 0)}
    assert gates(result) == {"2024-03": True, "2024-04": False, "2024-05": True, None: False}


def test_rules_that_fail_are_told_by_month_and_kind_and_stop_nothing(three_months) -> None:
    result = materialize(three_months, downstream=True, tags=RANGE)
    told = {(c.check_name, c.partition): c for c in result.get_asset_check_evaluations() if c.partition}
    march = told["conformance", "2024-03"]
    assert (march.passed, march.severity) == (False, dg.AssetCheckSeverity.WARN)
    lines = march.metadata["failed"].value.splitlines()
    assert [line for line in lines if "code list ae_arrival_mode" in line and line.endswith("| 1 | 3 |")]
    assert told["plausibility", "2024-03"].passed
    assert told["conformance", "2024-05"].passed
    assert len(result.asset_materializations_for_node("contacts")) == 1


def test_a_refused_delivery_fails_its_check_and_does_not_hold_up_what_comes_after(three_months) -> None:
    result = materialize(three_months, downstream=True, partition_key="2024-04")
    assert result.success
    (gate,) = [check for check in result.get_asset_check_evaluations() if check.check_name == "gate"]
    assert (gate.passed, gate.severity) == (False, dg.AssetCheckSeverity.ERROR)
    assert "people.parquet: the file is missing" in gate.metadata["refused_because"].value
    assert len(result.asset_materializations_for_node("contacts")) == 1


def test_lost_rows_stop_what_comes_after(three_months, monkeypatch: pytest.MonkeyPatch) -> None:
    from pipelines.ingest import assets

    monkeypatch.setattr(assets, "_rows_written", lambda settings, month: {"people": 0, "attributes": 0, "activity": 0})
    result = materialize(three_months, downstream=True, partition_key="2024-03")
    assert not result.success
    assert not result.asset_materializations_for_node("contacts")


def test_without_a_partition_it_refuses(region) -> None:
    result = materialize(region)
    assert not result.success
    assert "choose a partition" in str(result.failure_data_for_node("accepted__ae_attendances").error)


def test_every_feed_is_an_asset_that_says_what_it_is(region) -> None:
    assets = ingest_assets(region.settings)
    assert [asset.key.path for asset in assets] == [["accepted", feed] for feed in region.settings.feeds]
    for asset in assets:
        (spec,) = asset.specs
        assert (spec.group_name, bool(spec.description)) == ("ingest", True)
        assert {check.name for check in asset.check_specs} == {
            "conservation", "gate", "conformance", "completeness", "plausibility",
        }  # fmt: skip
