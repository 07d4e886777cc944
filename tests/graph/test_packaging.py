"""The agency's side runs with the packages that it declares, without a network and without the hub's; and says so."""

import importlib.metadata
import json
import re
import subprocess
import sys
import tomllib

import pyarrow.parquet as pq
import pytest

from pipelines import cli
from pipelines.pseudonymise import encode
from pipelines.settings import PROJECT, Settings

DECLARED = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
OURS = ("pipelines.cli", "pipelines.settings", "pipelines.pseudonymise")

# Runs the command as an agency's computer would: every package but those allowed is absent, and so is the network.
ALONE = """
import sys

allowed, ours = {allowed!r}, {ours!r}

class Absent:
    def find_spec(self, name, path=None, target=None):
        root = name.split(".")[0]
        if root == "pipelines":
            present = name == root or any(name == part or name.startswith(part + ".") for part in ours)
        else:
            present = root in allowed or root in sys.stdlib_module_names or root.startswith("_sysconfigdata")
        if not present:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

def no_network(event, arguments):
    if event.startswith("socket.") and event != "socket.__new__":
        raise OSError(101, "Network is unreachable", event)

sys.meta_path.insert(0, Absent())
sys.addaudithook(no_network)
from pipelines.cli import main
sys.exit(main({argv!r}))
"""


def name_of(requirement: str) -> str:
    return re.match(r"[\w.-]+", requirement)[0].lower().replace("_", "-")


def with_what_they_need(packages: set[str]) -> set[str]:
    """The packages and all that they need without extras."""
    found, waiting = set(), set(packages)
    while waiting:
        package = waiting.pop()
        found.add(package)
        try:
            needed = importlib.metadata.requires(package) or []
        except importlib.metadata.PackageNotFoundError:  # needed on other platforms or Pythons alone
            continue
        waiting |= {name_of(text) for text in needed if "extra ==" not in text} - found
    return found


BASE = with_what_they_need({name_of(text) for text in DECLARED["dependencies"]})
ALLOWED = sorted(
    module
    for module, packages in importlib.metadata.packages_distributions().items()
    if {package.lower().replace("_", "-") for package in packages} & BASE
)


def alone(*argv: object, ours: tuple[str, ...] = OURS) -> subprocess.CompletedProcess:
    script = ALONE.format(allowed=ALLOWED, ours=ours, argv=[str(argument) for argument in argv])
    return subprocess.run([sys.executable, "-c", script], cwd=PROJECT, capture_output=True, text=True, check=False)


@pytest.fixture
def files(tmp_path):
    """Arguments of an agency's two small files, and its key."""
    (tmp_path / "people.csv").write_text(
        "local_person_id,forename,surname,date_of_birth,postcode\n1,Ada,Archer,1950-01-31,ZZ1 1AA\n"
    )
    (tmp_path / "activity.csv").write_text(
        "local_person_id,Event_Reference_Number,Client_Type,Event_Type,Event_Start_Date\n"
        "1,S1,Service User,Request,2024-03-05\n"
    )
    assert cli.main(["keygen", str(tmp_path / "key")]) == 0
    files = [
        "--people",
        tmp_path / "people.csv",
        "--activity",
        tmp_path / "activity.csv",
        "--key-file",
        tmp_path / "key",
    ]
    return ["social_care_events", "--agency", "LAWX", "--period", "2024-03", *files, "--out", tmp_path / "outbox"]


def test_the_agencys_packages_are_few_and_none_of_them_is_the_hubs() -> None:
    hub = {name_of(text) for text in DECLARED["optional-dependencies"]["hub"]}
    assert len(hub) > 5
    assert hub & BASE == set()
    assert {"pandas", "duckdb", "dagster", "splink"} <= hub


def test_an_agency_makes_a_key_and_a_delivery_with_its_own_packages_and_no_network(files, tmp_path) -> None:
    made = alone("keygen", tmp_path / "other key")
    assert (made.returncode, made.stderr) == (0, "")
    shown = alone("pseudonymise", *files, "--check")
    assert shown.returncode == 0
    assert "Nothing was written." in shown.stdout
    assert not (tmp_path / "outbox").exists()
    assert alone("pseudonymise", *files).returncode == 0
    (folder,) = (tmp_path / "outbox" / "LAWX" / "social_care_events" / "2024-03").iterdir()
    assert pq.read_metadata(folder / "people.parquet").num_rows == 1


