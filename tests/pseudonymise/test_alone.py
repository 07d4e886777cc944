"""The agency's side stands alone: four packages, no network, no other part of this project but the command itself."""

import os
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).parents[2]
# Refuses every module that is neither Python's own nor on the list, and every socket.
ALONE = """
import importlib.abc, socket, sys
ALLOWED = {"pipelines", "pyarrow", "numpy", "cryptography", "jellyfish", "_cffi_backend"}

class Nothing(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        top = name.split(".")[0]
        if top not in ALLOWED | sys.stdlib_module_names and not top.startswith("_sysconfigdata"):
            raise ModuleNotFoundError(f"{name} is not part of the agency's side", name=name)

def no_socket(*_, **__):
    raise OSError("the agency's side needs no network")

sys.meta_path.insert(0, Nothing())
socket.socket.connect = socket.create_connection = socket.getaddrinfo = no_socket
"""
COMMAND = "from pipelines import cli; code = cli.main(sys.argv[1:])\n"
PARTS = "print(sorted({name.split('.')[1] for name in sys.modules if name.startswith('pipelines.')})); sys.exit(code)"


def alone(program: str, *arguments: str) -> subprocess.CompletedProcess:
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    command = [sys.executable, "-c", ALONE + program, *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_what_the_test_blocks_is_blocked():
    assert "ModuleNotFoundError" in alone("import duckdb").stderr
    assert "ModuleNotFoundError" in alone("import pandas").stderr
    assert "needs no network" in alone("import urllib.request as u; u.urlopen('http://127.0.0.1:1')").stderr


def test_a_delivery_is_written_with_four_packages_and_no_network(agency):
    done = alone(COMMAND + PARTS, *agency.arguments(agency.people, agency.activity))
    assert done.returncode == 0, done.stderr
    assert len(agency.table("people")) == 3 and len(agency.table("activity")) == 2
    assert done.stdout.splitlines()[-1] == "['cli', 'pseudonymise', 'settings']"


def test_a_check_and_a_new_key_need_no_more(agency):
    assert alone(COMMAND + PARTS, *agency.arguments(agency.people, agency.activity), "--check").returncode == 0
    assert alone(COMMAND + PARTS, "keygen", str(agency.folder / "another key")).returncode == 0


def test_nothing_of_the_agencys_side_imports_another_part_of_the_project():
    for module in (PROJECT / "pipelines" / "pseudonymise").glob("*.py"):
        lines = [line.strip() for line in module.read_text().splitlines()]
        assert not [line for line in lines if line.startswith(("from pipelines", "import pipelines", "from .."))], (
            module
        )
