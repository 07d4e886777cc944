"""A change of key or profile: the old way counts until everything has come in the new way, then the new way alone."""

import fcntl
import json
import shutil
import sys

import pyarrow.parquet as pq
import pytest

from pipelines import rekey
from pipelines.ingest import accept
from pipelines.ingest.accept import ingest_months
from pipelines.ingest.gate import Judgement
from pipelines.ingest.region import read_region
from pipelines.ingest.status import months_expected, status_rows
from pipelines.pseudonymise import encode
from pipelines.pseudonymise.errors import InputError

FEED = "ae_attendances"
FIRST, SECOND = "RAAA", "RBBB"  # agencies; the first sets the key
MONTHS = ("2024-03", "2024-04")


def deliver(region, agency: str, period: str, events: int = 2, **how):
    """One delivery with so many events in its month."""
    day = {"Arrival_Date": f"{period}-05", "EC_Departure_Date": f"{period}-06"}
    return region.deliver(FEED, rows=[day] * events, period=period, agency=agency, **how)


def take_in(region) -> None:
    for feed in region.settings.feeds:
        ingest_months(region.settings, feed, months_expected(region.settings))


def statuses(region) -> dict[tuple[str, str], list[str]]:
    """What became of the deliveries of each agency's month, in their order."""
    found: dict[tuple[str, str], list[str]] = {}
    for row in status_rows(region.settings):
        found.setdefault((row["agency"], row["period"]), []).append(row["status"])
    return found


def encodings_linked(region) -> set[tuple[str, str]]:
    """Key check and profile of the deliveries whose people linkage is given."""
    slot = ["agency", "feed", "period"]
    files = (region.settings.linkage / "people").glob("*/*.parquet")
    linked = {tuple(row.values()) for file in files for row in pq.read_table(file, columns=slot).to_pylist()}
    accepted = [row for row in status_rows(region.settings) if row["status"] == "accepted"]
    names = [(*given, row["delivery_id"]) for row in accepted if (given := tuple(row[name] for name in slot)) in linked]
    notes = [json.loads((region.settings.landing.joinpath(*name) / "delivery.json").read_text()) for name in names]
    return {(note["key_check"], note["encoder"]["profile"]) for note in notes}


@pytest.fixture(scope="module")
def taken_in(shared_region):
    """A region with two agencies and two months under the old key, taken in."""
    for agency in (FIRST, SECOND):
        for period in MONTHS:
            deliver(shared_region, agency, period)
    take_in(shared_region)
    return shared_region.settings.data


@pytest.fixture
def gated(region, taken_in):
    """A copy of it of one's own."""
    shutil.copytree(taken_in, region.settings.data)
    return region


@pytest.fixture
def open_gate(monkeypatch) -> None:
    """The gate takes a second each time and has tests of its own: here every row passes."""
    passed = Judgement([], {}, None)
    monkeypatch.setattr(accept, "judge", lambda settings, feed, file, files, profile: [passed] * len(files))


@pytest.fixture
def old(gated, open_gate):
    return gated


@pytest.fixture
def new_key(region) -> str:
    return encode.key_check(region.other_key)


def states(plan: rekey.Plan) -> dict[str, str]:
    return {f"{slot.agency}/{slot.period}": slot.state for slot in plan.slots}


def test_without_a_change_the_plan_lists_what_one_would_take(old) -> None:
    plan = rekey.plan(old.settings)
    assert states(plan) == dict.fromkeys(
        [f"{agency}/{month}" for agency in (FIRST, SECOND) for month in MONTHS], "to deliver"
    )
    said = rekey.describe(plan)
    assert f"key check {encode.key_check(bytes(range(32)))}" in said
    assert "these 4 months" in said
    assert "upstream rekey-plan --start" in said


def test_before_anything_is_accepted_there_is_nothing_to_change(region, new_key) -> None:
    for act in (lambda: rekey.plan(region.settings), lambda: rekey.start(region.settings, new_key)):
        with pytest.raises(InputError, match="nothing was accepted yet"):
            act()


def test_what_comes_under_the_new_key_is_held_and_the_old_goes_on_to_count(old, new_key) -> None:
    before = old.table("activity", FEED, MONTHS[0])
    rekey.start(old.settings, new_key)
    deliver(old, FIRST, MONTHS[0], key=old.other_key)
    take_in(old)
    assert statuses(old)[FIRST, MONTHS[0]] == ["accepted", "held"]
    assert old.table("activity", FEED, MONTHS[0]) == before
    (row,) = [row for row in status_rows(old.settings) if row["status"] == "held"]
    assert "upstream rekey-plan" in row["reason"]
    assert states(rekey.plan(old.settings)) == {
        f"{FIRST}/{MONTHS[0]}": "arrived",
        f"{FIRST}/{MONTHS[1]}": "to deliver",
        f"{SECOND}/{MONTHS[0]}": "to deliver",
        f"{SECOND}/{MONTHS[1]}": "to deliver",
    }


