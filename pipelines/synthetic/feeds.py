"""What a contact looks like in each agency's extract: the columns of the feed contracts, in national codes.

Takes the latent contacts of life_courses.py and gives one row of activity for each; the feeds that are derived from
these, ambulance.py and children.py, have modules of their own. Who the person is in the agency's
records, and how badly they are recorded, belongs in errors.py.
"""

import csv
from pathlib import Path

import numpy as np
import pandas as pd

from pipelines.synthetic.life_courses import AE, AMBULANCE_SERVICE, CHILDREN_SERVICES, POLICE, SOCIAL_CARE
from pipelines.synthetic.population import YEAR

CONTRACTS = Path(__file__).resolve().parents[1] / "pseudonymise" / "feeds"
AGENCIES = {AE: "WEXH", POLICE: "NPOL", SOCIAL_CARE: "LAWX", AMBULANCE_SERVICE: "WAMB", CHILDREN_SERVICES: "LAWX"}
REFERENCES = {
    AE: "EC_Ident",
    POLICE: "incident_ref",
    SOCIAL_CARE: "Event_Reference_Number",
    AMBULANCE_SERVICE: "Call_Identifier",
    CHILDREN_SERVICES: "event_ref",
}
EXTRACT_LAG = 28  # days after a month's end until its extract is made; later ends are not known yet
RCRP_STARTS = np.datetime64("2024-09-01")  # from here officers stay away from welfare calls below the threshold

AMBULANCE, POLICE_TRANSPORT = "1048031000000100", "1048001000000106"
OWN_TRANSPORT, PUBLIC_TRANSPORT = "1048071000000103", "1048061000000105"
FALL, SELF_HARM, CONFUSION = "161898004", "248062006", "40917007"
DEMENTIA, DELIRIUM, DEHYDRATION, FALL_DIAGNOSIS, FRAILTY = "52448006", "2776000", "34095006", "429482004", "248279007"
HOME, WARD, MORTUARY = "306689006", "306706006", "305398007"
TREATED, INPATIENT, DIED = "182992009", "1324201000000109", "75004002"
STREAMED_FALLS, STREAMED_FRAILTY, STREAMED_MENTAL_HEALTH = "1077091000000102", "1077101000000105", "1077041000000107"
LEFT = {"1066301000000103": 0.3, "1066311000000101": 0.3, "1066321000000107": 0.4}

# life course: chief complaint with its diagnoses, and the share of its attendances
COMPLAINTS = {
    "low_need": {
        ("282026002", "384709000"): 0.22,
        ("312608009", "312608009"): 0.13,
        ("125605004", "125605004"): 0.13,
        ("21522001", "25374005"): 0.13,
        ("29857009", "29857009"): 0.1,
        ("267036007", "195967001"): 0.1,
        ("386661006", "233604007"): 0.1,
        ("386661006", ""): 0.09,
    },
    "frailty": {
        (FALL, f"{FALL_DIAGNOSIS},125605004"): 0.12,
        (FALL, f"{FALL_DIAGNOSIS},{FRAILTY}"): 0.3,
        (FALL, f"{FALL_DIAGNOSIS},{DEHYDRATION}"): 0.18,
        (CONFUSION, f"{DELIRIUM},{DEHYDRATION}"): 0.15,
        (CONFUSION, f"{DEMENTIA},68566005"): 0.13,
        ("267036007", f"233604007,{FRAILTY}"): 0.12,
    },
    "mental_health": {
        (SELF_HARM, "33449004"): 0.25,
        (SELF_HARM, "35489007"): 0.15,
        ("6471006", "35489007"): 0.22,
        ("48694002", "197480006"): 0.14,
        ("248020004", "13746004"): 0.09,
        ("7011001", "58214004"): 0.1,
        ("272022009", "35489007"): 0.05,
    },
    "alcohol_drugs": {
        ("25702006", "25702006"): 0.6,
        ("55680006", "55680006"): 0.27,
        ("312608009", "312608009,25702006"): 0.13,
    },
    "domestic_abuse": {
        ("282026002", "371422002"): 0.45,
        ("125605004", "371422002,125605004"): 0.2,
        ("48694002", "197480006"): 0.35,
    },
    "carer": {("29857009", "29857009"): 0.4, ("48694002", "197480006"): 0.35, ("282026002", "384709000"): 0.25},
}
IMMEDIATE, VERY_URGENT, URGENT = "1064891000000107", "1064911000000105", "1064901000000108"
STANDARD, LOW = "1077241000000103", "1077251000000100"
# What was looked into and done, by how little it takes: at most a urine or pregnancy test and some advice, or more.
LITTLE_LOOKED_INTO = {"1088291000000101": 0.4, "": 0.3, "27171005": 0.25, "167252002": 0.05}
MUCH_LOOKED_INTO = {"26604007,252167001": 0.35, "168537006": 0.3, "29303009,26604007": 0.2, "77477000,27171005": 0.15}
LITTLE_DONE = {"413334001": 0.4, "183964008": 0.3, "266712008": 0.2, "": 0.1}
MUCH_DONE = {"18629005": 0.45, "225358003,413334001": 0.35, "57485005,18629005": 0.2}


