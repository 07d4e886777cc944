"""Why records are one person, as somebody at the hub asks for it: sentences, a drawing, and what became of an id."""

import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from pipelines import cli
from pipelines.linkage import decisions, explain, relations
from pipelines.linkage.comparisons import FIELDS, LEVELS, top_gamma
from pipelines.linkage.decisions import KEY, Decision
from pipelines.linkage.review import GAMMAS
from pipelines.linkage.train import current_model
from pipelines.pseudonymise.errors import InputError

JANE = {
    "forename": "margaret",
    "surname": "thistlewood",
    "date_of_birth": "1951-03-07",
    "postcode": "WX3 4AJ",
    "nhs_number": "9996300072",
    "nhs_number_status": "01",
}
ELSEWHERE = JANE | {"surname": "thistlewoode", "postcode": "WX17 9XY", "nhs_number": "", "nhs_number_status": ""}


@pytest.fixture(scope="module")
def jane(hub_with):
    """A linked hub and the id of a person whom three agencies know."""
    hub = hub_with(
        {
            "ae_attendances": {"jane": JANE},
            "social_care_events": {"jane": JANE},
            "police_incidents": {"jane": ELSEWHERE},
        }
    )
    index = hub.index()
    (person_id,) = set(index.person_id[index.local_id == "jane"])
    return hub, index, person_id


@pytest.fixture
def upstream(jane, monkeypatch, capsys):
    monkeypatch.setenv("UPSTREAM_DATA", str(jane[0].settings.data))

    def run(*arguments: object) -> tuple[int, str, str]:
        code = cli.main([str(argument) for argument in arguments])
        return code, *capsys.readouterr()

    yield run
    (jane[0].settings.state / decisions.FILE).unlink(missing_ok=True)


def test_every_pair_has_its_sentence_with_levels_weights_and_probability(jane, upstream):
    code, out, _ = upstream("explain", jane[2])
    assert code == 0 and out.startswith(
        f"{jane[2]}: 3 records of ae_attendances, police_incidents, social_care_events."
    )
    sentences = [line for line in out.splitlines() if line.endswith("one person.")]
    assert len(sentences) == 3
    same = next(line for line in sentences if "police_incidents" not in line)
    for field in ("forename", "surname", "birth date", "postcode", "NHS number"):
        assert re.search(rf"{field} the same \(\+\d+\.\d\)", same)
    other = next(line for line in sentences if "police_incidents" in line)
    assert re.search(r"surname close \(\+\d+\.\d\)", other) and re.search(r"postcode different \(-\d+\.\d\)", other)
    assert "NHS number cannot be told" in other


def test_no_value_no_token_and_no_agency_pseudonym_is_told(jane, upstream, tmp_path):
    hub, index, person_id = jane
    _, out, _ = upstream("explain", person_id, "--svg", tmp_path / "jane.svg")
    told = out.lower() + (tmp_path / "jane.svg").read_text().lower()
    refs = index.person_ref[index.person_id == person_id]
    files = (hub.settings.linkage / "people").glob("*/*.parquet")
    rows = [row for file in files for row in pq.read_table(file).to_pylist() if row["person_ref"] in set(refs)]
    tokens = {
        str(value) for row in rows for name, value in row.items() if name.endswith("_token") and value is not None
    }
    assert tokens
    for hidden in (*JANE.values(), *ELSEWHERE.values(), *refs, *tokens):
        assert len(hidden) < 3 or hidden.lower() not in told


def test_the_weights_of_the_fields_add_up_to_the_match_weight_of_their_levels(jane):
    model = current_model(jane[0].settings.state / "models").relations
    patterns = np.array([[top_gamma(field) for field in FIELDS], [0, -1, top_gamma("dob"), 1, -1]], dtype=np.int8)
    for across in (False, True):
        for pattern, weight in zip(patterns, relations.match_weight(model, across, patterns), strict=True):
            parts = explain.field_weights(model, across, pattern)
            assert sum(parts) == pytest.approx(weight)
            assert [part for part, gamma in zip(parts, pattern, strict=True) if gamma < 0] == [0] * (pattern < 0).sum()


def test_the_drawing_is_one_svg_with_every_record_and_the_weakest_bridge_marked(jane, upstream, tmp_path):
    code, out, _ = upstream("explain", jane[2], "--svg", tmp_path / "jane.svg")
    assert code == 0 and f"Drawn in {tmp_path / 'jane.svg'}." in out
    text = (tmp_path / "jane.svg").read_text()
    root = ElementTree.fromstring(text)
    space = "{http://www.w3.org/2000/svg}"
    assert len(root.findall(f"{space}circle")) == 3
    assert len([line for line in root.findall(f"{space}line") if line.get("stroke-dasharray")]) == 1
    assert "href" not in text and "url(" not in text