def deliver_all_anew(region, **how) -> None:
    for agency in (FIRST, SECOND):
        for period in MONTHS:
            deliver(region, agency, period, **how)
    take_in(region)


@pytest.mark.parametrize("change", ["key", "profile", "both"])
def test_one_step_moves_every_month_at_once(gated, change: str) -> None:
    how = {"key": {"key": gated.other_key}, "profile": {"profile": "untrusted-hub"}}
    how["both"] = how["key"] | how["profile"]
    key, profile = how[change].get("key", bytes(range(32))), how[change].get("profile", "trusted-hub")
    rekey.start(gated.settings, encode.key_check(key), profile)
    deliver_all_anew(gated, **how[change])
    assert encodings_linked(gated) == {(encode.key_check(bytes(range(32))), "trusted-hub")}
    rekey.finish(gated.settings)
    take_in(gated)
    assert encodings_linked(gated) == {(encode.key_check(key), profile)}
    assert set(map(tuple, statuses(gated).values())) == {("superseded", "accepted")}
    assert read_region(gated.settings).next is None


def test_the_switch_waits_for_every_month_that_counts(old, new_key) -> None:
    rekey.start(old.settings, new_key)
    deliver(old, FIRST, MONTHS[0], key=old.other_key)
    take_in(old)
    with pytest.raises(InputError, match=f"{SECOND}/{FEED}/{MONTHS[1]}"):
        rekey.finish(old.settings)
    assert statuses(old)[FIRST, MONTHS[0]] == ["accepted", "held"]


def test_months_that_cannot_be_delivered_again_may_become_gaps(old, new_key) -> None:
    rekey.start(old.settings, new_key)
    deliver(old, FIRST, MONTHS[0], key=old.other_key)
    take_in(old)
    rekey.finish(old.settings, accept_gaps=True)
    take_in(old)
    assert statuses(old)[FIRST, MONTHS[0]] == ["superseded", "accepted"]
    assert statuses(old)[SECOND, MONTHS[1]] == ["refused"]
    reasons = [row["reason"] for row in status_rows(old.settings) if row["status"] == "refused"]
    assert all("a key that the partnership has given up" in reason for reason in reasons)
    assert encodings_linked(old) == {(new_key, "trusted-hub")}


def test_nothing_that_has_not_been_looked_into_is_switched_over(old, new_key) -> None:
    rekey.start(old.settings, new_key)
    deliver_all_anew(old, key=old.other_key)
    deliver(old, FIRST, MONTHS[0], events=3, key=old.other_key)
    with pytest.raises(InputError, match="First: upstream run"):
        rekey.finish(old.settings)


def test_nothing_is_switched_while_nothing_has_arrived(old, new_key) -> None:
    rekey.start(old.settings, new_key)
    take_in(old)
    with pytest.raises(InputError, match="nothing has arrived"):
        rekey.finish(old.settings, accept_gaps=True)


def test_a_correction_in_the_old_way_overtakes_what_was_held(old, new_key) -> None:
    rekey.start(old.settings, new_key)
    deliver(old, FIRST, MONTHS[0], key=old.other_key)
    take_in(old)
    deliver(old, FIRST, MONTHS[0], events=3)
    take_in(old)
    assert statuses(old)[FIRST, MONTHS[0]] == ["superseded", "superseded", "accepted"]
    assert states(rekey.plan(old.settings))[f"{FIRST}/{MONTHS[0]}"] == "overtaken"


def test_a_new_delivery_that_the_gate_refuses_has_not_arrived(old, new_key) -> None:
    rekey.start(old.settings, new_key)
    (deliver(old, FIRST, MONTHS[0], key=old.other_key) / "people.parquet").write_bytes(b"cut short")
    take_in(old)
    assert statuses(old)[FIRST, MONTHS[0]] == ["accepted", "refused"]
    (slot,) = [slot for slot in rekey.plan(old.settings).slots if slot.state == "refused"]
    assert "cut short" in slot.reason


def test_a_third_key_is_refused_while_a_change_is_open(old, new_key) -> None:
    rekey.start(old.settings, new_key)
    deliver(old, FIRST, MONTHS[0], key=bytes(range(2, 34)))
    take_in(old)
    assert statuses(old)[FIRST, MONTHS[0]] == ["accepted", "refused"]


def test_the_new_key_with_the_old_profile_is_refused_by_what_is_wrong_with_it(old, new_key) -> None:
    rekey.start(old.settings, new_key, "untrusted-hub")
    deliver(old, FIRST, MONTHS[0], key=old.other_key)
    take_in(old)
    (row,) = [row for row in status_rows(old.settings) if row["status"] == "refused"]
    assert "--profile untrusted-hub" in row["reason"]