def _mix(little: dict[str, float], much: dict[str, float], share_of_little: dict[str, float]) -> dict[str, dict]:
    """For each acuity the codes of both tables, those of `little` with the share given."""
    return {
        acuity: {
            code: share * weight for table, weight in ((little, of), (much, 1 - of)) for code, share in table.items()
        }
        for acuity, of in share_of_little.items()
    }


INVESTIGATIONS = _mix(
    LITTLE_LOOKED_INTO, MUCH_LOOKED_INTO, {IMMEDIATE: 0.0, VERY_URGENT: 0.05, URGENT: 0.25, STANDARD: 0.6, LOW: 0.85}
)
TREATMENTS = _mix(LITTLE_DONE, MUCH_DONE, {IMMEDIATE: 0.0, VERY_URGENT: 0.1, URGENT: 0.3, STANDARD: 0.6, LOW: 0.85})
# kind of call: NSIR category with its share
CATEGORIES = {
    "welfare": {"Concern for safety": 0.86, "Assist other agency": 0.14},
    "mental_health_call": {
        "Mental health": 0.5,
        "Concern for safety": 0.38,
        "Suspicious circumstances": 0.06,
        "Abandoned call": 0.06,
    },
    "s136": {"Mental health": 0.7, "Concern for safety": 0.3},
    "missing": {"Missing person": 0.75, "Absconder/AWOL": 0.25},
    "domestic": {"Domestic incident": 0.92, "Crime - Violence": 0.08},
    "disorder": {"ASB - Nuisance": 0.55, "ASB - Personal": 0.3, "ASB - Environmental": 0.15},
    "crime": {"Crime - Theft": 0.45, "Crime - Violence": 0.33, "Crime - Other": 0.22},
    "other_call": {"Road related": 0.4, "Suspicious circumstances": 0.25, "Civil dispute": 0.2, "Abandoned call": 0.15},
}
GRADES = {  # Immediate, Prompt, Scheduled, Resolved without deployment
    "welfare": (0.2, 0.45, 0.15, 0.2),
    "mental_health_call": (0.35, 0.4, 0.1, 0.15),
    "s136": (0.85, 0.15, 0, 0),
    "missing": (0.25, 0.65, 0.1, 0),
    "domestic": (0.45, 0.45, 0.1, 0),
    "disorder": (0.08, 0.32, 0.25, 0.35),
    "crime": (0.12, 0.28, 0.4, 0.2),
    "other_call": (0.05, 0.3, 0.3, 0.35),
}
PPN_RAISED = {
    "welfare": 0.62,
    "mental_health_call": 0.6,
    "s136": 0.9,
    "missing": 0.55,
    "domestic": 0.75,
    "disorder": 0.08,
    "crime": 0.04,
}
ROLES = {
    "domestic": {"victim": 0.85, "suspect": 0.15},
    "crime": {"victim": 0.7, "suspect": 0.22, "witness": 0.08},
    "missing": {"missing": 1.0},
    "disorder": {"subject": 0.8, "victim": 0.2},
    "other_call": {"subject": 0.7, "witness": 0.3},
}
SUPPORT_REASONS = {
    "low_need": {
        "Physical Support: Access & mobility only": 0.35,
        "Unknown": 0.2,
        "Social Support: Support for Social Isolation/Other": 0.25,
        "Learning Disability Support": 0.12,
        "Sensory Support: Support for visual impairment": 0.08,
    },
    "mental_health": {"Mental Health Support": 0.85, "Social Support: Support for Social Isolation/Other": 0.15},
    "alcohol_drugs": {"Social Support: Substance misuse support": 0.8, "Mental Health Support": 0.2},
    "domestic_abuse": {"Social Support: Support for Social Isolation/Other": 0.7, "Unknown": 0.3},
    "carer": {"Social Support: Support to Carer": 1.0},
    "dementia": {"Support with Memory & Cognition": 1.0},
    "frailty": {"Physical Support: Personal care support": 0.65, "Physical Support: Access & mobility only": 0.35},
}
NFA_ADVICE = "NFA - Information & Advice / Signposting only"
# How people at the council's keyboards spell one outcome.
SPELLINGS = {
    NFA_ADVICE: [
        "NFA – Information & Advice / Signposting only",
        "NFA- Information and Advice / signposting only",
        "NFA - Information & Advice/Signposting Only",
    ],
    "NFA - Support declined": ["NFA – Support declined", "NFA - support declined"],
    "NFA - No services offered: Other reason": ["NFA - No services offered – other reason"],
    "NFA - Support ended: Other reason": ["NFA - Support ended – other reason"],
    "NFA - Other": ["NFA- Other", "NFA – Other"],
    "Progress to Reablement/ST-Max": ["Progress to Reablement / ST-Max"],
}
BOROUGHS = {"Harrowmere": 0, "Eastlow": 1, "Uplands": 2}


