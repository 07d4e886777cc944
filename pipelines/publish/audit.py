"""An attack on the published board tables: what withheld counts of persons could be, as far as anybody can tell.

The attacker has the tables, knows the rule (counts of persons 1 to 7 are withheld, everything else is rounded) and what
adds up to what (sums.py), and can solve equations. Every published number is an interval, every withheld one an
interval too; sums, margins, people counted once or several times, and cells that several tables share, tie them together.
For each withheld cell the smallest and the largest number that fit are asked of a solver (scipy's HiGHS). Fewer than
`least_candidates` whole numbers mean that the cell is not hidden.

With a release that was published before, its tables are known as well: a cell of a period that both have is one and the
same number unless what was published of it has changed.

Left out: rates and minutes, which are withheld with their row and tell nothing about how many people they are of; what an
attacker knows from elsewhere; and why the algorithm withheld one neighbour rather than another.

What does not belong here: mending (secondary.py).
"""

import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from pipelines.publish.disclosure import REASON, REASON_NEIGHBOUR, reason_small_base, reason_too_few
from pipelines.publish.sums import Declared
from pipelines.settings import Settings

Cell = tuple[str, str, frozenset]  # what is counted, column, (dimension, label) pairs but for those of totals
Row = tuple[str, int]  # table, place of the row in it
Interval = tuple[float, float]
TOLERANCE = 1e-6  # of the solver
# Whole numbers are given up after so many nodes (not seconds: the same board must be the same on a busy machine): the best
# that was found counts, else the end among fractions. The seconds are a fuse, for a node that does not end.
GIVE_UP = {"node_limit": 200, "time_limit": 60.0}
INFEASIBLE = 2  # status of the solver


class NotConsistent(ValueError):
    """Published numbers that cannot all be true: something is declared that does not hold. `cells`: those in question."""

    def __init__(self, cells: Iterable[Cell]):
        self.cells = set(cells)
        super().__init__(
            f"{in_words(min(self.cells, key=str))} and the numbers tied to it contradict each other: what the headers of "
            "sql/board declare to add up does not"
        )


@dataclass(frozen=True)
class Table:
    """A board table as it is published: its rows by column, `withheld_reason` among them."""

    name: str
    declared: Declared
    rows: list[dict]

    def labels(self, row: dict) -> dict[str, str]:
        """The labels of a row by dimension, without those of totals."""
        wholes = self.declared.adds_up
        return {
            name: row[name]
            for name in self.declared.dimensions
            if name not in wholes or wholes[name].total is None or row[name] != wholes[name].total
        }

    def cell(self, row: dict, column: str) -> Cell:
        counts = row[self.declared.counts] if self.declared.counts_by else self.declared.counts
        return counts, column, frozenset(self.labels(row).items())


@dataclass
class Known:
    """What is known of a cell at once: an interval, whether it must stay hidden, the rows that it stands in."""

    low: float = 0
    high: float = math.inf
    hidden: bool = False
    published: bool = False
    rows: list[Row] = field(default_factory=list)


@dataclass(frozen=True)
class Relation:
    """low <= sum of the cells times their factors <= high."""

    terms: tuple[tuple[Cell, float], ...]
    low: float = 0
    high: float = 0


@dataclass(frozen=True)
class Finding:
    """What a withheld cell can be: whole numbers from low to high."""

    cell: Cell
    rows: tuple[Row, ...]
    low: float
    high: float

    @property
    def candidates(self) -> float:
        return self.high - self.low + 1


@dataclass(frozen=True)
class Audit:
    """What was tried, and what came of it. narrowest: the cell with fewest candidates, None if nothing is withheld."""

    cells: int
    withheld: int
    relations: int
    groups: int
    solved: int
    unsafe: list[Finding]
    narrowest: Finding | None


@dataclass
class System:
    """Cells and what ties them together."""

    cells: dict[Cell, Known]
    relations: list[Relation]


def system_of(tables: Iterable[Table], settings: Settings) -> System:
    """All that the tables say, and all that follows between their cells."""
    tables = list(tables)
    cells: dict[Cell, Known] = defaultdict(Known)
    for table in tables:
        for place, row in enumerate(table.rows):
            for column in table.declared.measures("people", "count"):
                _learn(cells[table.cell(row, column)], table, place, column, settings)
    relations = [relation for table in tables for relation in _within(table)]
    margins = _margins(tables)
    for table in tables:
        relations += _sums(table, margins, cells)
    return System(cells, relations)