def test_a_human_decision_is_named_with_actor_and_reason(jane, upstream):
    hub, index, person_id = jane
    refs = [tuple(row) for row in index.loc[index.person_id == person_id, KEY].sort_values(KEY).values[:2]]
    decision = Decision(*refs, "must-link", "Ann", "both files looked up", "2099-12", "2025-01-01T00:00:00+00:00")
    decisions.append(hub.settings.state, [decision])
    _, out, _ = upstream("explain", person_id)
    assert "Ann decided one person (both files looked up), until 2099-12." in out


def planted(folder: Path, people: dict[str, str], pairs: list[tuple[str, str, float]]) -> Path:
    """What a linkage of declared records (ref -> person) and pairs would have left, all details the same."""
    index = pd.DataFrame([("A", "f", ref, person) for ref, person in people.items()], columns=[*KEY, "person_id"])
    rows = [("A", "f", l, "A", "f", r, *(top_gamma(f) for f in FIELDS), 30.0, p, 9.0, False) for l, r, p in pairs]
    sides = [f"{name}_{side}" for side in "lr" for name in KEY]
    columns = [*sides, *GAMMAS, "match_weight", "match_probability", "evidence", "number_alone"]
    (folder / "people" / "f").mkdir(parents=True)
    (folder / "people" / "f" / "2025-01.parquet").touch()
    index.to_parquet(folder / "person_index.parquet")
    pd.DataFrame(rows, columns=columns).to_parquet(folder / "client_pairs.parquet")
    pd.DataFrame(columns=["person_id", "other_person_id", "reason"], dtype=str).to_parquet(
        folder / "review_queue.parquet"
    )
    return folder


def told(folder: Path, person_id: str, model) -> str:
    return explain.as_text(explain.explain(folder, folder, person_id, 0.5), model.relations)


@pytest.fixture
def model(jane):
    return current_model(jane[0].settings.state / "models")


def test_what_falls_apart_without_the_weakest_bridge_is_said(tmp_path, model):
    pairs = [("a", "b", 0.99), ("c", "d", 0.99), ("b", "c", 0.8), ("a", "d", 0.1)]
    text = told(planted(tmp_path, dict.fromkeys("abcd", "P1"), pairs), "P1", model)
    assert "Weakest bridge: record 2 and record 3, 80.0 %." in text
    assert "falls apart: record 1, 2 on one side, record 3, 4 on the other." in text
    assert "2 of 6 pairs were never scored" in text
    drawn = [line for line in text.splitlines() if "<- weakest bridge" in line]
    assert len(drawn) == 1 and "80.0 % record 3 of f (A)" in drawn[0]


def test_a_bridge_that_others_would_replace_is_not_said_to_hold_the_person(tmp_path, model):
    pairs = [("a", "b", 0.99), ("b", "c", 0.8), ("a", "c", 0.7)]
    text = told(planted(tmp_path, dict.fromkeys("abc", "P1"), pairs), "P1", model)
    assert "Without it 1 other pair of up to 70.0 % would still tie record 1, 2 to record 3." in text


def test_a_person_of_one_record_needs_no_explanation(tmp_path, model):
    text = told(planted(tmp_path, {"a": "P1", "b": "P2"}, [("a", "b", 0.2)]), "P1", model)
    assert text.endswith("One record: there is no link to explain.")


def test_an_id_of_the_past_is_told_what_became_of_it(tmp_path):
    planted(tmp_path, {"a": "P1"}, [("a", "b", 0.2)])
    history = [
        (2, "2025-02", "merge", "P7", "P1", 1),
        (2, "2025-02", "split", "P8", "P1", 1),
        (3, "2025-03", "merge", "P8", "P1", 1),
        (3, "2025-03", "merge", "P8", "P2", 1),
        (3, "2025-03", "retired", "P9", None, 0),
    ]
    columns = ["run", "period", "event", "person_id", "other_person_id", "records"]
    pd.DataFrame(history, columns=columns).to_parquet(tmp_path / "person_history.parquet")
    for person_id, message in (
        ("P7", "P7 was merged into P1 in 2025-02. Ask: upstream explain P1"),
        ("P8", "P8 was split among P1, P2 in 2025-03"),
        ("P9", "P9 was retired in 2025-03: none of its records is delivered any more."),
        ("P0", "there is no person P0"),
    ):
        with pytest.raises(InputError) as error:
            explain.explain(tmp_path, tmp_path, person_id, 0.5)
        assert str(error.value).startswith(message)


def test_every_level_has_its_words():
    for field, levels in LEVELS.items():
        assert [explain.words(field, gamma) for gamma in range(len(levels))] == [level.name for level in levels][::-1]