def columns(feed: str) -> list[str]:
    """Columns of the feed's contract, in order."""
    with open(CONTRACTS / f"{feed}.csv", newline="", encoding="utf-8") as file:
        return [row["column"] for row in csv.DictReader(file)]


def pick(number: int, shares: dict, rng: np.random.Generator) -> np.ndarray:
    """`number` keys of `shares`, drawn by their shares."""
    keys = np.empty(len(shares), dtype=object)
    keys[:] = list(shares)
    weights = np.array(list(shares.values()), dtype=float)
    return keys[rng.choice(len(keys), size=number, p=weights / weights.sum())]


def pick_each(groups: np.ndarray, tables: dict[str, dict], otherwise: dict, rng: np.random.Generator) -> np.ndarray:
    """One key for each group, drawn from the group's own table in `tables`."""
    result = np.empty(len(groups), dtype=object)
    for group in sorted(set(groups)):
        rows = np.flatnonzero(groups == group)
        result[rows] = pick(len(rows), tables.get(group, otherwise), rng)
    return result


def where_home_is(contacts: pd.DataFrame, people: pd.DataFrame) -> np.ndarray:
    """Row in the table of addresses of each contact's person on its day."""
    person, day = contacts["person"].to_numpy(), contacts["starts"].to_numpy()
    home = people["address"].to_numpy()[person]
    for number in (1, 2):
        moved = people[f"moved_{number}"].to_numpy()[person]
        home = np.where(day >= moved, people[f"address_{number}"].to_numpy()[person], home)
    return home


def with_surroundings(
    contacts: pd.DataFrame, people: pd.DataFrame, addresses: pd.DataFrame, rng: np.random.Generator
) -> pd.DataFrame:
    """Adds what an agency sees beside the contact: home, age, need in later life, the contact before, A&E the same day.

    Columns added: lsoa, district, age, dementia, homeless, minutes_to_death (until the day of death begins),
    cause_step, cause_feed, brought_by_police (to A&E),
    conveyed (police: it led to A&E within hours), referred (it led to a request to social care).
    """
    home = where_home_is(contacts, people)
    person = contacts["person"].to_numpy()
    contacts["lsoa"] = addresses["lsoa"].to_numpy()[home]
    contacts["district"] = addresses["district"].map(BOROUGHS).to_numpy()[home]
    contacts["age"] = (contacts["starts"].to_numpy() - people["born"].to_numpy()[person]).astype(
        "timedelta64[D]"
    ).astype(float) / YEAR
    contacts["dementia"] = (rng.random(len(people)) < 0.35)[person]
    contacts["minutes_to_death"] = (
        people["died"].iloc[person].reset_index(drop=True) - contacts["starts"]
    ).dt.total_seconds() / 60
    contacts["homeless"] = people["homeless"].to_numpy()[person]
    cause = contacts["cause"].to_numpy()
    contacts["cause_step"] = np.where(cause >= 0, contacts["step"].to_numpy()[cause], "")
    contacts["cause_feed"] = np.where(cause >= 0, contacts["feed"].to_numpy()[cause], "")
    same_person = (cause >= 0) & (person[cause] == person)
    gap = contacts["starts"].to_numpy() - contacts["starts"].to_numpy()[cause]
    brought = (
        same_person & (contacts["feed"] == AE) & (contacts["cause_feed"] == POLICE) & (gap < np.timedelta64(16, "h"))
    )
    contacts["brought_by_police"] = brought
    contacts["conveyed"] = np.isin(np.arange(len(contacts)), cause[brought])
    asked = ((cause >= 0) & (contacts["step"] == "request")).to_numpy()
    contacts["referred"] = np.isin(np.arange(len(contacts)), cause[asked])
    return contacts


