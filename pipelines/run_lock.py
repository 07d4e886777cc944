"""One at a time over a hub's data folder: runs however they are started, and the switch to another key."""

import fcntl
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import IO

from pipelines.settings import Settings


@dataclass(frozen=True)
class Holder:
    """Who has the data folder to itself."""

    what: str
    pid: int
    since: str  # local time, to the second

    def __str__(self) -> str:
        return f"{self.what} (process {self.pid}, since {self.since})"


@contextmanager
def only_run(settings: Settings, what: str = "another run") -> Iterator[bool]:
    """Whether this is the only run over the data folder; the system gives the lock back however the run ends.

    what: what others are told is under way.
    """
    with _lock_file(settings) as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        held = Holder(what, os.getpid(), datetime.now().astimezone().isoformat(" ", "seconds"))
        lock.seek(0)
        lock.truncate()
        lock.write(json.dumps(asdict(held)))
        lock.flush()
        yield True


def holder(settings: Settings) -> Holder | None:
    """Who holds the lock at this moment, or None."""
    if not _path(settings).exists():
        return None
    with _path(settings).open() as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return _as_written(lock)
    return None


def process_mark() -> str:
    """Names this process among all that ever ran here: host, process id and, where the system tells, when it began."""
    return f"{socket.gethostname()}/{os.getpid()}/{_began(os.getpid())}"


def is_gone(mark: str) -> bool:
    """Whether the process of a mark has ended. Of another host's processes nothing is known: they are not gone."""
    host, pid, began = mark.rsplit("/", 2)
    if host != socket.gethostname():
        return False
    return _began(int(pid)) != began if began else not process_exists(int(pid))


def process_exists(pid: int) -> bool:
    """Whether a process of this id runs on this host, whoever started it."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _began(pid: int) -> str:
    """When the process began, in ticks of the system; empty if it has ended or the system does not tell."""
    try:
        state, *fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if state in "ZX" else fields[18]


def _path(settings: Settings) -> Path:
    return settings.data / ".run.lock"


def _lock_file(settings: Settings) -> IO[str]:
    settings.data.mkdir(parents=True, exist_ok=True)
    return _path(settings).open("a+")  # what the holder wrote stays until the lock is ours


def _as_written(lock: IO[str]) -> Holder:
    try:
        return Holder(**json.loads(lock.read()))
    except (ValueError, TypeError):
        return Holder("another run", 0, "just now")