def one_number(now: System, before: System, same_period: set[Cell]) -> set[Cell]:
    """Cells of `same_period` that both releases have and that can be one number by what was published of them."""
    return {
        cell
        for cell in same_period & now.cells.keys() & before.cells.keys()
        if max(now.cells[cell].low, before.cells[cell].low) <= min(now.cells[cell].high, before.cells[cell].high)
    }


def with_earlier(now: System, before: System, same: set[Cell]) -> System:
    """What is known from two releases, in which the cells of `same` are one number each."""
    cells = dict(now.cells)
    renamed = {}
    for cell, known in before.cells.items():
        if cell in same:
            mine, renamed[cell] = now.cells[cell], cell
            cells[cell] = Known(
                max(mine.low, known.low), min(mine.high, known.high), mine.hidden or known.hidden,
                mine.published or known.published, mine.rows,
            )  # fmt: skip
        else:
            renamed[cell] = ("before: " + cell[0], *cell[1:])
            cells[renamed[cell]] = Known(known.low, known.high, known.hidden, known.published)
    earlier = [
        Relation(tuple((renamed[cell], factor) for cell, factor in relation.terms), relation.low, relation.high)
        for relation in before.relations
    ]
    return System(cells, list(dict.fromkeys([*now.relations, *earlier])))


def audit(
    system: System, settings: Settings, seen: dict[Cell, Interval] | None = None, anew: Collection[Cell] = ()
) -> Audit:
    """Attacks every withheld cell. Raises NotConsistent if the published numbers contradict each other.

    seen: the smallest and largest that withheld cells were in truths that are possible here too, those of a system in which
    more was published, say; what is found is added to it, and the narrowest is looked for among the unsafe cells alone.
    anew: cells of which less is possible than in that system, so that nothing was seen of what is tied to them.
    """
    enough = math.inf if seen is None else settings.least_candidates
    seen = {} if seen is None else seen
    names = list(system.cells)
    place = {cell: number for number, cell in enumerate(names)}
    hidden = [place[cell] for cell, known in system.cells.items() if known.hidden]
    unsafe, narrowest, solved = [], None, 0
    attacks = [
        _Attack([names[number] for number in group.cells], group.relations, system, settings)
        for group in _groups(system, place)
    ]
    attacks = [attack for attack in attacks if attack.hidden]
    for attack in attacks:
        if not attack.place.keys().isdisjoint(anew):
            attack.forget(seen)
    for attack in attacks:
        for cell, low, high in attack.findings(seen, enough):
            finding = Finding(cell, tuple(system.cells[cell].rows), low, high)
            if finding.candidates < settings.least_candidates:
                unsafe.append(finding)
            if narrowest is None or finding.candidates < narrowest.candidates:
                narrowest = finding
                enough = min(enough, finding.candidates)
        solved += attack.solved
    return Audit(len(names), len(hidden), len(system.relations), len(attacks), solved, unsafe, narrowest)


def _learn(known: Known, table: Table, place: int, column: str, settings: Settings) -> None:
    """Adds what a row says about a cell."""
    row, declared = table.rows[place], table.declared
    known.rows.append((table.name, place))
    people = declared.roles[column] == "people"
    alone = len(declared.measures("people")) == 1
    if row[column] is not None:
        low, high = _rounded_from(row[column], settings.round_to)
        if people:
            smallest = settings.withhold_people_up_to + 1
            low, high = (max(low, smallest), high) if row[column] > 0 else (0, 0)
        known.published = True
    elif not row[REASON] or not people:
        return
    elif row[REASON] == reason_too_few(settings):
        low, high = (1, settings.withhold_people_up_to) if alone else (0, math.inf)
        known.hidden = True
    elif row[REASON] == reason_small_base(settings):
        low, high = 0, math.inf
        known.hidden = True
    elif row[REASON] == REASON_NEIGHBOUR:
        low, high = (settings.withhold_people_up_to + 1 if alone else 0), math.inf
    else:
        return
    known.low, known.high = max(known.low, low), min(known.high, high)
    if known.low > known.high:
        raise NotConsistent([table.cell(row, column)])


def _rounded_from(value: float, step: int) -> Interval:
    """The whole numbers from 0 that are rounded to `value`."""
    return max(0, math.ceil(value - step / 2)), math.ceil(value + step / 2) - 1


def _within(table: Table) -> Iterator[Relation]:
    audited = table.declared.measures("people", "count")
    for part, whole in table.declared.within:
        if part in audited and whole in audited:
            for row in table.rows:
                yield _at_most(table.cell(row, part), table.cell(row, whole))