def _spelt(times: pd.Series, unit: str) -> np.ndarray:
    """ISO text down to `unit`, empty where there is no time."""
    values = times.to_numpy().astype("datetime64[s]")
    return np.where(np.isnat(values), "", np.datetime_as_string(values, unit=unit)).astype(object)


def month(times: pd.Series) -> np.ndarray:
    """YYYY-MM of each time."""
    return _spelt(times, "M")


def date(times: pd.Series) -> np.ndarray:
    """YYYY-MM-DD of each time, empty where there is none."""
    return _spelt(times, "D")


def timestamp(times: pd.Series) -> np.ndarray:
    """YYYY-MM-DDTHH:MM:SS of each time."""
    return _spelt(times, "s")


def _clock(times: pd.Series) -> np.ndarray:
    return np.array([text[11:] for text in _spelt(times, "m")], dtype=object)


def ae_attendances(contacts: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Activity rows of `contacts` (steps ed_home, ed_left, ed_admitted), without local_person_id."""
    number = len(contacts)
    step, course, heard = (contacts[name].to_numpy() for name in ("step", "course", "heard"))
    left_alive = contacts["minutes_to_death"].isna() | (contacts["minutes"] < contacts["minutes_to_death"])
    minutes = (
        contacts["minutes"]
        .where(left_alive, np.minimum(contacts["minutes"], contacts["minutes_to_death"] + 600))
        .astype(int)
    )
    leaves = contacts["starts"] + pd.to_timedelta(minutes, unit="m")
    admitted, left = step == "ed_admitted", step == "ed_left"
    frail, distressed = course == "frailty", course == "mental_health"
    returns = (contacts["cause_feed"] == AE).to_numpy()
    by_police = contacts["brought_by_police"].to_numpy()
    ambulance = rng.random(number) < np.select(
        [admitted, frail, distressed | (course == "alcohol_drugs")], [0.72, 0.55, 0.42], 0.12
    )
    ambulance |= frail & returns  # whom nobody helped comes back as an emergency
    arrival = np.where(
        ambulance, AMBULANCE, np.where(rng.random(number) < 0.8, OWN_TRANSPORT, PUBLIC_TRANSPORT)
    ).astype(object)
    arrival[by_police] = np.where(rng.random(by_police.sum()) < 0.65, POLICE_TRANSPORT, AMBULANCE)
    source = pick(
        number, {"1991000124105": 0.62, "879591000000102": 0.18, "276491000": 0.14, "1082331000000106": 0.06}, rng
    )
    source[arrival == AMBULANCE] = "198261000000104"
    source[by_police] = "889801000000100"
    complaint = pick_each(np.where(frail & (contacts["age"] < 50), "low_need", course), COMPLAINTS, {}, rng)
    chief = np.array([each[0] for each in complaint], dtype=object)
    diagnoses = np.array([each[1] for each in complaint], dtype=object)
    remembered = frail & contacts["dementia"].to_numpy() & (rng.random(number) < 0.7)
    diagnoses[remembered] = [each if DEMENTIA in each else f"{each},{DEMENTIA}" for each in diagnoses[remembered]]
    uncoded = rng.random(number) < np.where(left, 0.8, np.where(frail, 0.0, 0.06))
    diagnoses[uncoded] = ""
    urgency = pick_each(
        np.where(admitted, "admitted", np.where(ambulance, "ambulance", "walked")),
        {
            "admitted": {IMMEDIATE: 0.06, VERY_URGENT: 0.4, URGENT: 0.46, STANDARD: 0.08},
            "ambulance": {VERY_URGENT: 0.22, URGENT: 0.52, STANDARD: 0.26},
            "walked": {URGENT: 0.25, STANDARD: 0.58, LOW: 0.17},
        },
        {},
        rng,
    )
    status = np.full(number, TREATED, dtype=object)
    status[admitted] = INPATIENT
    status[left] = pick(left.sum(), LEFT, rng)
    streamed = heard & ~admitted & ~left & (rng.random(number) < 0.4)
    status[streamed & frail] = np.where(diagnoses[streamed & frail].astype(str) == "", STREAMED_FRAILTY, STREAMED_FALLS)
    status[streamed & distressed] = STREAMED_MENTAL_HEALTH
    dies_here = ~left_alive.to_numpy()
    status[dies_here] = DIED
    destination = np.where(admitted, WARD, HOME).astype(object)
    destination[admitted & (rng.random(number) < 0.15)] = "1066331000000109"
    destination[admitted & (rng.random(number) < 0.02)] = "1066391000000105"
    destination[dies_here] = MORTUARY
    urgent_care = (course == "low_need") & ~admitted & ~ambulance & ~by_police & (rng.random(number) < 0.3)
    site = np.where(
        urgent_care, "WEXH03", np.where((contacts["district"] == 1) & (rng.random(number) < 0.85), "WEXH02", "WEXH01")
    )
    return pd.DataFrame(
        {
            "Der_Provider_Site_Code": site,
            "EC_Department_Type": np.where(urgent_care, "03", "01"),
            "EC_AttendanceCategory": np.where(
                (contacts["cause_step"] == "ed_home") & (rng.random(number) < 0.3), "3", "1"
            ),
            "Arrival_Date": date(contacts["starts"]),
            "Arrival_Time": _clock(contacts["starts"]),
            "EC_Arrival_Mode_SNOMED_CT": arrival,
            "EC_Attendance_Source_SNOMED_CT": source,
            "EC_Acuity_SNOMED_CT": urgency,
            "EC_Chief_Complaint_SNOMED_CT": chief,
            "EC_Injury_Intent_SNOMED_CT": np.where((chief == SELF_HARM) & (rng.random(number) < 0.8), "276853009", ""),
            "EC_Decision_To_Admit_Date": np.where(
                admitted, date(contacts["starts"] + (leaves - contacts["starts"]) / 2), ""
            ),
            "EC_Departure_Date": date(leaves),
            "EC_Departure_Time": _clock(leaves),
            "EC_Departure_Time_Since_Arrival": minutes.astype(str).to_numpy(),
            "EC_Discharge_Status_SNOMED_CT": status,
            "Discharge_Destination_SNOMED_CT": destination,
            "Der_EC_Diagnosis_All": diagnoses,
            "Der_EC_Investigation_All": pick_each(urgency, INVESTIGATIONS, {}, rng),
            "Der_EC_Treatment_All": pick_each(urgency, TREATMENTS, {}, rng),
            "Der_Postcode_LSOA_2021_Code": np.where(contacts["homeless"], "", contacts["lsoa"]),
        }
    )


def police_incidents(contacts: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Activity rows of `contacts` (the police's steps), without local_person_id."""
    number = len(contacts)
    step, course, heard, conveyed = (contacts[name].to_numpy() for name in ("step", "course", "heard", "conveyed"))
    starts = contacts["starts"]
    s136, missing, distressed = step == "s136", step == "missing", course == "mental_health"
    category = pick_each(step, CATEGORIES, {}, rng)
    closes = np.where(
        (category == "Concern for safety") & distressed & (rng.random(number) < 0.4), "Mental health", category
    )
    grade = pick_each(
        step,
        {
            name: dict(zip(("Immediate", "Prompt", "Scheduled", "Resolved without deployment"), row, strict=True))
            for name, row in GRADES.items()
        },
        {},
        rng,
    )
    grade[conveyed & (grade == "Resolved without deployment")] = "Prompt"

    welfare_kind = np.isin(step, ("welfare", "mental_health_call", "missing", "s136"))
    threshold = s136 | missing | conveyed | (grade == "Immediate") | (rng.random(number) < 0.35)
    after_rcrp = (starts >= RCRP_STARTS).to_numpy() & welfare_kind
    stays_away = after_rcrp & ~threshold & (rng.random(number) < 0.75)
    grade[stays_away] = "Resolved without deployment"
    deployed = grade != "Resolved without deployment"
    rcrp = np.full(number, "", dtype=object)
    rcrp[after_rcrp] = "concern for welfare"
    rcrp[after_rcrp & (category == "Absconder/AWOL")] = "AWOL"
    rcrp[after_rcrp & (contacts["cause_step"] == "ed_left").to_numpy()] = "walk-out"
    rcrp[after_rcrp & distressed & (step == "mental_health_call")] = "voluntary MH"
    rcrp[after_rcrp & s136] = "s136"

    travel = (
        np.round(
            rng.lognormal(np.log(np.where(grade == "Immediate", 12, np.where(grade == "Prompt", 45, 160))), 0.5)
        ).astype(int)
        + 1
    )
    wait = np.where(conveyed, np.round(rng.lognormal(np.log(np.where(s136, 330, 190)), 0.5)).astype(int), 0)
    wait = np.where(contacts["wait"] > 0, contacts["wait"], wait)
    attended = contacts["minutes"].to_numpy() + wait
    units = np.where(
        deployed, 1 + (rng.random(number) < np.where(s136 | missing | (grade == "Immediate"), 0.8, 0.35)), 0
    )
    arrives = starts + pd.to_timedelta(travel, unit="m")
    clears = arrives + pd.to_timedelta(attended, unit="m")

    raised = s136 & (rng.random(number) < 0.9) | ~s136 & (
        rng.random(number) < np.array([PPN_RAISED.get(each, 0.0) for each in step])
    )
    raised |= contacts["referred"].to_numpy()
    outcome = np.where(
        heard | contacts["referred"],
        pick(number, {"Shared - assessment offered": 0.6, "Shared - support started": 0.4}, rng),
        pick(
            number,
            {"Not shared": 0.42, "Shared - no further action": 0.33, "Shared - information only": 0.2, "": 0.05},
            rng,
        ),
    )
    outcome = np.where(raised, outcome, "")
    decided = starts + pd.to_timedelta(rng.integers(1, 22, number) * 24 * 60 + rng.integers(0, 600, number), unit="m")
    closing = np.where(
        heard,
        pick(number, {"Resolved at scene": 0.7, "Passed to partner agency": 0.3}, rng),
        pick(number, {"Advice given": 0.5, "No further action": 0.5}, rng),
    )
    closing = np.where(
        step == "crime", pick(number, {"Crime recorded": 0.75, "No further action": 0.13, "Arrest": 0.12}, rng), closing
    )
    closing[conveyed], closing[s136] = "Conveyed to hospital", "Detained under section 136"
    arrested = np.isin(step, ("domestic", "disorder")) & deployed & (rng.random(number) < 0.07)
    closing[arrested] = "Arrest"
    by_ed = (contacts["cause_feed"] == AE).to_numpy() & np.isin(step, ("missing", "welfare", "mental_health_call"))
    source = pick(number, {"999": 0.55, "101": 0.3, "online": 0.07, "police": 0.04, "ambulance service": 0.04}, rng)
    source = np.where(by_ed & (rng.random(number) < 0.7), "hospital", source)
    source = np.where((contacts["cause_feed"] == SOCIAL_CARE) & (rng.random(number) < 0.25), "social services", source)
    district = contacts["district"].to_numpy()
    response = np.array(["Response Harrowmere", "Response Eastlow", "Response Uplands"], dtype=object)[district]
    team = np.where(deployed, response, "Control Room")
    team = np.where((step == "domestic") & (rng.random(number) < 0.55), "Public Protection", team)
    team = np.where(
        np.isin(step, ("disorder", "welfare")) & deployed & (rng.random(number) < 0.35), "Neighbourhood", team
    )
    return pd.DataFrame(
        {
            "role": pick_each(step, ROLES, {"subject": 1.0}, rng),
            "created_ts": timestamp(starts),
            "call_source": source,
            "grade": grade,
            "nsir_open": category,
            "nsir_close": closes,
            "qualifiers": _qualifiers(contacts, rng),
            "closing_outcome": closing,
            "rcrp_category": rcrp,
            "rcrp_threshold_met": np.where(after_rcrp, np.where(threshold, "true", "false"), ""),
            "deployed": np.where(deployed, "true", "false"),
            "first_unit_arrive_ts": np.where(deployed, timestamp(arrives), ""),
            "cleared_ts": np.where(deployed, timestamp(clears), ""),
            "officer_minutes": np.where(deployed, (units * attended).astype(str), "0"),
            "hospital_wait_minutes": wait.astype(str),
            "s136": np.where(s136, "true", "false"),
            "s136_place_of_safety": np.where(
                s136,
                np.where(conveyed, "ED", pick(number, {"HBPOS": 0.9, "home": 0.06, "police station": 0.04}, rng)),
                "",
            ),
            "ppn": np.where(raised, "true", "false"),
            "ppn_shared_with": np.where(np.char.startswith(outcome.astype(str), "Shared"), "adult social care", ""),
            "ppn_outcome": outcome,
            "ppn_outcome_ts": np.where(outcome != "", timestamp(decided), ""),
            "team": team,
            "lsoa": contacts["lsoa"].to_numpy(),
            "missing_from": np.where(missing, np.where(contacts["cause_step"] == "ed_left", "hospital", "home"), ""),
        }
    )


def _qualifiers(contacts: pd.DataFrame, rng: np.random.Generator) -> np.ndarray:
    """NSIR qualifiers, separated by semicolons: they carry the need that the category hides, if officers see it."""
    number, course = len(contacts), contacts["course"].to_numpy()
    noticed = rng.random(number) < 0.85
    old = (course == "frailty") & (contacts["age"] >= 60)
    flags = {
        "mental health": (course == "mental_health") & noticed | contacts["step"].eq("s136"),
        "domestic": (course == "domestic_abuse") & contacts["step"].eq("domestic"),
        "alcohol": (course == "alcohol_drugs") & noticed & (rng.random(number) < 0.7) | (rng.random(number) < 0.03),
        "drugs": (course == "alcohol_drugs") & noticed & (rng.random(number) < 0.35),
        "dementia": old & contacts["dementia"] & noticed,
        "vulnerable older person": old & noticed,
        "youth": contacts["age"] < 18,
        "repeat": contacts["cause_feed"].eq(POLICE) & (rng.random(number) < 0.4),
    }
    result = np.full(number, "", dtype=object)
    for flag, rows in flags.items():
        rows = np.asarray(rows, dtype=bool)
        result[rows] = [f"{before};{flag}" if before else flag for before in result[rows]]
    return result


def social_care_events(contacts: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Activity rows of `contacts` (the council's steps), without local_person_id."""
    number = len(contacts)
    step, course, heard = (contacts[name].to_numpy() for name in ("step", "course", "heard"))
    starts = contacts["starts"].dt.normalize()
    request, service = np.isin(step, ("request", "discharge_request")), step == "service"
    after_discharge = contacts["cause_step"].isin(("discharge_request", "ed_admitted")).to_numpy()
    days = np.select(
        [request, step == "assessment", service & after_discharge, service],
        [
            rng.integers(0, 5, number),
            rng.integers(3, 24, number),
            rng.integers(21, 43, number),
            rng.integers(30, 500, number),
        ],
        rng.integers(0, 10, number),
    )
    ends = starts + pd.to_timedelta(days, unit="D")
    known = starts.dt.to_period("M").dt.end_time.dt.normalize() + pd.Timedelta(days=EXTRACT_LAG)
    open_ended = service & (ends > known).to_numpy()
    reason_group = np.where((course == "frailty") & contacts["dementia"], "dementia", course)
    outcome = np.full(number, "", dtype=object)
    tables = {
        "request": (
            {"Progress to Assessment": 0.85, "Progress to Support Planning / Services": 0.15},
            {
                NFA_ADVICE: 0.62,
                "NFA - No services offered: Other reason": 0.18,
                "NFA - Support declined": 0.12,
                "NFA - Other": 0.08,
            },
        ),
        "discharge_request": (
            {"Progress to Reablement/ST-Max": 0.7, "Progress to Support Planning / Services": 0.3},
            {NFA_ADVICE: 0.5, "NFA - Self-funded client (inc. 12wk disregard)": 0.25, "NFA - Support declined": 0.25},
        ),
        "assessment": (
            {"Progress to Support Planning / Services": 0.8, "Progress to financial assessment": 0.2},
            {NFA_ADVICE: 0.6, "NFA - No services offered: Other reason": 0.4},
        ),
        "service": (
            {"Service ended as planned": 1.0},
            {"NFA - Support ended: Other reason": 0.7, "Admitted to hospital": 0.3},
        ),
        "review": (
            {"No change in package": 0.75, "Progress to Re-assessment / Unplanned Review": 0.25},
            {"NFA - Support ended: Other reason": 1.0},
        ),
    }
    for name, (helped, refused) in tables.items():
        rows = step == name
        outcome[rows & heard] = pick((rows & heard).sum(), helped, rng)
        outcome[rows & ~heard] = pick((rows & ~heard).sum(), refused, rng)
    outcome[open_ended] = "Provision of service"
    for spelling, variants in SPELLINGS.items():
        rows = np.flatnonzero((outcome == spelling) & (rng.random(number) < 0.25))
        outcome[rows] = np.array(variants, dtype=object)[rng.integers(0, len(variants), len(rows))]
    by_police = (contacts["cause_feed"] == POLICE).to_numpy()
    by_hospital = (contacts["cause_feed"] == AE).to_numpy() | (step == "discharge_request")
    asked_by = np.where(
        by_police,
        "Police",
        np.where(
            by_hospital,
            "Hospital",
            pick(number, {"Self": 0.35, "Family or carer": 0.4, "GP or community health": 0.25}, rng),
        ),
    )
    route = np.where(
        step == "discharge_request",
        "Discharge from Hospital",
        np.where(by_hospital, "Diversion from Hospital Services", "Community / Other route"),
    )
    lasting = {
        "Long Term Support: Community": 0.6,
        "Short Term Support: Ongoing Low Level": 0.25,
        "Long Term Support: Residential Care": 0.15,
    }
    service_type = np.where(
        course == "carer",
        "Carer Support: Direct to Carer",
        np.where(after_discharge, "Short Term Support: ST-Max", pick(number, lasting, rng)),
    )
    residential = service_type == "Long Term Support: Residential Care"
    component = np.where(
        after_discharge,
        "Reablement",
        np.where(
            residential,
            "Long Term Residential Care",
            pick(number, {"Home Support": 0.5, "Day Support": 0.2, "Direct Payment": 0.2, "Equipment": 0.1}, rng),
        ),
    )
    locality = np.array(["Locality Harrowmere", "Locality Eastlow", "Locality Uplands"], dtype=object)[
        contacts["district"]
    ]
    team = np.where(
        step == "request", "First Contact", np.where(step == "discharge_request", "Hospital Discharge", locality)
    )
    team = np.where(np.isin(course, ("mental_health", "alcohol_drugs")) & (step != "request"), "Mental Health", team)
    return pd.DataFrame(
        {
            "Client_Type": np.where(course == "carer", "Carer", "Service User"),
            "Event_Type": np.where(
                request, "Request", np.where(step == "assessment", "Assessment", np.where(service, "Service", "Review"))
            ),
            "Event_Start_Date": date(starts),
            "Event_End_Date": np.where(open_ended, "", date(ends)),
            "Event_Outcome": outcome,
            "Request_Route_of_Access": np.where(request, route, ""),
            "Primary_Support_Reason": pick_each(reason_group, SUPPORT_REASONS, {}, rng),
            "Service_Type": np.where(service, service_type, ""),
            "Service_Component": np.where(service, component, ""),
            "Delivery_Mechanism": np.where(
                service,
                pick(
                    number,
                    {"CASSR Managed Personal Budget": 0.5, "Direct Payment": 0.2, "CASSR Commissioned Support": 0.3},
                    rng,
                ),
                "",
            ),
            "Accommodation_Status": np.where(
                service & residential,
                "Registered care home",
                pick(number, {"Owner occupier or shared ownership scheme": 0.5, "Tenant": 0.4, "Unknown": 0.1}, rng),
            ),
            "Requested_By": np.where(request, asked_by, ""),
            "Team": team,
            "Der_Postcode_LSOA_2021_Code": np.where(contacts["homeless"], "", contacts["lsoa"]),
        }
    )


ACTIVITY = {AE: ae_attendances, POLICE: police_incidents, SOCIAL_CARE: social_care_events}
