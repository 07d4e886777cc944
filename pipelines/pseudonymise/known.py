"""Which people an extract has, remembered by 16 bytes each: to find a person twice, and events of nobody."""

import numpy as np

REF = "S16"  # a person_ref as bytes


class KnownPeople:
    """The person_refs of a people file. add() all of them, then close(), then ask."""

    def __init__(self):
        self._batches: list[tuple[np.ndarray, np.ndarray]] = []
        self._sorted = np.empty(0, REF)

    def add(self, refs: list[str], lines: np.ndarray) -> None:
        """Remember some people and the lines that they stand on."""
        self._batches.append((_bytes(refs), lines))

    def close(self) -> tuple[int, int] | None:
        """The first two lines with one person, or None if nobody is there twice."""
        if self._batches:
            self._sorted = np.concatenate([refs for refs, _ in self._batches])
            self._sorted.sort()
        twice = self._sorted[1:][self._sorted[1:] == self._sorted[:-1]]
        lines = self._lines_of_first_repeated(twice) if len(twice) else None
        self._batches = []
        return lines

    def first_stranger(self, refs: list[str]) -> int | None:
        """Place of the first ref that is of nobody known, or None."""
        asked = _bytes(refs)
        places = np.searchsorted(self._sorted, asked)
        known = np.zeros(len(asked), bool)
        inside = places < len(self._sorted)
        known[inside] = self._sorted[places[inside]] == asked[inside]
        return None if known.all() else int(np.argmin(known))

    def _lines_of_first_repeated(self, twice: np.ndarray) -> tuple[int, int]:
        seen: dict[bytes, int] = {}
        for refs, lines in self._batches:
            for place in np.flatnonzero(np.isin(refs, twice)).tolist():
                ref = refs[place]
                if ref in seen:
                    return seen[ref], int(lines[place])
                seen[ref] = int(lines[place])
        raise AssertionError("a repeated person_ref that no batch has")


def _bytes(refs: list[str]) -> np.ndarray:
    return np.frombuffer(bytes.fromhex("".join(refs)), REF)
