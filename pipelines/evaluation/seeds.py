"""The same work for many seeds in several processes, with one JSON line a seed in a file that an interrupted run goes on
with. The file's name says what the code was, so that a run of other code begins anew.
"""

import hashlib
import json
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]


def over_seeds(
    work: Callable[[int], dict], seeds: range, path: Path, processes: int, progress: Callable[[int, dict], None]
) -> list[dict]:
    """What `work` makes of each seed, in their order; those that `path` has already are read back.

    work: gives what JSON can hold; must be importable by another process. progress: told the number done, and the last.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    done = {line["seed"]: line["found"] for line in lines if line["seed"] in seeds}
    with ProcessPoolExecutor(processes) as pool, path.open("a", encoding="utf-8") as file:
        waiting = {pool.submit(work, seed): seed for seed in seeds if seed not in done}
        for future in as_completed(waiting):
            seed, found = waiting[future], future.result()
            done[seed] = found
            file.write(json.dumps({"seed": seed, "found": found}) + "\n")
            file.flush()
            progress(len(done), found)
    return [done[seed] for seed in seeds]


def code_digest(paths: Iterable[Path]) -> str:
    """8 hex characters of the contents of files, and of all that is in folders."""
    digest = hashlib.sha256()
    for path in paths:
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file() and "__pycache__" not in file.parts:
                digest.update(file.read_bytes())
    return digest.hexdigest()[:8]