def _at_most(part: Cell, whole: Cell) -> Relation:
    return Relation(((part, 1), (whole, -1)), -math.inf, 0)


def _margins(tables: list[Table]) -> dict[str, set[frozenset]]:
    """For all that is counted, the sets of dimensions in which tables have it, and those that two tables have in common."""
    published = defaultdict(set)
    for table in tables:
        for row in table.rows:
            counts, _, labels = table.cell(row, "")
            published[counts].add(frozenset(name for name, _ in labels))
    return {counts: sets | {one & other for one in sets for other in sets} for counts, sets in published.items()}


def _sums(table: Table, margins: dict[str, set[frozenset]], cells: dict[Cell, Known]) -> Iterator[Relation]:
    """Each margin as the sum of the rows below it; margins that nobody published become cells of their own."""
    for column in table.declared.measures("people", "count"):
        level: dict[tuple[str, frozenset], set[Cell]] = defaultdict(set)
        for row in table.rows:
            cell = table.cell(row, column)
            level[cell[0], frozenset(name for name, _ in cell[2])].add(cell)
        todo = sorted(level, key=lambda key: -len(key[1]))
        while todo:
            counts, fine = todo.pop(0)
            below = {
                coarse for coarse in margins[counts] if coarse < fine and fine - coarse <= table.declared.adds_up.keys()
            }
            for coarse in below:
                if any(coarse < between for between in below):
                    continue
                parts = defaultdict(list)
                for cell in level[counts, fine]:
                    kept = frozenset(pair for pair in cell[2] if pair[0] in coarse)
                    parts[counts, column, kept].append(cell)
                for whole, its_parts in parts.items():
                    cells[whole]
                    yield from _sum(table.declared, whole, its_parts, fine - coarse)
                if (counts, coarse) not in level:
                    level[counts, coarse] = set(parts)
                    todo.append((counts, coarse))
                    todo.sort(key=lambda key: -len(key[1]))


def _sum(declared: Declared, whole: Cell, parts: list[Cell], over: frozenset) -> Iterator[Relation]:
    """What holds between a whole and its parts over some dimensions."""
    wholes = [declared.adds_up[name] for name in over]
    in_part = any(each.in_part for each in wholes)
    exact = not in_part and (declared.roles[whole[1]] == "count" or all(each.people_once for each in wholes))
    if not in_part:
        terms = (*((cell, 1.0) for cell in sorted(parts, key=str)), (whole, -1.0))
        yield Relation(terms, 0, 0 if exact else math.inf)
    if not exact:
        yield from (_at_most(part, whole) for part in parts)


@dataclass(frozen=True)
class _Group:
    cells: list[int]
    relations: list[Relation]


def _groups(system: System, place: dict[Cell, int]) -> list[_Group]:
    """Cells that are tied together, group by group."""
    relations = [relation for relation in system.relations if _binds(relation, system.cells)]
    pairs = [(place[relation.terms[0][0]], place[cell]) for relation in relations for cell, _ in relation.terms[1:]]
    one, other = zip(*pairs, strict=True) if pairs else ((), ())
    ties = coo_array((np.ones(len(one)), (one, other)), shape=(len(place), len(place)))
    number, member = connected_components(ties, directed=False)
    groups = [_Group([], []) for _ in range(number)]
    for cell, group in enumerate(member):
        groups[group].cells.append(cell)
    for relation in relations:
        groups[member[place[relation.terms[0][0]]]].relations.append(relation)
    return groups


def _binds(relation: Relation, cells: dict[Cell, Known]) -> bool:
    """Whether a relation says more than what is known of each of its cells alone."""
    least = sum(factor * (cells[cell].low if factor > 0 else cells[cell].high) for cell, factor in relation.terms)
    most = sum(factor * (cells[cell].high if factor > 0 else cells[cell].low) for cell, factor in relation.terms)
    return least < relation.low or most > relation.high


