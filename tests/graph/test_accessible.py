"""The pack of a release as a run makes it: axe-core finds nothing wrong, on any screen."""

from pipelines.publish.release import current_release


def test_the_pack_of_a_release_is_accessible_on_every_screen(region, faults):
    assert faults(current_release(region.settings) / "board_pack.html") == []
