"""One at a time over a hub's data folder: runs, and the switch to another key."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager

from pipelines.settings import Settings


@contextmanager
def only_run(settings: Settings) -> Iterator[bool]:
    """Whether this is the only run over the data folder; the system gives the lock back however the run ends."""
    settings.data.mkdir(parents=True, exist_ok=True)
    with (settings.data / ".run.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
