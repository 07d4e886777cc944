"""The partnership's key: made well, read with care, shown nowhere."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines import cli
from pipelines.pseudonymise.errors import InputError
from pipelines.pseudonymise.keys import read_key, subkey


def key_file(folder: Path, text: str = "ab" * 32, mode: int = 0o600) -> Path:
    path = folder / "a key"
    path.write_text(text)
    path.chmod(mode)
    return path


def test_a_new_key_is_256_bits_and_closed_to_others(tmp_path, capsys):
    before = os.umask(0)
    try:
        assert cli.main(["keygen", str(tmp_path / "key")]) == 0
    finally:
        os.umask(before)
    text = (tmp_path / "key").read_text().strip()
    assert len(bytes.fromhex(text)) == 32
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600
    told = capsys.readouterr()
    assert text not in told.out + told.err


def test_two_new_keys_differ(tmp_path):
    for name in ("one", "other"):
        cli.main(["keygen", str(tmp_path / name)])
    assert read_key(tmp_path / "one") != read_key(tmp_path / "other")


def test_a_key_is_never_overwritten(tmp_path):
    cli.main(["keygen", str(tmp_path / "key")])
    before = (tmp_path / "key").read_text()
    assert cli.main(["keygen", str(tmp_path / "key")]) == 2
    assert (tmp_path / "key").read_text() == before


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o601, 0o777])
def test_a_key_that_others_can_read_or_change_is_refused(tmp_path, mode):
    with pytest.raises(InputError, match="chmod 600"):
        read_key(key_file(tmp_path, mode=mode))


def test_a_refused_key_leaves_no_delivery(agency, capsys):
    agency.key.chmod(0o644)
    assert agency.run() == 2
    assert agency.key.read_text().strip() not in capsys.readouterr().err
    assert not agency.out.exists()


def test_of_a_link_the_file_behind_it_is_judged(tmp_path):
    (tmp_path / "link").symlink_to(key_file(tmp_path, mode=0o644))
    with pytest.raises(InputError, match="can be read by others"):
        read_key(tmp_path / "link")
    (tmp_path / "a key").chmod(0o600)
    assert read_key(tmp_path / "link") == bytes.fromhex("ab" * 32)


def test_a_closed_key_in_an_open_folder_is_fine(tmp_path):
    tmp_path.chmod(0o755)
    assert read_key(key_file(tmp_path)) == bytes.fromhex("ab" * 32)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to another user")
def test_a_key_of_another_user_is_refused(tmp_path):
    path = key_file(tmp_path)
    os.chown(path, 12345, 12345)
    with pytest.raises(InputError, match="belongs to another user"):
        read_key(path)


@pytest.mark.parametrize(
    "text",
    ["", "ab" * 31, "ab" * 33, "xy" * 32, "ab" * 32 + " comment", "ä" * 64, "ab" * 5_000_000],
    ids=["empty", "too short", "too long", "not hexadecimal", "with a comment", "not ASCII", "a large file"],
)
def test_what_is_not_a_key_is_refused_and_not_repeated(tmp_path, text):
    with pytest.raises(InputError, match="does not hold a key") as refused:
        read_key(key_file(tmp_path, text))
    assert not text or text not in str(refused.value)


def test_a_folder_is_not_a_key(tmp_path):
    with pytest.raises(InputError, match="cannot be read as a key file"):
        read_key(tmp_path)


def test_a_key_in_place_of_its_file_is_refused_and_not_repeated(agency, capsys):
    key = agency.key.read_text().strip()
    agency.key = Path(key)
    assert agency.run() == 2
    told = capsys.readouterr()
    assert "takes the name of a file" in told.err
    assert key not in told.out + told.err


def test_no_option_takes_a_key_and_none_repeats_it(agency, capsys):
    key = agency.key.read_text().strip()
    arguments = [a for a in agency.arguments(agency.people, None) if a not in ("--key-file", str(agency.key))]
    with pytest.raises(SystemExit) as refused:
        cli.main([*arguments, "--key", key])
    assert refused.value.code == 2
    told = capsys.readouterr()
    assert key not in told.out + told.err
    assert not agency.out.exists()


def test_each_purpose_has_a_key_of_its_own():
    purposes = ["person_ref", "reference", "key check", "token/dob", "token/postcode"]
    assert len({subkey(b"k" * 32, purpose) for purpose in purposes} | {b"k" * 32}) == len(purposes) + 1


def test_the_key_is_in_no_output_no_file_and_on_no_command_line(agency):
    """The process says what its own command line was, as everybody on the machine could read it."""
    program = (
        "import sys; from pipelines import cli; code = cli.main(sys.argv[1:]);"
        "print(open('/proc/self/cmdline', 'rb').read().decode(), open('/proc/self/environ', 'rb').read().decode());"
        "sys.exit(code)"
    )
    lookup = agency.folder / "lookup.csv"
    arguments = [*agency.arguments(agency.people, agency.activity), "--lookup", str(lookup)]
    done = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, check=True)
    key = agency.key.read_text().strip()
    everything = done.stdout + done.stderr + lookup.read_bytes()
    everything += b"".join(path.read_bytes() for path in agency.out.rglob("*") if path.is_file())
    assert b"--key-file" in everything
    assert key.encode() not in everything and bytes.fromhex(key) not in everything