class _Attack:
    """A group of cells as a system of inequalities.

    One solution is a possible truth for all cells at once: a cell that was seen with values far enough apart in the
    solutions so far is hidden, and needs no solving of its own. Fractions are allowed while a cell is far from the limit;
    near it the ends are looked for among whole numbers.
    """

    def __init__(self, cells: list[Cell], relations: list[Relation], system: System, settings: Settings):
        self.cells, self.settings, self.solved = cells, settings, 0
        self.place = place = {cell: number for number, cell in enumerate(cells)}
        known = [system.cells[cell] for cell in cells]
        self.hidden = [number for number, each in enumerate(known) if each.hidden]
        finite = [each.high for each in known if math.isfinite(each.high)]
        self.ceiling = 10 * max(finite, default=0) + 1000  # stands for "as many as you like": a solver wants a number
        self.bounds = Bounds([each.low for each in known], [min(each.high, self.ceiling) for each in known])
        entries = [(row, place[cell], factor) for row, each in enumerate(relations) for cell, factor in each.terms]
        self.constraints = []
        if entries:
            rows, columns, factors = zip(*entries, strict=True)
            matrix = coo_array((factors, (rows, columns)), shape=(len(relations), len(cells))).tocsr()
            limits = [each.low for each in relations], [each.high for each in relations]
            self.constraints = [LinearConstraint(matrix, *limits)]

    def findings(self, seen: dict[Cell, Interval], enough: float) -> Iterator[tuple[Cell, float, float]]:
        """Of each hidden cell the interval that is left: exact where it is narrow, else as far as it was seen to reach.

        The narrowest of all is exact if it has fewer than `enough` candidates. seen: as in `audit`.
        """
        low, high = self._seen_before(seen)
        if any(self.cells[each] not in seen for each in self.hidden):
            everyone = np.zeros(len(self.cells))
            everyone[self.hidden] = 1
            for objective in (everyone, -everyone):
                self._see(self._solve(objective), low, high)
        exact: dict[int, Interval] = {}
        wide = self.settings.withhold_people_up_to - 1
        while waiting := [each for each in self.hidden if each not in exact]:
            narrow = min(waiting, key=lambda each: high[each] - low[each])
            narrowest = min([enough - 1, *(end - start for start, end in exact.values())])
            if high[narrow] - low[narrow] >= min(wide, max(narrowest, self.settings.least_candidates - 1)):
                break
            for objective in self._both_ways(narrow):
                self._see(self._solve(objective), low, high)
            exact[narrow] = self._whole(low[narrow], high[narrow])
            if exact[narrow][1] - exact[narrow][0] <= self.settings.least_candidates:
                ends = [self._solve(objective, whole_numbers=True)[narrow] for objective in self._both_ways(narrow)]
                exact[narrow] = round(min(ends)), round(max(ends))
        for each in self.hidden:
            seen[self.cells[each]] = low[each], high[each]
            start, end = exact.get(each) or self._whole(low[each], high[each])
            yield self.cells[each], float(start), self._open(end)

    def forget(self, seen: dict[Cell, Interval]) -> None:
        """Takes out what was seen of the group's cells."""
        for each in self.hidden:
            seen.pop(self.cells[each], None)

    def _seen_before(self, seen: dict[Cell, Interval]) -> tuple[np.ndarray, np.ndarray]:
        """The smallest and the largest of each cell so far."""
        low = np.full(len(self.cells), math.inf)
        high = -low
        for each in self.hidden:
            low[each], high[each] = seen.get(self.cells[each], (math.inf, -math.inf))
        return low, high

    def _both_ways(self, cell: int) -> Iterator[np.ndarray]:
        """Objectives that make a cell as small, and as large, as it can be."""
        for sign in (1.0, -1.0):
            objective = np.zeros(len(self.cells))
            objective[cell] = sign
            yield objective

    def _whole(self, low: float, high: float) -> Interval:
        return math.ceil(low - TOLERANCE), math.floor(high + TOLERANCE)

    def _open(self, value: float) -> float:
        return math.inf if value >= self.ceiling else float(value)

    def _see(self, solution: np.ndarray, low: np.ndarray, high: np.ndarray) -> None:
        np.minimum(low, solution, out=low)
        np.maximum(high, solution, out=high)

    def _solve(self, objective: np.ndarray, whole_numbers: bool = False) -> np.ndarray:
        """A possible truth that makes the objective small; quicker if it may be one of fractions."""
        self.solved += 1
        integrality = np.full(len(self.cells), int(whole_numbers))
        options = GIVE_UP if whole_numbers else {}
        result = milp(
            objective, integrality=integrality, bounds=self.bounds, constraints=self.constraints, options=options
        )
        if result.x is None and whole_numbers and result.status != INFEASIBLE:
            return self._solve(objective)
        if result.x is None:
            raise NotConsistent(self.cells)
        return result.x


def in_words(cell: Cell) -> str:
    """A cell in words, such as 'people of missed doors (Need: Frailty)'."""
    labels = ", ".join(f"{name} {label}" for name, label in sorted(cell[2], key=str))
    return f"{cell[1]} of {cell[0]} ({labels or 'in all'})"
