"""Every path, threshold and limit of the pipeline, each with its unit, in one typed object.

Nothing here reads data. A threshold has its home here and nowhere else.
"""

import os
from dataclasses import dataclass, field
from pathlib import Path

from pipelines.pseudonymise.errors import InputError

PROJECT = Path(__file__).resolve().parents[1]

ANALYST_TIMES = ("exact", "day", "week", "month")  # finest first
ANALYST_AREAS = ("lsoa", "ward")  # finest first


@dataclass(frozen=True)
class Settings:
    """Where things are and where the lines are drawn. `data` is the only folder that the hub writes to."""

    project: Path = PROJECT
    data: Path = field(default_factory=lambda: Path(os.environ.get("UPSTREAM_DATA", PROJECT / "data")).resolve())

    first_period: str = "2024-01"  # month in which the first partition starts
    threads: int = 2  # of DuckDB
    memory_limit: str = "8GB"  # of DuckDB while people are linked
    warehouse_memory: str = "5GB"  # of DuckDB while sql/ is built; the process takes up to a fifth more

    # linkage: probability that two records are one person, at and above which they are joined. At 0.5 a pair adds as
    # much as it costs, if probabilities mean what they say. docs/linkage.md has what other thresholds gave.
    join_probability: float = 0.5  # central
    join_probability_low: float = 0.05  # more links: the low threshold of every linkage interval
    join_probability_high: float = 0.95  # fewer links: the high threshold of every linkage interval

    linkage_draws: int = 100  # partitions drawn, under each of which every headline is computed
    linkage_draws_seed: int = 20240101

    # journeys
    spell_gap_days: int = 28  # a gap of this many days closes a spell
    handoff_days: int = 28  # longest time from a contact to the next one elsewhere
    bounce_hours: int = 72  # longest time from a contact to one with another agency for the same need
    agency_mix_days: int = 90  # days in which agencies are counted together
    unheard_days: int = 28  # days in which social care is to hear a notice that was shared with it
    unheard_crisis_days: int = 90  # days after a notice in which a crisis is looked for
    met_hours: int = 72  # hours in which another service is to see somebody whom the police dealt with
    persistence_months: tuple[int, ...] = (6, 12)  # lengths of the windows that persistence is looked at in

    # costs
    cost_price_year: str = "2023-24"  # financial year that costs are brought to where GDP deflators are set

    # data quality
    drift_least_share: float = 0.02  # of rows: a smaller change of completeness is never called drift
    drift_least_rows: int = 5  # rows: nor is one of fewer

    # disclosure control
    withhold_people_up_to: int = 7  # counts of persons 1..7 are withheld
    round_to: int = 5  # other counts
    least_candidates: int = 4  # whole numbers that a withheld count of persons may at least be, as far as can be told
    least_base: int = 20  # people; parts of fewer are withheld

    # analyst tables: the finest times and areas in a release; marts.release_risk says what each step buys. Exact times
    # tell the order within a day and the hour of demand, and LSOAs are what deprivation and offers are known by.
    analyst_time: str = field(default_factory=lambda: os.environ.get("UPSTREAM_ANALYST_TIME", "exact"))
    analyst_area: str = field(default_factory=lambda: os.environ.get("UPSTREAM_ANALYST_AREA", "lsoa"))
    risk_small_group: int = 5  # people; a group of fewer who are alike on what is known of them counts as small
    risk_people_asked: int = 10_000  # most people whose contacts are drawn as known; compared with everybody's
    risk_draws: int = 3  # times that known contacts are drawn of each of them
    risk_seed: int = 20240101

    releases_kept: int = 5
    deprecation_months: int = 3  # a published column stays this long after it is said that it will go

    # running it
    due_day: int = 10  # day of the next month by which a month's deliveries are to be there
    timezone: str = "Europe/London"  # of the monthly schedule
    landing_seconds: int = 120  # between two looks of the sensor at landing
    disk_per_landing: float = 4.0  # bytes that a run may need for each byte in landing: warehouse, spill, a release
    disk_least: int = 500_000_000  # bytes that a run may need whatever is in landing
    wait_minutes: int = 240  # longest time that a run of Dagster's waits for another one over the same data
    alert_command: str = field(default_factory=lambda: os.environ.get("UPSTREAM_ALERT_COMMAND", ""))
    alert_url: str = field(default_factory=lambda: os.environ.get("UPSTREAM_ALERT_URL", ""))

    def __post_init__(self) -> None:
        """Raises InputError for a time or an area that the analyst tables cannot have."""
        for name, value, known in (
            ("UPSTREAM_ANALYST_TIME", self.analyst_time, ANALYST_TIMES),
            ("UPSTREAM_ANALYST_AREA", self.analyst_area, ANALYST_AREAS),
        ):
            if value not in known:
                raise InputError(f"{name} is {value!r}, which is none of {', '.join(known)}. Set one of them.")

    @property
    def landing(self) -> Path:
        """Deliveries as received: <agency>/<feed>/<period>/<delivery id>/."""
        return self.data / "landing"

    @property
    def warehouse(self) -> Path:
        """Disposable: can be rebuilt from landing and state."""
        return self.data / "warehouse"

    @property
    def accepted(self) -> Path:
        """Accepted and refused rows per feed and month; no tokens."""
        return self.warehouse / "accepted"

    @property
    def linkage(self) -> Path:
        """Tokens, the person index and the quality of linkage; no attributes and no activity."""
        return self.warehouse / "linkage"

    @property
    def warehouse_db(self) -> Path:
        """The hub's DuckDB file; never handed to a reader."""
        return self.warehouse / "warehouse.duckdb"

    @property
    def state(self) -> Path:
        """What cannot be rebuilt: models, the person index of the last run, the hub's salt."""
        return self.data / "state"

    @property
    def releases(self) -> Path:
        return self.data / "releases"

    @property
    def public(self) -> Path:
        """The board part of releases that a named person approved."""
        return self.data / "public"

    @property
    def fictional(self) -> Path:
        """A file that is there if the demo made what is in the data folder: the pack then says that it is fiction."""
        return self.data / ".fictional"

    @property
    def dagster_home(self) -> Path:
        return self.data / "dagster"

    @property
    def reference(self) -> Path:
        """Versioned code lists, needs, offers and definitions (CSV, part of the project)."""
        return self.project / "data" / "reference"

    def reference_csv(self, table: str) -> Path:
        """A table of reference: the installation's own in data/state/reference, else the project's."""
        own = self.state / "reference" / f"{table}.csv"
        return own if own.exists() else self.reference / f"{table}.csv"

    @property
    def feed_contracts(self) -> Path:
        """One CSV a feed: the registry of feeds."""
        return self.project / "pipelines" / "pseudonymise" / "feeds"

    @property
    def sql(self) -> Path:
        return self.project / "sql"

    @property
    def expectations(self) -> Path:
        return self.project / "expectations"

    @property
    def feeds(self) -> list[str]:
        """Names of all feeds, sorted."""
        return sorted(path.stem for path in self.feed_contracts.glob("*.csv"))
