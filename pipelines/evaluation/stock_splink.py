"""The yardstick: stock Splink 5 on the plaintext of people files, with its library comparisons, untuned.

Used by the linkage benchmark alone. Plaintext is what no hub has; a linkage on tokens has to beat it all the same.
"""

import logging
from pathlib import Path

import duckdb
import pandas as pd
import splink.comparison_library as cl
from splink import DuckDBAPI, Linker, SettingsCreator, block_on

THRESHOLDS = (0.5, 0.9, 0.99, 0.999)
LOWEST_PROBABILITY = 0.2  # of a pair that is kept at all
COLUMNS = ["forename", "surname", "date_of_birth", "postcode", "nhs_number", "sex"]


def link(people: dict[str, Path]) -> dict[float, pd.DataFrame]:
    """Threshold -> feed, local_person_id, person_id, for each of THRESHOLDS. people: feed -> people.csv."""
    records = _read(people)
    con = duckdb.connect()
    con.register("given", records[["unique_id", *COLUMNS]])
    con.execute("create table people as select * from given")
    linker = Linker(
        DuckDBAPI(con).register("people", dataset_display_name="people"), _settings(records), log_level=logging.ERROR
    )
    linker.training.estimate_probability_two_random_records_match(
        [block_on("forename", "surname", "date_of_birth"), block_on("date_of_birth", "postcode", "forename")],
        recall=0.6,
    )
    linker.training.estimate_u_using_random_sampling(max_pairs=2e6, seed=1)
    for rule in (block_on("date_of_birth"), block_on("forename", "surname")):
        linker.training.estimate_parameters_using_expectation_maximisation(rule)
    pairs = linker.inference.predict(threshold_match_probability=LOWEST_PROBABILITY)
    found = {}
    for threshold in THRESHOLDS:
        clusters = linker.clustering.cluster_pairwise_predictions_at_threshold(
            pairs, threshold_match_probability=threshold
        )
        table = con.execute(f"select unique_id, cluster_id as person_id from {clusters.physical_name}").df()
        table[["feed", "local_person_id"]] = table.unique_id.str.split("|", n=1, expand=True)
        found[threshold] = table[["feed", "local_person_id", "person_id"]]
    con.close()
    return found


def _read(people: dict[str, Path]) -> pd.DataFrame:
    tables = []
    for feed, path in sorted(people.items()):
        table = pd.read_csv(path, dtype=str, keep_default_na=False, na_values=[""]).assign(feed=feed)
        tables.append(table.reindex(columns=["feed", "local_person_id", *COLUMNS]))
    records = pd.concat(tables, ignore_index=True)
    for column in COLUMNS:
        if column != "date_of_birth":
            records[column] = records[column].astype("string").str.lower().str.strip()
    return records.assign(unique_id=records.feed + "|" + records.local_person_id)


def _settings(records: pd.DataFrame) -> SettingsCreator:
    comparisons = [
        cl.NameComparison("forename"),
        cl.NameComparison("surname"),
        cl.DateOfBirthComparison("date_of_birth", input_is_string=True),
        cl.PostcodeComparison("postcode"),
        cl.ExactMatch("sex"),
    ]
    rules = [
        block_on("date_of_birth", "substr(surname, 1, 1)"),
        block_on("forename", "surname"),
        block_on("postcode", "forename"),
        block_on("postcode", "surname"),
        block_on("date_of_birth", "forename"),
        block_on("surname", "substr(date_of_birth, 1, 7)"),
    ]
    if records.nhs_number.notna().any():
        comparisons.append(cl.ExactMatch("nhs_number"))
        rules.append(block_on("nhs_number"))
    return SettingsCreator(
        link_type="dedupe_only", comparisons=comparisons, blocking_rules_to_generate_predictions=rules
    )
