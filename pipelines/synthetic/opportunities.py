"""Which chances were really missed: the answer key of earlier opportunities, and the decoys beside them.

A chance was missed where a contact left a need unmet and because of that the person was in crisis soon after, at a time
and place where a community offer could have answered. Only the makers of the region know what caused what; how such
chances are looked for in deliveries does not belong here.
"""

import csv
from pathlib import Path

import numpy as np
import pandas as pd

from pipelines.synthetic import feeds, personas, unmet_needs
from pipelines.synthetic.feeds import AMBULANCE
from pipelines.synthetic.life_courses import AE, AMBULANCE_SERVICE, CHILDREN_SERVICES, POLICE, SOCIAL_CARE
from pipelines.synthetic.population import AREAS

OFFERS = AREAS.with_name("offers.csv")
NO_OFFER = "no offer there"
FRAIL_AGE = 65
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
COLUMNS = (
    "rule_id", "true_person_id", "agency", "feed", "signal_ref", "signal_at", "crisis_ref", "crisis_at", "planted",
    "crisis_feed", "decoy",
)  # fmt: skip


def missed(contacts: pd.DataFrame, activity: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """rule_id, signal and crisis (rows of `contacts`) of what life courses themselves missed, in feeds not derived.

    `contacts` has the surroundings of feeds.with_surroundings; `activity` its rows, each with `contact`.
    """
    told = _told(contacts, activity)
    causes = _causes(told)
    parts = [
        _pairs("MO1", told, causes, _turned_away(told), _older_or_found(told), 28),
        _pairs("MO2", told, causes, _second_notice(told, causes), _harm_or_missing(told), 28),
        _pairs("MO3", told, causes, _sent_home(told, contacts), told["feed"].eq(AE).to_numpy(), 30),
        _pairs("MO4", told, causes, _left_again(told, causes), _distress(told), 14),
        _third_return(told, causes),
        _pairs("MO6", told, causes, _hurt_at_home(told, causes), _hurt(told) | _harmed(told), 90),
    ]
    return pd.concat(parts, ignore_index=True)


def _told(contacts: pd.DataFrame, activity: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """The contacts with what their rows say of outcome, arrival, diagnoses, notice and qualifiers; empty if nothing."""
    told = contacts.assign(ordinary=contacts["scene"].eq(-1) | contacts["moment"].eq(-1))
    for feed, column in (
        (SOCIAL_CARE, "Event_Outcome"), (AE, "EC_Arrival_Mode_SNOMED_CT"), (AE, "Der_EC_Diagnosis_All"),
        (AE, "EC_Chief_Complaint_SNOMED_CT"), (AE, "Der_Postcode_LSOA_2021_Code"), (POLICE, "ppn"),
        (POLICE, "qualifiers"), (POLICE, "nsir_close"), (POLICE, "role"),
    ):  # fmt: skip
        said = activity[feed].set_index("contact")[column]
        told[column] = said.reindex(told.index).fillna("").to_numpy()
    told["unheard"] = ~told["heard"].astype(bool) & told["step"].ne("caller") & told["ordinary"]
    return told


def _causes(told: pd.DataFrame) -> pd.DataFrame:
    """before, after and the whole days between them, of every two contacts of a person of which one led to the other."""
    cause, person = told["cause"].to_numpy(), told["person"].to_numpy()
    after = np.arange(len(told))
    before = np.where(told["step"].eq("caller"), -1, cause)
    parts = []
    while (goes_on := before >= 0).any():
        after, before = after[goes_on], before[goes_on]
        own = person[after] == person[before]
        parts.append(pd.DataFrame({"before": before[own], "after": after[own]}))
        before = cause[before]
    found = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame({"before": [], "after": []}, dtype=int)
    day = told["starts"].to_numpy().astype("datetime64[D]")
    found["days"] = (day[found["after"]] - day[found["before"]]).astype(int)
    return found


def _pairs(
    rule: str, told: pd.DataFrame, causes: pd.DataFrame, signal: np.ndarray, crisis: np.ndarray, days: int
) -> pd.DataFrame:
    """Each signal with the first crisis that it led to within `days`."""
    led = causes[signal[causes["before"]] & crisis[causes["after"]] & (causes["days"] <= days)]
    led = led.assign(at=told["starts"].to_numpy()[led["after"]]).sort_values("at", kind="stable")
    first = led.drop_duplicates("before")
    return pd.DataFrame({"rule_id": rule, "signal": first["before"], "crisis": first["after"]})


def _caused_by(told: pd.DataFrame, causes: pd.DataFrame, before: np.ndarray, days: int) -> np.ndarray:
    """Which contacts follow from one of `before` within `days`."""
    led = causes.loc[before[causes["before"]] & (causes["days"] <= days), "after"]
    return np.isin(np.arange(len(told)), led)


def _turned_away(told: pd.DataFrame) -> np.ndarray:
    outcome = told["Event_Outcome"].str.lower()
    refused = outcome.str.contains("advice") | outcome.str.contains("no services")
    course = told["course"].isin(("frailty", "mental_health", "carer"))
    return (told["step"].eq("request") & told["unheard"] & refused & course).to_numpy()


def _older_or_found(told: pd.DataFrame) -> np.ndarray:
    emergency = told["EC_Arrival_Mode_SNOMED_CT"].eq(AMBULANCE) | told["step"].eq("ed_admitted")
    found = told["step"].eq("welfare") & told["nsir_close"].eq("Concern for safety")
    return (emergency | found).to_numpy()


def _second_notice(told: pd.DataFrame, causes: pd.DataFrame) -> np.ndarray:
    notice = (
        told["step"].isin(("welfare", "mental_health_call"))
        & told["ppn"].eq("true")
        & told["course"].eq("mental_health")
    ).to_numpy()
    again = notice & told["unheard"].to_numpy() & _caused_by(told, causes, notice, 28)
    rows = np.flatnonzero(again)
    again[rows[_followed_up(told.iloc[rows], told, 28)]] = False
    return again


def _harm_or_missing(told: pd.DataFrame) -> np.ndarray:
    harmed = told["EC_Chief_Complaint_SNOMED_CT"].eq(feeds.SELF_HARM)
    return (told["step"].isin(("s136", "missing")) | harmed).to_numpy()


def _sent_home(told: pd.DataFrame, contacts: pd.DataFrame) -> np.ndarray:
    old = told["course"].eq("frailty") & (told["age"] >= FRAIL_AGE)
    home = (told["step"].eq("ed_home") & ~told["heard"].astype(bool) & told["moment"].eq(-1) & old).to_numpy(copy=True)
    rows = np.flatnonzero(home)
    home[rows[_followed_up(told.iloc[rows], contacts, 7)]] = False
    return home


def _left_again(told: pd.DataFrame, causes: pd.DataFrame) -> np.ndarray:
    left = (told["step"].eq("ed_left") & told["course"].eq("mental_health")).to_numpy()
    return left & told["unheard"].to_numpy() & _caused_by(told, causes, left, 14)


def _distress(told: pd.DataFrame) -> np.ndarray:
    seen = told["qualifiers"].str.contains("mental health") | told["nsir_close"].eq("Mental health")
    police = told["step"].isin(("mental_health_call", "s136")) & seen
    return (police | told["feed"].eq(AE) & told["course"].eq("mental_health")).to_numpy()


def _third_return(told: pd.DataFrame, causes: pd.DataFrame) -> pd.DataFrame:
    """Attendances after drink or drugs that led to three more at A&E or the police within 90 days; the third of them."""
    coded = told["EC_Chief_Complaint_SNOMED_CT"].isin(("25702006", "55680006"))
    signal = (coded & told["unheard"]).to_numpy()
    led = causes[
        signal[causes["before"]] & told["feed"].isin((AE, POLICE)).to_numpy()[causes["after"]] & (causes["days"] <= 90)
    ]
    led = led.assign(at=told["starts"].to_numpy()[led["after"]]).sort_values(["before", "at"], kind="stable")
    third = led[led.groupby("before").cumcount() == 2]
    return pd.DataFrame({"rule_id": "MO5", "signal": third["before"], "crisis": third["after"]})


def _hurt(told: pd.DataFrame) -> np.ndarray:
    return told["Der_EC_Diagnosis_All"].str.contains("371422002").to_numpy()


def _harmed(told: pd.DataFrame) -> np.ndarray:
    return (told["step"].eq("domestic") & told["role"].eq("victim")).to_numpy()


def _hurt_at_home(told: pd.DataFrame, causes: pd.DataFrame) -> np.ndarray:
    unheard = told["unheard"].to_numpy()
    return _hurt(told) & unheard & _caused_by(told, causes, _harmed(told) & unheard, 3)


def _followed_up(signals: pd.DataFrame, contacts: pd.DataFrame, days: int) -> np.ndarray:
    """Whether social care dealt with the person from the day of the signal until `days` after its end."""
    visits = contacts.loc[contacts["feed"] == SOCIAL_CARE, ["person", "starts"]]
    left = signals["starts"] + pd.to_timedelta(signals["minutes"], unit="m")
    seen = pd.DataFrame(
        {
            "signal": np.arange(len(signals)),
            "person": signals["person"].to_numpy(),
            "arrived": signals["starts"].dt.normalize().to_numpy(),
            "left": left.to_numpy(),
        }
    )
    pairs = seen.merge(visits, on="person")
    soon = (pairs["starts"] >= pairs["arrived"]) & (pairs["starts"] <= pairs["left"] + pd.Timedelta(days=days))
    return np.isin(seen["signal"], pairs.loc[soon, "signal"])


def answer_key(
    contacts: pd.DataFrame,
    found: pd.DataFrame,
    script: personas.Script,
    told: unmet_needs.Told,
    people: pd.DataFrame,
    addresses: pd.DataFrame,
) -> pd.DataFrame:
    """COLUMNS of every chance that was missed and every decoy; `found` as from `missed`, `contacts` of all feeds."""
    valid = contacts[contacts["valid"]]
    scene = valid[valid["scene"].ge(0) & valid["moment"].eq(-1)]
    place = pd.Series(scene.index, index=scene["scene"].astype(int))
    decoys = pd.DataFrame(
        [("MO3", place[signal], place[crisis], kind) for (signal, crisis), kind in zip(
            script.decoys, script.kinds, strict=True)],
        columns=["rule_id", "signal", "crisis", "decoy"],
    )  # fmt: skip
    both = pd.concat(
        [found.assign(decoy=""), _helped_up(valid), decoys, _stories(valid, told)], ignore_index=True
    ).drop_duplicates(["rule_id", "signal"], keep="last")
    signal, crisis = contacts.loc[both["signal"]], contacts.loc[both["crisis"]]
    own = (both["decoy"] == "").to_numpy()
    settled = ~people["homeless"].to_numpy()[signal["person"]]
    home = addresses["lsoa"].to_numpy()[feeds.where_home_is(signal, people)]
    offered = _offered(both["rule_id"].to_numpy(), home, signal)
    keep = settled | ~own
    key = pd.DataFrame(
        {
            "rule_id": both["rule_id"].to_numpy(),
            "true_person_id": people["true_person_id"].to_numpy()[signal["person"]],
            "agency": signal["feed"].map(feeds.AGENCIES).to_numpy(),
            "feed": signal["feed"].to_numpy(),
            "signal_ref": signal["source_ref"].to_numpy(),
            "signal_at": feeds.timestamp(_when(signal)),
            "crisis_ref": crisis["source_ref"].to_numpy(),
            "crisis_at": feeds.timestamp(crisis["starts"]),
            "planted": np.where(own & offered, "true", "false"),
            "crisis_feed": crisis["feed"].to_numpy(),
            "decoy": np.where(own & ~offered, NO_OFFER, both["decoy"].to_numpy()),
        }
    )
    return key[keep][list(COLUMNS)]


def _when(signal: pd.DataFrame) -> pd.Series:
    """When help was missed: a child is turned away at the end of the assessment, everybody else at the contact itself."""
    return signal["turned_away"].fillna(signal["starts"]) if "turned_away" in signal else signal["starts"]


def _helped_up(contacts: pd.DataFrame) -> pd.DataFrame:
    """Patients helped up at home twice or more in the week before the fall that took them to A&E."""
    if "episode" not in contacts:
        return pd.DataFrame(columns=["rule_id", "signal", "crisis", "decoy"])
    of = contacts[contacts["feed"].eq(AMBULANCE_SERVICE) & contacts["episode"].ge(0)].sort_values(
        "starts", kind="stable"
    )
    conveyed = of[of["treatment"].eq("See and Convey")]
    falls = of[of["treatment"].eq("See and Treat")]
    times, last = falls.groupby("episode").size(), falls.drop_duplicates("episode", keep="last")
    last = last[last["episode"].map(times) >= 2]
    crisis = pd.Series(conveyed.index, index=conveyed["episode"])
    last = last[last["episode"].isin(crisis.index)]
    return pd.DataFrame(
        {"rule_id": "MO10", "signal": last.index, "crisis": last["episode"].map(crisis).astype(int), "decoy": ""}
    )


def _stories(contacts: pd.DataFrame, told: unmet_needs.Told) -> pd.DataFrame:
    """The stories and decoys, told by rows of `contacts`; without those whose feed is not there."""
    own = contacts[contacts["moment"].ge(0)]
    row = dict(zip(own["moment"].astype(int), own.index, strict=True))
    derived = contacts[contacts["feed"].isin((AMBULANCE_SERVICE, CHILDREN_SERVICES))].drop_duplicates(
        ["feed", "person", "starts"]
    )
    by_time = dict(
        zip(zip(derived["feed"], derived["person"], derived["starts"], strict=True), derived.index, strict=True)
    )
    feed_of = {unmet_needs.REFERRED: CHILDREN_SERVICES, unmet_needs.HELPED_UP: AMBULANCE_SERVICE}
    for moment in told.moments[told.moments["step"].isin(list(feed_of))].itertuples():
        key = (feed_of[moment.step], moment.person, moment.starts)
        if key in by_time:
            row[moment.Index] = by_time[key]
    known = told.stories[told.stories["signal"].isin(row) & told.stories["crisis"].isin(row)]
    return known.assign(signal=known["signal"].map(row), crisis=known["crisis"].map(row))


def _offered(rule: np.ndarray, lsoa: np.ndarray, signal: pd.DataFrame) -> np.ndarray:
    """Whether some offer for the rule was there where and when the signal was."""
    place = _places()
    clock = signal["starts"].dt.strftime("%H:%M").to_numpy()
    date = feeds.date(signal["starts"])
    weekday = (signal["starts"].to_numpy().astype("datetime64[D]").astype(int) + 3) % 7  # day 0 was a Thursday
    by_day = signal["feed"].isin((SOCIAL_CARE, CHILDREN_SERVICES)).to_numpy()
    found = np.zeros(len(rule), dtype=bool)
    for offer in _rows(OFFERS):
        rows = np.flatnonzero(np.isin(rule, offer["rule_ids"].split(";")) & ~found)
        for each in rows:
            found[each] = (
                (not offer["areas"] or bool(place[lsoa[each]] & set(offer["areas"].split(";"))))
                and date[each] >= offer["valid_from"]
                and (not offer["valid_to"] or date[each] <= offer["valid_to"])
                and _open(offer, weekday[each], clock[each], by_day[each])
            )
    return found


def _open(offer: dict[str, str], weekday: int, clock: str, by_day: bool) -> bool:
    """Whether the offer is open then; hours over midnight belong to the day on which they began."""
    days = offer["weekdays"].split(";") if offer["weekdays"] else WEEKDAYS
    opens, closes = offer["opens"], offer["closes"]
    if by_day or not opens:
        return WEEKDAYS[weekday] in days
    if opens < closes:
        return WEEKDAYS[weekday] in days and opens <= clock < closes
    return (WEEKDAYS[weekday] in days and clock >= opens) or (WEEKDAYS[weekday - 1] in days and clock < closes)


def _places() -> dict[str, set[str]]:
    """Each LSOA's own code, its ward and its district."""
    return {row["lsoa"]: {row["lsoa"], row["ward"], row["district"]} for row in _rows(AREAS)}


def _rows(path: Path) -> list[dict[str, str]]:
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
