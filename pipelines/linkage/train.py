"""Learns a linkage model from a region's own people, without labels, and keeps it with its training record.

Three steps: `strangers` learns how often fields agree by chance (u); Splink estimates m (expectation maximisation);
`relations` then tells one person from kin, namesakes and strangers. A model is one JSON file in the state folder, named by its content, with a pointer to the
current one. Training that does not converge fails. Trained on the latest version of each client only.
"""

import hashlib
import json
import logging
import os
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import numpy as np
from splink import DuckDBAPI, Linker

from . import relations, score, signatures, strangers
from .comparisons import FIELDS, LEVELS, TOKENS, Representation, splink_settings
from .relations import Relations

MODEL_FORM = 3  # of the JSON file
PRIOR_RECALL = 0.7  # share of true pairs that the deterministic rules are taken to find, for the first guess only
LINKER_UID = "upstream"  # in place of Splink's random one
DIGITS = 6  # significant digits of Splink's estimates that are kept, so that the same people make the same model
HIGHEST_FIRST_PRIOR = 0.1
TRAINING_PAIRS = 1e6  # cap for each rule of expectation maximisation
TRAINING_CLIENTS = 150_000  # an even sample of about as many teaches the same; all pairs' shares are those of everybody
FEWEST_TRAINING_PAIRS = 50  # blocked pairs below which a rule teaches nothing


class NotConverged(RuntimeError):
    """Training did not settle; the model before it stays current."""


@dataclass(frozen=True)
class Model:
    """What linkage needs: relations to weigh pairs by, Splink's own settings, and how they were learnt."""

    relations: Relations
    splink: dict
    training: dict

    @property
    def version(self) -> str:
        """12 hex characters of the content."""
        return hashlib.sha256(self._text().encode()).hexdigest()[:12]

    def _text(self) -> str:
        content = {
            "form": MODEL_FORM,
            "levels": _level_names(),
            "relations": self.relations.to_json(),
            "splink": self.splink,
            "training": self.training,
        }
        return json.dumps(content, indent=1, sort_keys=True)

    def save(self, models: Path) -> Path:
        """Write <models>/<version>.json and point current.json at it; both by rename."""
        models.mkdir(parents=True, exist_ok=True)
        path = models / f"{self.version}.json"
        _write(path, self._text())
        _write(models / "current.json", json.dumps({"version": self.version}))
        return path


def read_model(path: Path) -> Model:
    content = json.loads(path.read_text())
    if content.get("form") != MODEL_FORM or content.get("levels") != _level_names():
        raise ValueError(
            f"{path} was trained for other comparisons than this version makes. Train a new one: upstream train"
        )
    return Model(Relations.from_json(content["relations"]), content["splink"], content["training"])


def _level_names() -> dict[str, list[str]]:
    return {field: [level.name for level in levels] for field, levels in LEVELS.items()}


def current_model(models: Path) -> Model | None:
    """The model that current.json points at, or None where none was trained yet."""
    pointer = models / "current.json"
    if not pointer.exists():
        return None
    return read_model(models / f"{json.loads(pointer.read_text())['version']}.json")


def _write(path: Path, text: str) -> None:
    building = path.with_name(f".{path.name}.{os.getpid()}")
    building.write_text(text)
    os.replace(building, path)


def learn(con: duckdb.DuckDBPyConnection, representation: Representation = TOKENS) -> Model:
    """A model learnt from table `versions`. Raises NotConverged."""
    one_in = 1 + con.execute("select max(client_id) from versions").fetchall()[0][0] // TRAINING_CLIENTS
    con.execute(
        f"""
        create or replace table training as
        select * from versions where is_latest and client_id % {one_in} = 0 order by record_id
        """
    )
    if representation.is_signed:  # Splink compares in SQL alone
        con.register("words", signatures.words(con, "training", signatures.WORD_COLUMNS))
        con.execute(
            "create or replace table training as from training inner join words using (record_id) order by record_id"
        )
        con.unregister("words")
    score.count_term_frequencies(con, representation)
    clients = con.execute("select count(*) from training").fetchall()[0][0]
    prior = _first_prior(con, clients, representation)
    u = strangers.chance_levels(con, representation, prior * clients)
    splink_model, record = _splink_model(con, prior, u, representation)
    m = _levels_of_splink(splink_model)
    prior = splink_model["probability_two_random_records_match"]
    score.block(con, "training", representation, hopeless=True)
    score.compare(con, "blocked", "compared", "training", representation)
    start = relations.first_guess(m, u, prior)
    observed, pairs_by_mask = _pattern_counts(con), _pairs_by_mask(con, representation)
    by_names = bool(con.execute("select count(sound_names_token) from training").fetchall()[0][0])
    fitted = relations.fit(observed, pairs_by_mask, clients, start, by_names)
    # In a sample a client meets fewer of its own records than among all.
    fitted = replace(fitted, partners=fitted.partners * one_in)
    record |= {
        "compared_by_names_alone": by_names,
        "clients": clients,
        "one_client_in": one_in,
        "pairs_compared": int(con.execute("select count(*) from compared").fetchall()[0][0]),
        "relations": {"iterations": fitted.iterations, "converged": fitted.converged},
    }
    record["converged"] = fitted.converged and all(rule.get("converged", True) for rule in record["rules"])
    if not record["converged"]:
        raise NotConverged("Training did not converge; the last model stays in use. Look at fields that came in empty.")
    for table in ("training", "blocked", "compared"):
        con.execute(f"drop table {table}")
    return Model(fitted, splink_model, record)


