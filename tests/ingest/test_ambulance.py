"""Ambulance incidents after the Ambulance Data Set: which rows go on, and what is said of those that do not."""

import pytest

from tests.ingest.extracts import found_in

CONVEYED = {
    "local_person_id": "1",
    "Call_Identifier": "R1",
    "Time_Call_Connected": "2024-03-05T10:00:00",
    "Call_Origin": "01",
    "Reporting_Response_Category": "C3",
    "Treatment_Type": "See and Convey",
    "Stop_Code": "",
    "AMPDS_Card": "17",
    "Response_Types": "02,01",
    "Time_Arrived_Scene": "2024-03-05T12:10:00",
    "Time_Left_Scene": "2024-03-05T12:50:00",
    "Time_Arrived_Destination": "2024-03-05T13:10:00",
    "Time_Handover": "2024-03-05T14:40:00",
    "Time_Clear": "2024-03-05T14:55:00",
    "Destination_Site_Code": "WEXH01",
}
NO_VISIT = dict.fromkeys(
    ("Time_Arrived_Scene", "Time_Left_Scene", "Time_Arrived_Destination", "Time_Handover", "Time_Clear"), ""
)
REFUSED = {
    "a call of the month before": ({"Time_Call_Connected": "2024-02-29T23:59:00"}, "call_in_period"),
    "a response category that there is not": (
        {"Reporting_Response_Category": "Red 1"},
        "required_code_not_in_list",
    ),
    "no outcome": ({"Treatment_Type": ""}, "required_missing"),
    "somebody who arrived before the call": ({"Time_Arrived_Scene": "2024-03-05T09:00:00"}, "times_in_order"),
    "a handover before the arrival": ({"Time_Handover": "2024-03-05T13:00:00"}, "times_in_order"),
    "gone before anybody came": ({"Time_Left_Scene": "2024-03-05T12:00:00"}, "times_in_order"),
    "a handover before the call, and no other time": (
        {**NO_VISIT, "Time_Handover": "2024-03-05T09:00:00"},
        "times_in_order",
    ),
    "clear before the call": ({"Time_Clear": "2024-03-05T09:59:00"}, "clear_not_before_call"),
    "the same call and patient told twice in different words": ({"Call_Identifier": "R1", "AMPDS_Card": "26"}, "call_of_patient_unique"),
}  # fmt: skip
WARNED = {
    "conveyed to nowhere": ({"Destination_Site_Code": ""}, "conveyed_without_destination"),
    "an arrival at the destination that nobody wrote down": (
        {"Time_Arrived_Destination": ""},
        "conveyed_without_arrival",
    ),
    "seen without a time of arrival": (
        {**NO_VISIT, "Treatment_Type": "See and Treat"},
        "seen_without_arrival",
    ),
    "a stop code of somebody who was seen": ({"Stop_Code": "Advice given"}, "stop_code_of_visit"),
    "a handover of two days": (
        {"Time_Handover": "2024-03-07T14:40:00", "Time_Clear": "2024-03-07T15:00:00"},
        "handover_within_a_day",
    ),
    "a response after a day and a half": (
        {
            **NO_VISIT,
            "Treatment_Type": "See and Treat",
            "Destination_Site_Code": "",
            "Time_Arrived_Scene": "2024-03-06T22:00:00",
        },
        "response_within_a_day",
    ),
    "neither card nor complaint": ({"AMPDS_Card": ""}, "complaint_missing"),
    "a triage card that there is not": ({"AMPDS_Card": "99"}, "code_not_in_list"),
    "a response type that there is not": ({"Response_Types": "02,77"}, "codes_not_in_list"),
}
WITHOUT_FAULT = {
    "hear and treat": {
        **NO_VISIT,
        "Treatment_Type": "Hear and Treat",
        "Stop_Code": "Advice given",
        "Destination_Site_Code": "",
    },
    "a handover and no time of the scene": {"Time_Left_Scene": ""},
    "all within one minute": dict.fromkeys(list(NO_VISIT)[:4], "2024-03-05T10:00:00"),
    "an outcome spelt otherwise": {"Treatment_Type": "SEE & CONVEY"},
    "two patients of one call": {"Call_Identifier": "R1", "local_person_id": "2"},
}


@pytest.mark.parametrize(("spoilt", "rule"), REFUSED.values(), ids=REFUSED)
def test_a_row_is_refused(tmp_path, spoilt, rule):
    assert rule in found_in(tmp_path, "ambulance_incidents", "WAMB", CONVEYED, spoilt)["refused"]


@pytest.mark.parametrize(("spoilt", "rule"), WARNED.values(), ids=WARNED)
def test_a_row_goes_on_and_is_counted(tmp_path, spoilt, rule):
    assert found_in(tmp_path, "ambulance_incidents", "WAMB", CONVEYED, spoilt) == {"refused": set(), "warned": {rule}}


@pytest.mark.parametrize("differs", WITHOUT_FAULT.values(), ids=WITHOUT_FAULT)
def test_a_row_is_without_fault(tmp_path, differs):
    found = found_in(tmp_path, "ambulance_incidents", "WAMB", CONVEYED, differs)
    assert found == {"refused": set(), "warned": set()}