def test_a_month_that_has_come_only_in_the_new_way_is_held_and_holds_nothing_up(old, new_key) -> None:
    rekey.start(old.settings, new_key)
    deliver(old, FIRST, "2024-05", key=old.other_key)
    deliver_all_anew(old, key=old.other_key)
    assert statuses(old)[FIRST, "2024-05"] == ["held"]
    assert rekey.finish(old.settings).missing == []
    take_in(old)
    assert statuses(old)[FIRST, "2024-05"] == ["accepted"]


def test_a_change_that_is_dropped_leaves_everything_as_it_was(old, new_key) -> None:
    before = read_region(old.settings)
    rekey.start(old.settings, new_key)
    deliver(old, FIRST, MONTHS[0], key=old.other_key)
    take_in(old)
    rekey.cancel(old.settings)
    take_in(old)
    assert read_region(old.settings) == before
    assert statuses(old)[FIRST, MONTHS[0]] == ["accepted", "refused"]


def test_if_the_first_agency_had_the_wrong_key_its_months_alone_are_delivered_again(region, open_gate, new_key) -> None:
    deliver(region, FIRST, MONTHS[0])
    for period in MONTHS:
        deliver(region, SECOND, period, key=region.other_key)
    take_in(region)
    assert statuses(region)[SECOND, MONTHS[0]] == ["refused"]
    rekey.start(region.settings, new_key)
    deliver(region, FIRST, MONTHS[0], key=region.other_key)
    take_in(region)
    assert set(states(rekey.plan(region.settings)).values()) == {"arrived"}
    rekey.finish(region.settings)
    take_in(region)
    assert encodings_linked(region) == {(new_key, "trusted-hub")}
    assert statuses(region)[SECOND, MONTHS[1]] == ["accepted"]


def test_a_hub_that_no_longer_reads_the_old_encoder_plans_by_the_notes(old, new_key, monkeypatch) -> None:
    monkeypatch.setattr(encode, "ENCODER_VERSION", "next")
    take_in(old)
    assert {status for found in statuses(old).values() for status in found} == {"refused"}
    assert set(states(rekey.plan(old.settings)).values()) == {"to deliver"}
    assert len(rekey.plan(old.settings).missing) == 4


def test_the_model_is_chosen_anew_where_the_encoder_changes_and_kept_where_the_key_does(old, new_key) -> None:
    current = old.settings.state / "models" / "current.json"
    current.parent.mkdir()
    for key, profile, kept in ((old.other_key, "trusted-hub", True), (old.other_key, "untrusted-hub", False)):
        current.write_text('{"version": "0"}')
        rekey.start(old.settings, encode.key_check(key), profile)
        deliver_all_anew(old, key=key, profile=profile)
        rekey.finish(old.settings)
        take_in(old)
        assert current.exists() == kept


@pytest.mark.parametrize("typed", ["", "0123", "f" * 64, "F" * 16])
def test_only_a_key_check_opens_a_change_and_what_was_typed_is_not_repeated(old, typed: str) -> None:
    with pytest.raises(InputError, match="16 hexadecimal characters") as error:
        rekey.start(old.settings, typed)
    assert not typed or typed not in str(error.value)
    assert read_region(old.settings).next is None


def test_a_change_that_changes_nothing_or_goes_back_to_a_key_given_up_is_not_opened(old, new_key) -> None:
    with pytest.raises(InputError, match="already"):
        rekey.start(old.settings, encode.key_check(bytes(range(32))))
    rekey.start(old.settings, new_key)
    with pytest.raises(InputError, match="--cancel"):
        rekey.start(old.settings, "0" * 16)
    deliver_all_anew(old, key=old.other_key)
    rekey.finish(old.settings)
    with pytest.raises(InputError, match="given up"):
        rekey.start(old.settings, encode.key_check(bytes(range(32))))


def test_a_change_waits_for_a_run_that_is_under_way(old, new_key) -> None:
    with (old.settings.data / ".run.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(InputError, match="run is under way"):
            rekey.start(old.settings, new_key)


def test_a_kill_in_the_middle_of_the_switch_leaves_the_old_way(old, new_key, monkeypatch) -> None:
    rekey.start(old.settings, new_key)
    deliver_all_anew(old, key=old.other_key)
    with monkeypatch.context() as killed:
        killed.setattr(rekey, "write_region", lambda settings, region: sys.exit(9))
        with pytest.raises(SystemExit):
            rekey.finish(old.settings)
    assert encodings_linked(old) == set()
    take_in(old)
    assert encodings_linked(old) == {(encode.key_check(bytes(range(32))), "trusted-hub")}
    rekey.finish(old.settings)
    take_in(old)
    assert encodings_linked(old) == {(new_key, "trusted-hub")}


def test_a_region_that_was_set_before_profiles_had_a_name_can_be_moved(old, new_key) -> None:
    file = old.settings.state / "region.json"
    region = json.loads(file.read_text())
    file.write_text(json.dumps({name: region[name] for name in ("key_check", "encoder_checksum", "set_by")}))
    assert len(rekey.start(old.settings, new_key).missing) == 4
    assert read_region(old.settings).next.profile == encode.DEFAULT_PROFILE