def test_every_profile_has_its_columns_and_its_name_in_the_note(files, tmp_path) -> None:
    assert (cli.PROFILES, cli.DEFAULT_PROFILE) == (encode.PROFILES, encode.DEFAULT_PROFILE)
    for profile in encode.PROFILES:
        out = tmp_path / profile
        assert cli.main([str(a) for a in ("pseudonymise", *files[:-1], out, "--profile", profile)]) == 0
        (folder,) = out.glob("*/*/*/*")
        assert json.loads((folder / "delivery.json").read_text())["encoder"]["profile"] == profile
        assert pq.read_schema(folder / "people.parquet").names == ["person_ref", *encode.identity_columns(profile)]


@pytest.mark.parametrize(
    "command", [["run"], ["train"], ["link-benchmark", "--people", "a=b", "--out", "c"]], ids=lambda c: c[0]
)
def test_a_hub_command_without_the_hubs_packages_says_in_one_sentence_what_to_install(command, tmp_path) -> None:
    told = alone(*command, ours=("pipelines",))
    assert told.returncode == 2
    assert told.stdout == ""
    (line,) = told.stderr.splitlines()
    assert line.startswith(f"upstream {command[0]}: ")
    assert line.endswith("is not installed, which this command needs: pip install 'upstream-demand[hub]'")


def test_a_module_of_ours_that_is_missing_is_no_missing_package() -> None:
    assert "ModuleNotFoundError" in alone("status").stderr


def test_where_the_network_is_blocked_a_connection_fails() -> None:
    """The block that the other tests rely on."""
    script = ALONE.format(allowed=ALLOWED, ours=OURS, argv=["keygen", "--help"])
    connect = script.replace("from pipelines.cli import main", "import socket; socket.create_connection(('::1', 9))")
    assert (
        "Network is unreachable"
        in subprocess.run([sys.executable, "-c", connect], capture_output=True, text=True, check=False).stderr
    )


def test_the_agencys_help_is_apart_from_the_hubs(capsys) -> None:
    with pytest.raises(SystemExit):
        cli.main(["--help"])
    groups = {part.splitlines()[0]: part for part in capsys.readouterr().out.split("\n\n")}
    assert "pseudonymise" in groups["Inside an agency:"]
    assert "rekey-plan" in groups["At the hub:"]
    assert "privacy-attack" in groups["Trying out and measuring:"]


def test_a_key_on_the_command_line_is_not_taken_for_a_key_check(tmp_path, capsys, monkeypatch) -> None:
    monkeypatch.setenv("UPSTREAM_DATA", str(tmp_path))
    assert cli.main(["rekey-plan", "--start", "ab" * 32]) == 2
    told = capsys.readouterr()
    assert "ab" * 32 not in told.out + told.err


def test_a_hub_command_outside_the_project_says_what_it_needs(tmp_path, capsys, monkeypatch) -> None:
    monkeypatch.setattr(cli, "Settings", lambda: Settings(project=tmp_path))
    assert cli.main(["run"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "pip install 'upstream-demand[hub]'" in line
    assert "the project's own folder" in line


def test_an_agency_that_has_no_list_of_areas_hears_what_stays_empty(files, capsys, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(cli, "Settings", lambda: Settings(project=tmp_path))
    assert cli.main(["pseudonymise", *map(str, files)]) == 0
    assert "the deprivation quintile stays empty" in capsys.readouterr().out


@pytest.mark.parametrize("option", ["--key", "--secret", "--key-file-"])
def test_an_option_is_taken_by_its_whole_name_and_a_key_is_not_repeated(files, option, capsys) -> None:
    with pytest.raises(SystemExit):
        cli.main(["pseudonymise", *map(str, files), option, "ab" * 32])
    told = capsys.readouterr()
    assert option in told.err
    assert "abab" not in told.out + told.err
