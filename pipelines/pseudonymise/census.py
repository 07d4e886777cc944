"""From the children's services returns that a council makes anyway to people.csv and activity.csv, inside the council.

Reads the children in need census (XML, whatever its year: modules may be missing, elements are known by their local
name) and the SSDA903 tables of looked after children (CSV, known by their headers). One row of activity is one event:
a referral, an assessment, a section 47 enquiry, a plan, an episode of care, a time missing. Neither return has names,
addresses or NHS numbers, without which hardly a child could be linked to any other agency's records: those come from
the council's own register, a people.csv. What leaves the council is the business of `upstream pseudonymise`; everything
here is plaintext in the folder that the council chose.
"""

import csv
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from xml.parsers import expat

from . import contract
from .errors import InputError
from .records import PERIOD
from .tables import CsvReader

FEED = "children_in_need"
PIECE = 1 << 20  # bytes of XML read at once
SEXES = {"1": "M", "2": "F", "9": "X", "M": "M", "F": "F"}  # 0 and U are not known
# The Department for Education's ethnic codes, by the letter that they begin with, in the words of people.csv.
ETHNIC_GROUPS = {"W": "white", "M": "mixed", "A": "asian", "C": "asian", "B": "black", "O": "other"}
NO_ETHNIC_GROUP = ("REFU", "NOBT", "NONE", "")
# element of the census: module, its start, its end
MODULES = {
    "cindetails": ("CINdetails", "CINreferralDate", "CINclosureDate"),
    "assessments": ("Assessments", "AssessmentActualStartDate", "AssessmentAuthorisationDate"),
    "section47": ("Section47", "S47ActualStartDate", ""),
    "cinplandates": ("CINPlanDates", "CINPlanStartDate", "CINPlanEndDate"),
    "childprotectionplans": ("ChildProtectionPlans", "CPPstartDate", "CPPendDate"),
}
OF_THE_EPISODE = ("ReferralSource", "PrimaryNeedCode", "ReferralNFA", "ReasonForClosure")
OF_THE_EVENT = (
    "AssessmentFactors", "DateOfInitialCPC", "ICPCnotRequired", "InitialCategoryOfAbuse", "LatestCategoryOfAbuse",
    "NumberOfPreviousCPP",
)  # fmt: skip
HOME_AREA = "Der_Postcode_LSOA_2021_Code"


@dataclass
class Element:
    """One XML element: its local name in lower case, the line that it begins on, its text and what stands in it."""

    name: str
    line: int
    text: str = ""
    children: list["Element"] = field(default_factory=list)

    def all(self, name: str) -> list[str]:
        """Texts of all elements of that name anywhere in it, except in a module of its own."""
        found = []
        for child in self.children:
            if child.name == name.lower():
                found.append(child.text.strip())
            elif child.name not in MODULES:
                found += child.all(name)
        return [text for text in found if text]

    def one(self, name: str) -> str:
        """The first of them, or ''."""
        return next(iter(self.all(name)), "")

    def modules(self) -> Iterator["Element"]:
        """The modules in it."""
        for child in self.children:
            if child.name in MODULES:
                yield child
            yield from child.modules()


@dataclass
class Converted:
    """What was read: children by their local number and rows of activity, both with column names of the contract."""

    people: dict[str, dict[str, str]] = field(default_factory=dict)
    events: list[dict[str, str]] = field(default_factory=list)
    undated: list[str] = field(default_factory=list)  # places of events without a start date
    references: Counter = field(default_factory=Counter)

    def add(self, where: str, child: str, module: str, start: str, episode: str, **values: str) -> None:
        """One event. Without a start it belongs to no month and is told apart."""
        if not start:
            self.undated.append(where)
            return
        name = f"{child}|{module}|{start}"
        self.references[name] += 1
        self.events.append(
            {
                "local_person_id": child,
                "event_ref": f"{name}|{self.references[name]}",
                "episode_ref": f"{child}|{episode}",
                "module": module,
                "start_date": start,
                **values,
            }
        )


