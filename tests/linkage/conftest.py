"""A small fictional background population and a hub to link it in: people are declared, tokens are made by the agency's
own code, and tests read who is together by the local ids that they gave."""

import random
import shutil
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.hub_salt import hub_salt
from pipelines.linkage import link, train
from pipelines.pseudonymise.delivery import pseudonymise
from pipelines.settings import Settings

KEY = bytes(range(32))
AGENCIES = {"police_incidents": "NPOL", "ae_attendances": "WEXH", "social_care_events": "LAWX"}
COLUMNS = ["local_person_id", "nhs_number", "nhs_number_status", "forename", "surname", "date_of_birth", "postcode"]
FORENAMES = [
    "oliver",
    "amelia",
    "george",
    "isla",
    "arthur",
    "ava",
    "noah",
    "mia",
    "leo",
    "lily",
    "harry",
    "florence",
    "oscar",
    "freya",
    "henry",
    "ivy",
    "theodore",
    "willow",
    "jack",
    "rosie",
    "charlie",
    "sophia",
    "freddie",
    "isabella",
    "archie",
    "grace",
    "thomas",
    "daisy",
    "alexander",
    "sienna",
    "william",
    "poppy",
    "joshua",
    "elsie",
    "edward",
    "emily",
    "albert",
    "ruby",
    "lucas",
    "evelyn",
    "mason",
    "phoebe",
    "max",
    "maya",
    "finley",
    "chloe",
    "adam",
    "layla",
    "samuel",
    "erin",
    "jacob",
    "zara",
]
SURNAMES = [
    "hartley",
    "pemberton",
    "okafor",
    "lindqvist",
    "tanaka",
    "morrison",
    "ashworth",
    "bexley",
    "carmichael",
    "drummond",
    "eastwood",
    "fairfax",
    "gallagher",
    "hollis",
    "ingram",
    "jarvis",
    "kowalski",
    "lambert",
    "merriweather",
    "norwood",
    "oakley",
    "prescott",
    "quigley",
    "rowntree",
    "sandford",
    "thackeray",
    "underhill",
    "vickers",
    "wainwright",
    "yardley",
    "abbott",
    "barlow",
    "crowther",
    "dewhurst",
    "elliot",
    "fletcher",
    "greenwood",
    "holroyd",
    "iqbal",
    "jessop",
]


@dataclass(frozen=True)
class Person:
    """What an agency knows of somebody."""

    forename: str
    surname: str
    date_of_birth: str
    postcode: str
    nhs_number: str = ""
    nhs_number_status: str = ""

    def but(self, **changed: str) -> "Person":
        return replace(self, **changed)


def nhs_number(serial: int) -> str:
    """A number with a right check digit, from the range that is never issued."""
    for candidate in range(999_000_000 + serial * 7, 999_999_999):
        digits = str(candidate)
        check = 11 - sum(int(d) * w for d, w in zip(digits, range(10, 1, -1), strict=True)) % 11
        if check != 10:
            return f"{digits}{check % 11}"
    raise ValueError("no number left")


def background(households: int = 350, seed: int = 5) -> list[Person]:
    """Families of one to four who share surname and postcode; everybody has an NHS number."""
    rng = random.Random(seed)
    people: list[Person] = []
    for house in range(households):
        surname = rng.choice(SURNAMES)
        postcode = f"WX{house % 20 + 1} {rng.randint(1, 9)}{rng.choice('ABDEFGH')}{rng.choice('JLNPQRS')}"
        for _ in range(rng.choice([1, 1, 2, 2, 3, 4])):
            born = f"{rng.randint(1935, 2012)}-{rng.randint(1, 12):02d}-{rng.randint(1, 28):02d}"
            people.append(Person(rng.choice(FORENAMES), surname, born, postcode, nhs_number(len(people)), "01"))
    return people


def slip(person: Person, rng: random.Random) -> Person:
    """The person as another agency wrote it down: now and then with an error or a gap."""
    if rng.random() < 0.06:
        place = rng.randrange(1, len(person.surname) - 1)
        person = person.but(surname=person.surname[:place] + rng.choice("aeionrst") + person.surname[place + 1 :])
    if rng.random() < 0.05:
        person = person.but(postcode="")
    if rng.random() < 0.08:
        person = person.but(postcode=f"WX{rng.randint(1, 20)} {rng.randint(1, 9)}UT")
    if rng.random() < 0.05:
        year, month, day = person.date_of_birth.split("-")
        person = person.but(date_of_birth=f"{year}-{month}-{(int(day) + 9) % 28 + 1:02d}")
    return person


