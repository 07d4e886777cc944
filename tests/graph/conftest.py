"""A small fictional region that went the whole way once, for tests that look at what it left behind."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipelines import cli, runner
from pipelines.settings import Settings
from pipelines.synthetic.region import make_region

MONTHS = ["2024-01", "2024-02", "2024-03", "2024-04"]


@dataclass
class Region:
    """Agencies' plaintext and key on one side, the hub's data folder on the other."""

    agencies: Path
    key: Path
    settings: Settings

    def copy(self, data: Path, *folders: str) -> "Region":
        """The same agencies with another hub, which has copies of these folders of data."""
        for folder in folders:
            shutil.copytree(self.settings.data / folder, data / folder, symlinks=True)
        return Region(self.agencies, self.key, Settings(data=data))

    def deliver(
        self,
        agency: str,
        feed: str,
        period: str,
        people: Path | None = None,
        key: Path | None = None,
        activity: Path | None = None,
        options: tuple[str, ...] = (),
    ) -> Path:
        """One delivery by the command that an agency types; its folder."""
        source = self.agencies / agency / feed / period
        arguments = ["pseudonymise", feed, "--agency", agency, "--period", period, "--out", self.settings.landing]
        arguments += ["--people", people or source / "people.csv", "--key-file", key or self.key]
        arguments += ["--activity", activity or source / "activity.csv", "--lookup", source / "lookup.csv", *options]
        assert cli.main([str(argument) for argument in arguments]) == 0
        return max((self.settings.landing / agency / feed / period).iterdir())

    def deliver_all(self) -> None:
        for source in sorted(self.agencies.glob("*/*/*")):
            self.deliver(*source.parts[-3:])

    def run(self, **options) -> runner.Outcome:
        return runner.run(self.settings, progress=lambda line: None, **options)


@pytest.fixture(scope="session")
def region(tmp_path_factory) -> Region:
    folder = tmp_path_factory.mktemp("region")
    make_region(folder / "demo", people=1500, seed=5, months=len(MONTHS))
    assert cli.main(["keygen", str(folder / "key")]) == 0
    region = Region(folder / "demo" / "agencies", folder / "key", Settings(data=folder / "data"))
    region.deliver_all()
    outcome = region.run()
    assert not outcome.problems
    assert outcome.released
    return region
