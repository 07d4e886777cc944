"""What a contact's record was made to say: its need and its area, for the answer key.

The codes are those that this package itself writes; that the hub reads the same need from them is what is to be tested,
so the hub's code lists are not looked at.
"""

import numpy as np
import pandas as pd

from pipelines.synthetic import feeds
from pipelines.synthetic.life_courses import AE, AMBULANCE_SERVICE, CHILDREN_SERVICES, POLICE, SOCIAL_CARE

# need: the codes that show it, in the order in which needs count where a record shows several
CODES = {
    "domestic_abuse": ["371422002", "Domestic incident", "domestic", "factor 3A", "factor 3B", "factor 3C"],
    "mental_health": [
        "248062006", "6471006", "48694002", "248020004", "7011001", "272022009", "33449004", "35489007", "197480006",
        "13746004", "58214004", "276853009", "Mental health", "Absconder/AWOL", "mental health", "AWOL", "voluntary MH",
        "s136", "Mental Health Support", "card 23", "card 25", "factor 4A", "factor 4B", "factor 15A",
    ],
    "alcohol_drugs": [
        "25702006", "55680006", "alcohol", "drugs", "Social Support: Substance misuse support", "factor 1B", "factor 2B",
    ],
    "dementia": ["52448006", "2776000", "40917007", "dementia", "Support with Memory & Cognition"],
    "frailty": [
        "161898004", "34095006", "429482004", "248279007", "vulnerable older person", "card 17",
        "Physical Support: Access & mobility only", "Physical Support: Personal care support",
    ],
    "learning_disability": ["Learning Disability Support", "factor 5A"],
    "carer_strain": ["Social Support: Support to Carer"],
    "child_harm": ["need N1", "factor 13A", "factor 16A", "factor 17A", "factor 18C", "factor 24A"],
    "child_disability": ["need N2"],
    "family_strain": ["need N3", "need N4", "need N5", "need N7", "need N8"],
    "social_isolation": ["Social Support: Support for Social Isolation/Other"],
    "physical_illness": [
        "68566005", "233604007", "29857009", "195967001", "25374005", "267036007", "21522001", "386661006",
        "Sensory Support: Support for visual impairment", "card 01", "card 06", "card 10", "card 26", "factor 6A",
    ],
    "injury": ["125605004", "312608009", "384709000", "282026002", "card 21", "card 30"],
    "welfare": ["Concern for safety", "Missing person", "Assist other agency", "factor 10A"],
    "crime": [
        "Suspicious circumstances", "ASB - Personal", "ASB - Nuisance", "ASB - Environmental", "Crime - Violence",
        "Crime - Theft", "Crime - Other", "need N6", "factor 14A",
    ],
    "other": ["Abandoned call", "Civil dispute", "Road related"],
}  # fmt: skip
SAYS = {  # feed: columns that show a need, what separates their codes, and the prefix that tells their lists apart
    AE: [
        ("EC_Chief_Complaint_SNOMED_CT", "", ""), ("EC_Injury_Intent_SNOMED_CT", "", ""),
        ("Der_EC_Diagnosis_All", ",", ""),
    ],
    POLICE: [("nsir_close", "", ""), ("qualifiers", ";", ""), ("rcrp_category", "", ""), ("detained", "", "")],
    SOCIAL_CARE: [("Primary_Support_Reason", "", "")],
    AMBULANCE_SERVICE: [("AMPDS_Card", "", "card "), ("Chief_Complaint_SNOMED_CT", "", "")],
    CHILDREN_SERVICES: [("PrimaryNeedCode", "", "need "), ("AssessmentFactors", ",", "factor ")],
}  # fmt: skip
OLDER = 65  # years; a younger person who falls is injured, and not frail


def needs(contacts: pd.DataFrame, activity: dict[str, pd.DataFrame]) -> np.ndarray:
    """The need that each contact's record shows, `unknown` where it shows none. `activity` rows carry `contact`."""
    order = list(CODES)
    rank = {code: place for place, codes in enumerate(CODES.values()) for code in codes}
    result = np.full(len(contacts), len(order))
    for feed, rows in activity.items():
        rows = rows.assign(detained=np.where(rows["s136"] == "true", "s136", "")) if feed == POLICE else rows
        for column, separator, prefix in SAYS[feed]:
            said = rows[column].fillna("").astype(str)
            shown = (said.str.split(separator) if separator else said).explode()
            place = (prefix + shown).map(rank).fillna(len(order)).groupby(level=0).min().astype(int).to_numpy(copy=True)
            if feed == AMBULANCE_SERVICE:
                young = contacts["age_then"].to_numpy()[rows["contact"]] < OLDER
                place[(place == order.index("frailty")) & young] = order.index("injury")
            np.minimum.at(result, rows["contact"].to_numpy(), place)
    return np.array([*order, "unknown"], dtype=object)[result]


def roles(contacts: pd.DataFrame, activity: dict[str, pd.DataFrame]) -> np.ndarray:
    """The person's part in an incident of the police, empty elsewhere."""
    result = np.full(len(contacts), "", dtype=object)
    incidents = activity[POLICE]
    result[incidents["contact"].to_numpy()] = incidents["role"]
    return result


def areas(contacts: pd.DataFrame, people: pd.DataFrame, addresses: pd.DataFrame) -> np.ndarray:
    """LSOA (2021) of each contact, the person's home on its day; empty where a person without a home has none recorded."""
    home = addresses["lsoa"].to_numpy(dtype=object)[feeds.where_home_is(contacts, people)]
    roofless = people["homeless"].to_numpy()[contacts["person"]] & contacts["feed"].isin((AE, SOCIAL_CARE)).to_numpy()
    return np.where(roofless, "", home)