def _splink_model(
    con: duckdb.DuckDBPyConnection, prior: float, u: dict[str, np.ndarray], representation: Representation
) -> tuple[dict, dict]:
    """Splink's model as JSON and what happened in training it."""
    settings = splink_settings(representation, u)
    settings.probability_two_random_records_match = prior
    linker = Linker(DuckDBAPI(con).register("training"), settings, log_level=logging.ERROR)
    rules = []
    for name, rule in representation.training_rules.items():
        pairs = _pairs_found(con, rule)
        entry = {"rule": name, "pairs": pairs, "trained": pairs >= FEWEST_TRAINING_PAIRS}
        if entry["trained"]:
            session = linker.training.estimate_parameters_using_expectation_maximisation(rule, max_pairs=TRAINING_PAIRS)
            entry["iterations"] = len(session._core_model_settings_history) - 1
            entry["converged"] = entry["iterations"] < settings.max_iterations
        rules.append(entry)
    model = _rounded(linker.misc.save_model_to_json()) | {"linker_uid": LINKER_UID}
    fallback = [
        f"{comparison['output_column_name']}: {level['label_for_charts']}"
        for comparison in model["comparisons"]
        for level in comparison["comparison_levels"]
        if not level.get("is_null_level") and _is_starting_value(comparison["output_column_name"], level)
    ]
    return model, {"rules": rules, "starting_values_kept": fallback, "splink_prior_recall": PRIOR_RECALL}


def _rounded(value):
    """The same with every float at DIGITS significant digits: sums over threads differ in the last ones."""
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_rounded(item) for item in value]
    return float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value


def _first_prior(con: duckdb.DuckDBPyConnection, clients: int, representation: Representation) -> float:
    """First guess of the share of pairs that are one person, from rules that hardly ever join two people."""
    found = max(_pairs_found(con, rule) for rule in representation.deterministic_rules)
    return min((found + 1) / PRIOR_RECALL / max(clients * (clients - 1) / 2, 1), HIGHEST_FIRST_PRIOR)


def _pairs_found(con: duckdb.DuckDBPyConnection, rule: str) -> int:
    sql = f"select count(*) from training as l inner join training as r on {rule} and l.record_id < r.record_id"
    return con.execute(sql).fetchall()[0][0]


def _is_starting_value(field: str, level: dict) -> bool:
    return any(x.name == level["label_for_charts"] and x.m == level.get("m_probability") for x in LEVELS[field])


def _levels_of_splink(model: dict) -> dict[str, np.ndarray]:
    """m by field and gamma; a level that Splink could not learn keeps its starting value."""
    fallback = relations.starting_levels("m")
    made = {}
    for comparison in model["comparisons"]:
        field = comparison["output_column_name"]
        levels = [level for level in comparison["comparison_levels"] if not level.get("is_null_level")]
        values = np.array([level.get("m_probability") or np.nan for level in reversed(levels)], dtype=float)
        values = np.where(np.isfinite(values), values, fallback[field])
        values = np.maximum(values, relations.SMALLEST)
        made[field] = values / values.sum()
    return made


def _pattern_counts(con: duckdb.DuckDBPyConnection) -> np.ndarray:
    """Pairs of table `compared` by (within a feed or across, row of the pattern grid)."""
    gammas = ", ".join(f"gamma_{field}" for field in FIELDS)
    rows = con.execute(f"select across, {gammas}, count(*) from compared group by all order by all").fetchall()
    place = {tuple(row): i for i, row in enumerate(relations.pattern_grid().tolist())}
    counts = np.zeros((2, len(place)))
    for across, *pattern, pairs in rows:
        counts[int(across), place[tuple(pattern)]] = pairs
    return counts


def _pairs_by_mask(con: duckdb.DuckDBPyConnection, representation: Representation) -> np.ndarray:
    """All pairs of clients by (within a feed or across, presence mask of both)."""
    mask = " + ".join(
        f"(({representation.presence[field]} is not null)::integer << {i})" for i, field in enumerate(FIELDS)
    )
    rows = con.execute(f"select feed_id, {mask} as mask, count(*) from training group by all order by all").fetchall()
    pairs = np.zeros((2, 2 ** len(FIELDS)))
    for i, (feed, present, clients) in enumerate(rows):
        pairs[0, present] += clients * (clients - 1) / 2
        for other_feed, other_present, other_clients in rows[i + 1 :]:
            pairs[int(feed != other_feed), present & other_present] += clients * other_clients
    return pairs
