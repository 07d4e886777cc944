"""What a killed run leaves behind: files that were being written apart, under a name that begins with a dot.

Nobody ever takes one for the whole file; they are removed so that they do not add up. Only whoever has the data folder
to itself may remove them. Those of a process that lives (its id is the name's end) stay: a review is taken in beside a run.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from pipelines.run_lock import process_exists
from pipelines.settings import Settings

OF_A_PROCESS = re.compile(r"\..+\.(\d+)")
OF_A_MONTH = re.compile(r"\..+\.new")


def clear_leftovers(settings: Settings) -> int:
    """Remove what killed runs left; how many files."""
    found = list(leftovers(settings))
    for path in found:
        path.unlink(missing_ok=True)
    return len(found)


def leftovers(settings: Settings) -> Iterator[Path]:
    """Half-written files of processes that are gone."""
    folders = [settings.state, settings.accepted, settings.linkage]
    candidates = [path for folder in folders for path in sorted(folder.rglob(".*"))]
    for path in [*candidates, *sorted(settings.data.glob(".*"))]:
        process = OF_A_PROCESS.fullmatch(path.name)
        if OF_A_MONTH.fullmatch(path.name) or (process and not process_exists(int(process[1]))):
            yield path
