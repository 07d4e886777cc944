"""Who is joined and who stays apart: records among a background population. The id of a case is the promise."""

import pytest

POLICE, AE, COUNCIL = "police_incidents", "ae_attendances", "social_care_events"


def record(feed: str, forename: str, surname: str, born: str, postcode: str, nhs_number: str = "") -> tuple[str, dict]:
    status = "01" if nhs_number else ""
    return feed, {
        "forename": forename,
        "surname": surname,
        "date_of_birth": born,
        "postcode": postcode,
        "nhs_number": nhs_number,
        "nhs_number_status": status,
    }


TOGETHER = {
    "the same details in two feeds": [
        record(AE, "Rosalind", "Featherstone", "1958-04-17", "WX4 5DR"),
        record(COUNCIL, "Rosalind", "Featherstone", "1958-04-17", "WX4 5DR"),
    ],
    "a nickname in one feed": [
        record(AE, "Thomas", "Braithwaite", "1961-11-23", "WX9 2HL"),
        record(POLICE, "Tommy", "Braithwaite", "1961-11-23", "WX9 2HL"),
    ],
    "a placeholder forename in one feed": [
        record(AE, "Beatrice", "Cavendish", "1949-07-05", "WX2 7NP"),
        record(POLICE, "Unknown", "Cavendish", "1949-07-05", "WX2 7NP"),
    ],
    "a newborn called Baby in one feed": [
        record(AE, "Baby", "Rotherham", "2024-02-20", "WX2 9QD"),
        record(COUNCIL, "Isolde", "Rotherham", "2024-02-20", "WX2 9QD"),
    ],
    "a newborn called Twin 1 in one feed": [
        record(AE, "Twin 1", "Salisbury", "2024-03-18", "WX3 7RE"),
        record(COUNCIL, "Lysander", "Salisbury", "2024-03-18", "WX3 7RE"),
    ],
    "another forename since, under one NHS number": [
        record(AE, "Raymond", "Pemberley", "1985-06-11", "WX6 8YT", "9998800048"),
        record(COUNCIL, "Ottoline", "Pemberley", "1985-06-11", "WX6 8YT", "9998800048"),
    ],
    "one half of a double-barrelled surname": [
        record(AE, "Florence", "Ashdown-Carmichael", "1972-09-01", "WX8 2CV"),
        record(POLICE, "Florence", "Ashdown", "1972-09-01", "WX8 2CV"),
    ],
    "a made-up birth date in one feed": [
        record(AE, "Ignatius", "Wolstenholme", "1969-03-29", "WX9 5BN"),
        record(POLICE, "Ignatius", "Wolstenholme", "1900-01-01", "WX9 5BN"),
    ],
    "a letter of both names and a character of the postcode wrong": [
        record(AE, "Theodora", "Micklethwaite", "1957-12-30", "WX5 4PL"),
        record(POLICE, "Teodora", "Micklethwait", "1957-12-30", "WX5 4PI"),
    ],
    "an initial in one feed": [
        record(AE, "Marigold", "Winterbourne", "1975-08-21", "WX5 1QR"),
        record(POLICE, "M", "Winterbourne", "1975-08-21", "WX5 1QR"),
    ],
    "a title, capitals and other spacing": [
        record(AE, "Josephine", "Abernathy", "1966-01-29", "WX6 3TB"),
        record(POLICE, "MRS JOSEPHINE", "ABERNATHY", "1966-01-29", "wx63tb"),
    ],
    "one digit of the birth date wrong": [
        record(AE, "Desmond", "Lockhart", "1983-10-14", "WX8 6LS"),
        record(POLICE, "Desmond", "Lockhart", "1983-10-17", "WX8 6LS"),
    ],
    "day and month swapped": [
        record(AE, "Cecilia", "Rutherglen", "1990-05-03", "WX1 9DA"),
        record(POLICE, "Cecilia", "Rutherglen", "1990-03-05", "WX1 9DA"),
    ],
    "the month of birth alone": [
        record(AE, "Leopold", "Sandringham", "1938-12-19", "WX10 4JE"),
        record(POLICE, "Leopold", "Sandringham", "1938-12", "WX10 4JE"),
    ],
    "the first of January for a year alone": [
        record(AE, "Wilhelmina", "Pettigrew", "1944-06-27", "WX11 2RB"),
        record(POLICE, "Wilhelmina", "Pettigrew", "1944-01-01", "WX11 2RB"),
    ],
    "names in each other's place": [
        record(AE, "Barnaby", "Merrick", "1971-03-31", "WX12 8HN"),
        record(POLICE, "Merrick", "Barnaby", "1971-03-31", "WX12 8HN"),
    ],
    "moved house": [
        record(AE, "Philippa", "Dunsworth", "1986-09-09", "WX13 5LD"),
        record(COUNCIL, "Philippa", "Dunsworth", "1986-09-09", "WX18 6BS"),
    ],
    "no postcode in one feed": [
        record(AE, "Montague", "Hathersage", "1979-02-16", "WX14 1PS"),
        record(POLICE, "Montague", "Hathersage", "1979-02-16", ""),
    ],
    "no birth date in one feed": [
        record(AE, "Araminta", "Colquhoun", "1995-12-02", "WX15 7JA"),
        record(POLICE, "Araminta", "Colquhoun", "", "WX15 7JA"),
    ],
    "another surname and address but one NHS number": [
        record(AE, "Clementine", "Ravenscroft", "1989-04-24", "WX16 3GQ", "9998800005"),
        record(COUNCIL, "Clementine", "Thistlewood", "1989-04-24", "WX7 9EL", "9998800005"),
    ],
}
APART = {
    "strangers": [
        record(AE, "Percival", "Ormsby", "1952-08-13", "WX2 4AB"),
        record(COUNCIL, "Henrietta", "Wetherell", "1991-01-20", "WX17 6DN"),
    ],
    "twins known to one feed": [
        record(AE, "Maya", "Vanderbilt", "2009-06-12", "WX7 3EN"),
        record(AE, "Oscar", "Vanderbilt", "2009-06-12", "WX7 3EN"),
    ],
    "father and son of one name": [
        record(AE, "George", "Hollingworth", "1955-02-08", "WX3 8AJ"),
        record(COUNCIL, "George", "Hollingworth", "1987-09-30", "WX3 8AJ"),
    ],
    "sisters a year apart": [
        record(AE, "Saskia", "Trevelyan", "2011-04-03", "WX8 8NP"),
        record(COUNCIL, "Tabitha", "Trevelyan", "2012-05-09", "WX8 8NP"),
    ],
    "mother and daughter of one initial": [
        record(POLICE, "Miranda", "Gainsborough", "1961-07-21", "WX1 1HB"),
        record(AE, "Matilda", "Gainsborough", "1990-10-12", "WX1 1HB"),
    ],
    "flatmates born on one day": [
        record(POLICE, "Cordelia", "Whitcombe", "1999-11-08", "WX6 6SU"),
        record(AE, "Benedict", "Osbaldeston", "1999-11-08", "WX6 6SU"),
    ],
    "husband and wife": [
        record(AE, "Edith", "Blackadder", "1958-10-02", "WX4 6HS"),
        record(COUNCIL, "Edward", "Blackadder", "1956-05-27", "WX4 6HS"),
    ],
    "namesakes of other age and address": [
        record(AE, "Oliver", "Jessop", "1994-03-06", "WX11 4BQ"),
        record(COUNCIL, "Oliver", "Jessop", "1963-11-15", "WX5 8DS"),
    ],
    "equal details but two verified NHS numbers": [
        record(AE, "Gwendolyn", "Fotheringay", "1977-07-07", "WX19 2LN", "9998800013"),
        record(COUNCIL, "Gwendolyn", "Fotheringay", "1977-07-07", "WX19 2LN", "9998800021"),
    ],
}
# Twins whom both of two feeds know: four records, two people.
TWINS = {
    "Jasmine in A&E": record(AE, "Jasmine", "Somerville", "2001-10-30", "WX20 5GB"),
    "Jasmine at the council": record(COUNCIL, "Jasmine", "Somerville", "2001-10-30", "WX20 5GB"),
    "Fergus in A&E": record(AE, "Fergus", "Somerville", "2001-10-30", "WX20 5GB"),
    "Fergus at the council": record(COUNCIL, "Fergus", "Somerville", "2001-10-30", "WX20 5GB"),
}