def convert(
    sources: list[Path],
    out: Path,
    register: Path | None = None,
    first_period: str | None = None,
    progress: Callable[[str], None] = lambda text: None,
) -> list[str]:
    """Writes out/<YYYY-MM>/people.csv and activity.csv, one folder for each month in which an event began.

    sources: census XML files, SSDA903 tables (CSV), or folders of them. register: a people.csv that knows the
    children by name. first_period: events that began before this month are left out. Returns sentences that tell what
    came of it. Raises InputError; then nothing is written.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(f"{out} is there already. Choose a new or an empty folder.")
    if first_period and not PERIOD.fullmatch(first_period):
        raise InputError(f"The first month must be written like 2026-01, not {first_period!r}.")
    found = Converted()
    for path in _files(sources):
        progress(f"reading {path}")
        (_read_census if path.suffix.lower() == ".xml" else _read_table)(path, found)
    if not found.events:
        raise InputError(f"{', '.join(map(str, sources))}: no event with a date in a known form was found.")
    known = _register(register)
    left = [event for event in found.events if first_period and event["start_date"][:7] < first_period]
    months: dict[str, list[dict[str, str]]] = {}
    for event in found.events:
        if not first_period or event["start_date"][:7] >= first_period:
            event[HOME_AREA] = known.get(event["local_person_id"], {}).get("lsoa", "")
            months.setdefault(event["start_date"][:7], []).append(event)
    _write(out, months, found.people, known)
    return _told(found, months, left, known if register else None)


def _files(sources: list[Path]) -> list[Path]:
    files = []
    for source in sources:
        if not source.exists():
            raise InputError(f"{source} is not there.")
        if source.is_dir():
            files += sorted(path for path in source.iterdir() if path.suffix.lower() in (".xml", ".csv"))
        else:
            files.append(source)
    if not files:
        raise InputError(f"{', '.join(map(str, sources))}: there is neither a census (.xml) nor a table (.csv) in it.")
    return files


def _read_census(path: Path, found: Converted) -> None:
    children = 0
    for child in _children(path):
        children += 1
        number = child.one("LAchildID")
        if not number:
            raise InputError(f"{path}, line {child.line}: a Child without an LAchildID. Complete it and export again.")
        died = _day(path, child, "PersonDeathDate")
        ethnic = child.one("Ethnicity").upper()
        _person(
            found.people,
            number,
            date_of_birth=_day(path, child, "PersonBirthDate"),
            sex=SEXES.get((child.one("Sex") or child.one("GenderCurrent")).upper(), ""),
            ethnic_group="" if ethnic in NO_ETHNIC_GROUP else ETHNIC_GROUPS.get(ethnic[:1], ""),
            date_of_death=died,
        )
        for episode in child.modules():
            if episode.name == "cindetails":
                _add_episode(path, number, episode, found)
    if not children:
        raise InputError(f"{path}: there is no Child in it. Is this a children in need census?")


def _add_episode(path: Path, number: str, episode: Element, found: Converted) -> None:
    """The referral and every module below it, each with what the census says of the episode as a whole."""
    whole = {name: episode.one(name) for name in OF_THE_EPISODE}
    for module in (episode, *episode.modules()):
        name, start, end = MODULES[module.name]
        values = {column: module.one(column) for column in OF_THE_EVENT}
        values["AssessmentFactors"] = ",".join(module.all("AssessmentFactors"))
        values["DateOfInitialCPC"] = _day(path, module, "DateOfInitialCPC")
        values["end_date"] = _day(path, module, end) if end else ""
        where = f"{path}, line {module.line}"
        found.add(where, number, name, _day(path, module, start), episode.one("CINreferralDate"), **whole | values)


def _day(path: Path, element: Element, name: str) -> str:
    """A date of the census as it is written there. Raises InputError for what is not a date."""
    text = element.one(name)
    if not text:
        return ""
    try:
        return date.fromisoformat(text[:10]).isoformat()
    except ValueError:
        raise InputError(
            f"{path}, line {element.line}, {name}: not a date such as 2026-01-31. Correct it and export again."
        ) from None


def _children(path: Path) -> Iterator[Element]:
    """Every Child of the file, one after the other, so that a large census does not have to fit into memory.

    A document type declaration is refused: a census has none, and it is what entities that expand without end or that
    fetch other files are declared in. Nothing is ever looked up elsewhere.
    """
    open_elements: list[Element] = []
    done: list[Element] = []
    parser = expat.ParserCreate(namespace_separator="}")
    parser.buffer_text = True

    def start(name: str, _: dict[str, str]) -> None:
        element = Element(name.rpartition("}")[2].lower(), parser.CurrentLineNumber)
        if open_elements and (open_elements[0].name == "child"):
            open_elements[-1].children.append(element)
            open_elements.append(element)
        elif element.name == "child":
            open_elements.append(element)

    def end(_: str) -> None:
        if open_elements and (element := open_elements.pop()) and not open_elements:
            done.append(element)

    def text(characters: str) -> None:
        if open_elements:
            open_elements[-1].text += characters

    def declaration(*_: object) -> None:
        raise InputError(
            f"{path}, line {parser.CurrentLineNumber}: a document type declaration, which a census does not have. "
            "Export the census again from the case management system."
        )

    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, text
    parser.StartDoctypeDeclHandler = declaration
    try:
        with open(path, "rb") as file:
            while piece := file.read(PIECE):
                parser.Parse(piece)
                yield from done
                done.clear()
            parser.Parse(b"", True)
    except expat.ExpatError as error:
        raise InputError(
            f"{path}, line {error.lineno}: not well-formed XML ({expat.errors.messages[error.code]}). "
            "The file may have been cut off or edited: export it again."
        ) from None
    yield from done


def _read_table(path: Path, found: Converted) -> None:
    """One SSDA903 table: header, episodes or missing. Others say nothing of events and are passed by."""
    with open(path, newline="", encoding="utf-8-sig", errors="replace") as file:
        columns = [name.strip().upper() for name in next(csv.reader(file), [])]
    kind = next((kind for kind, needed in TABLES.items() if needed <= set(columns)), None)
    if kind is None:
        return
    wanted = [contract.Column(name, "reference", False, "", "") for name in columns if name]
    with CsvReader(path, wanted, "leave out") as reader:
        for batch in reader:
            values = {name: batch[name].to_pylist() for name in columns if name}
            for place, line in enumerate(batch.lines):
                row = {name: values[name][place] for name in values}
                _add_row(f"{path}, line {line}", kind, row, found)


TABLES = {
    "header": {"CHILD", "SEX", "DOB", "ETHNIC"},
    "episodes": {"CHILD", "DECOM", "RNE", "DEC"},
    "missing": {"CHILD", "MIS_START", "MIS_END"},
}


def _add_row(where: str, kind: str, row: dict[str, str], found: Converted) -> None:
    child = row["CHILD"]
    if not child:
        raise InputError(f"{where}: CHILD is empty. Complete it and export again.")
    if kind == "header":
        ethnic = row["ETHNIC"].upper()
        _person(
            found.people,
            child,
            date_of_birth=_british_day(where, row, "DOB"),
            sex=SEXES.get(row["SEX"].upper(), ""),
            ethnic_group="" if ethnic in NO_ETHNIC_GROUP else ETHNIC_GROUPS.get(ethnic[:1], ""),
        )
    elif kind == "episodes":
        _person(found.people, child, postcode=row.get("HOME_POST", ""))
        start, end = _british_day(where, row, "DECOM"), _british_day(where, row, "DEC")
        codes = {name: row.get(name, "") for name in ("RNE", "LS", "PLACE")}
        found.add(where, child, "Episodes", start, start, end_date=end, PrimaryNeedCode=row.get("CIN", ""), **codes)
    else:
        _person(found.people, child, date_of_birth=_british_day(where, row, "DOB"))
        start, end = _british_day(where, row, "MIS_START"), _british_day(where, row, "MIS_END")
        found.add(where, child, "Missing", start, start, end_date=end)


def _british_day(where: str, row: dict[str, str], name: str) -> str:
    """A date of an SSDA903 table, which writes the day first, in ISO form."""
    text = row.get(name, "")
    if not text:
        return ""
    for form in ("%d/%m/%Y", "%Y-%m-%d"):
        try:
            return datetime.strptime(text[:10], form).date().isoformat()
        except ValueError:
            continue
    raise InputError(f"{where}, {name}: not a date such as 31/01/2026. Correct it and export again.")


def _person(people: dict[str, dict[str, str]], number: str, **values: str) -> None:
    """What is known of a child; a later value stands in for an earlier one, an empty one for none."""
    people.setdefault(number, {}).update({name: value for name, value in values.items() if value})


def _register(path: Path | None) -> dict[str, dict[str, str]]:
    """The rows of a people.csv by local_person_id."""
    known: dict[str, dict[str, str]] = {}
    if path is None:
        return known
    names = [column.name for column in contract.people_columns()]
    with CsvReader(path, contract.people_columns(), "leave out") as reader:
        for batch in reader:
            for values in zip(*(batch[name].to_pylist() for name in names), strict=True):
                row = dict(zip(names, values, strict=True))
                known[row["local_person_id"]] = {name: value for name, value in row.items() if value}
    return known


def _write(
    out: Path,
    months: dict[str, list[dict[str, str]]],
    people: dict[str, dict[str, str]],
    known: dict[str, dict[str, str]],
) -> None:
    """All folders beside `out`, readable by their owner alone, and then in one step in its place."""
    columns = {
        "people.csv": [column.name for column in contract.people_columns()],
        "activity.csv": [column.name for column in contract.activity_columns(FEED)],
    }
    beside = out.parent / f".{out.name}.new"
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(parents=True, mode=0o700)
    for period, events in sorted(months.items()):
        (beside / period).mkdir(mode=0o700)
        children = dict.fromkeys(event["local_person_id"] for event in events)
        rows = {
            "people.csv": [people.get(each, {}) | known.get(each, {}) | {"local_person_id": each} for each in children],
            "activity.csv": events,
        }
        for name, header in columns.items():
            handle = os.open(beside / period / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with open(handle, "w", newline="", encoding="utf-8") as file:
                writer = csv.DictWriter(file, header, restval="", lineterminator="\n")
                writer.writeheader()
                writer.writerows(rows[name])
    if out.exists():
        out.rmdir()
    beside.rename(out)


def _told(found: Converted, months: dict[str, list], left: list, known: dict[str, dict[str, str]] | None) -> list[str]:
    written = sum(map(len, months.values()))
    children = {event["local_person_id"] for events in months.values() for event in events}
    told = [f"{written:,} events of {len(children):,} children in {len(months):,} months"]
    if left:
        told.append(f"{len(left):,} events began before the first month asked for and were left out")
    if found.undated:
        told.append(
            f"{len(found.undated):,} events have no start date and were left out; the first: {found.undated[0]}"
        )
    if known is None:
        told.append(
            "The returns have no names, addresses or NHS numbers: without --register hardly a child can be linked to "
            "other agencies' records."
        )
    elif missing := len(children - known.keys()):
        told.append(f"{missing:,} children are not in the register and stay without a name")
    return told
