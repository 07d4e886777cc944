"""Dagster's web interface, queue, sensors and schedules over one data folder, in the foreground until it is stopped."""

import os
import sys
from pathlib import Path

import yaml

from pipelines.settings import Settings


def write_instance_config(settings: Settings) -> Path:
    """dagster.yaml of the data folder's own Dagster home: the project's, with all storage in this data folder."""
    config = yaml.safe_load((settings.project / "dagster.yaml").read_text(encoding="utf-8"))
    config["storage"]["sqlite"]["base_dir"] = str(settings.dagster_home)
    config["local_artifact_storage"]["config"]["base_dir"] = str(settings.dagster_home)
    settings.dagster_home.mkdir(parents=True, exist_ok=True)
    path = settings.dagster_home / "dagster.yaml"
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
    beside.replace(path)
    return path


def serve(settings: Settings, host: str, port: int) -> None:
    """Become `dagster dev` over this data folder. Does not return."""
    home = write_instance_config(settings).parent
    environment = os.environ | {"DAGSTER_HOME": str(home), "UPSTREAM_DATA": str(settings.data)}
    os.chdir(home)  # beside its own dagster.yaml
    workspace = ["-w", str(settings.project / "workspace.yaml")]
    dagster = [sys.executable, "-m", "dagster", "dev", *workspace, "--host", host, "--port", str(port)]
    sys.stdout.flush()
    os.execve(sys.executable, dagster, environment)