@pytest.fixture(scope="module")
def linked(hub_with):
    """(feed, local id) -> person id, for the records of all cases in one hub: the cases do not meet."""
    further: dict[str, dict[str, dict]] = {POLICE: {}, AE: {}, COUNCIL: {}}
    for name, pair in [*TOGETHER.items(), *APART.items()]:
        for number, (feed, details) in enumerate(pair):
            further[feed][f"{name} {number}"] = details
    for name, (feed, details) in TWINS.items():
        further[feed][name] = details
    return hub_with(further).person_of()


@pytest.mark.parametrize("name", TOGETHER)
def test_one_person(linked, name):
    (feed, _), (other_feed, _) = TOGETHER[name]
    assert linked[feed, f"{name} 0"] == linked[other_feed, f"{name} 1"]


@pytest.mark.parametrize("name", APART)
def test_two_people(linked, name):
    (feed, _), (other_feed, _) = APART[name]
    assert linked[feed, f"{name} 0"] != linked[other_feed, f"{name} 1"]


def test_twins_in_two_feeds_are_each_joined_with_themselves(linked):
    assert linked[AE, "Jasmine in A&E"] == linked[COUNCIL, "Jasmine at the council"]
    assert linked[AE, "Fergus in A&E"] == linked[COUNCIL, "Fergus at the council"]
    assert linked[AE, "Jasmine in A&E"] != linked[AE, "Fergus in A&E"]
