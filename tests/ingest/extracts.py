"""Three rows of a feed on their way in, of which the test spoils one: what the gate says of it."""

import csv
from pathlib import Path

from pipelines.ingest.accept import ingest_month
from pipelines.pseudonymise.delivery import deliver
from pipelines.settings import Settings

KEY = bytes(range(32))
PEOPLE = "local_person_id,forename,surname,date_of_birth\n1,Ada,Archer,1950-01-31\n2,Ben,Barker,2014-02-28\n"


def found_in(tmp_path: Path, feed: str, agency: str, good: dict[str, str], spoilt: dict[str, str]) -> dict[str, set]:
    """Deliver two good rows and one that differs from them by `spoilt`; the rules that fail, by what became of rows."""
    reference = list(good)[1]
    rows = [good, {**good, reference: "R2", **spoilt}, {**good, reference: "R3"}]
    (tmp_path / "people.csv").write_text(PEOPLE)
    with open(tmp_path / "activity.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, list(dict.fromkeys(column for row in rows for column in row)))
        writer.writeheader()
        writer.writerows(rows)
    settings = Settings(data=tmp_path / "data")
    deliver(feed, agency, tmp_path / "people.csv", tmp_path / "activity.csv", KEY, "2024-03", out=settings.landing)
    month = ingest_month(settings, feed, "2024-03")
    assert [outcome.status for outcome in month.deliveries] == ["accepted"]
    refused = {row["rule"] for row in month.refused}
    warned = {
        check["rule"]
        for check in month.checks
        if check["file"] == "activity" and check["failed"] and check["severity"] == "warning"
    }
    return {"refused": refused, "warned": warned}