def records(seed: int = 6) -> dict[str, dict[str, dict]]:
    """feed -> local id -> what that feed's agency wrote down: two agencies of three know each background person."""
    rng = random.Random(seed)
    found: dict[str, dict[str, dict]] = {feed: {} for feed in AGENCIES}
    for number, person in enumerate(background()):
        for feed in rng.sample(sorted(AGENCIES), 2):
            known = slip(person, rng)
            if feed == "police_incidents":
                known = known.but(nhs_number="", nhs_number_status="")
            found[feed][f"b{number}"] = asdict(known)
    return found


class Hub:
    """A data folder with accepted people in it, linked on demand."""

    def __init__(self, data: Path):
        self.settings = replace(Settings(), data=data)
        self.local_ids: dict[tuple[str, str], str] = {}

    def accept(self, people: dict[str, dict[str, dict]], period: str = "2025-01", shuffle: int | None = None) -> "Hub":
        """Write a month's accepted people (feed -> local id -> details). `shuffle`: seed of another order of rows."""
        for feed, known in people.items():
            rows = [{"local_person_id": local_id, **details} for local_id, details in known.items()]
            source = self.settings.data / f"{feed}.csv"
            source.parent.mkdir(parents=True, exist_ok=True)
            pd.DataFrame(rows, columns=COLUMNS).to_csv(source, index=False)
            contents = pseudonymise(feed, AGENCIES[feed], source, None, KEY, period)
            self.local_ids |= {(feed, ref): local_id for local_id, ref in contents.lookup}
            table = contents.people
            if shuffle is not None:
                order = list(range(len(table)))
                random.Random(shuffle).shuffle(order)
                table = table.take(order)
            slot = {"agency": AGENCIES[feed], "feed": feed, "period": period}
            for name, value in slot.items():
                table = table.append_column(name, pa.array([value] * len(table)))
            path = self.settings.linkage / "people" / feed / f"{period}.parquet"
            path.parent.mkdir(parents=True, exist_ok=True)
            pq.write_table(table, path)
        return self

    def take_state_of(self, other: "Hub") -> None:
        """The other hub's model, and its salt and person ids if it has linked."""
        shutil.copytree(other.settings.state, self.settings.state)

    def index(self) -> pd.DataFrame:
        """The person index after linking, with the local id of each record."""
        link(self.settings)
        index = pd.read_parquet(self.settings.linkage / "person_index.parquet")
        index["local_id"] = [self.local_ids[key] for key in zip(index.feed, index.person_ref, strict=True)]
        return index

    def person_of(self) -> dict[tuple[str, str], str]:
        """(feed, local id) -> person id."""
        index = self.index()
        return dict(zip(zip(index.feed, index.local_id, strict=True), index.person_id, strict=True))


@pytest.fixture(scope="session")
def known() -> dict[str, dict[str, dict]]:
    """The background population's records."""
    return records()


@pytest.fixture(scope="session")
def trained(tmp_path_factory, known) -> Hub:
    """A hub with the background population and a model trained on it. Not to be changed."""
    hub = Hub(tmp_path_factory.mktemp("trained")).accept(known)
    train(hub.settings)
    hub_salt(hub.settings.state)
    return hub


@pytest.fixture(scope="module")
def hub_with(tmp_path_factory, known, trained):
    """Makes a hub with the background population and further records (feed -> local id -> details).

    `shuffle`: seed of another order of rows. `with_state_of_last`: take over the state of the hub made last before it.
    """
    made: list[Hub] = []

    def make(further: dict[str, dict[str, dict]], shuffle: int | None = None, with_state_of_last: bool = False) -> Hub:
        together = {feed: known[feed] | further.get(feed, {}) for feed in known}
        hub = Hub(tmp_path_factory.mktemp("hub"))
        hub.take_state_of(made[-1] if with_state_of_last else trained)
        made.append(hub.accept(together, shuffle=shuffle))
        return hub

    return make


@pytest.fixture
def empty_hub(tmp_path):
    """Makes a hub without a model that has accepted these people alone."""
    return lambda people: Hub(tmp_path).accept(people)
