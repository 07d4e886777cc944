"""How identities get into agencies' records, and how they go wrong there.

Each agency writes a person down when it first meets them and mends the record now and then. Every field has its own
ways of being wrong; how often depends on the agency and on the person (`care`: 1 for most, more for people whose names
clerks do not know, people in deprived areas and people without a home). Nothing here knows how records are linked
afterwards.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd

from pipelines.synthetic.life_courses import AE, AMBULANCE_SERVICE, CHILDREN_SERVICES, POLICE, SOCIAL_CARE

# Chance in 100 that a record has the error, when care is 1.
RATES = pd.DataFrame(
    [
        ("forename", "nickname", 5.0, 9.0, 4.0, 8.0, 5.0), ("forename", "sounds_alike", 0.9, 1.8, 0.7, 2.4, 0.9),
        ("forename", "typo", 1.0, 2.2, 0.8, 2.6, 0.8), ("forename", "initial", 0.3, 1.0, 0.2, 1.2, 0.2),
        ("forename", "second_name", 3.0, 4.0, 2.0, 2.0, 3.0), ("forename", "title", 0.5, 0.8, 0.6, 0.6, 0.0),
        ("forename", "missing", 0.2, 0.8, 0.1, 2.5, 0.3), ("forename", "placeholder", 0.2, 0.8, 0.1, 2.0, 0.3),
        ("surname", "former", 6.0, 9.0, 5.0, 8.0, 2.0), ("surname", "sounds_alike", 1.0, 2.2, 0.8, 2.8, 1.0),
        ("surname", "typo", 1.3, 2.6, 1.0, 3.0, 1.0), ("surname", "half", 22.0, 30.0, 18.0, 28.0, 20.0),
        ("surname", "missing", 0.1, 0.4, 0.1, 1.5, 0.1), ("surname", "placeholder", 0.1, 0.5, 0.05, 1.0, 0.1),
        ("names", "swapped", 0.4, 0.7, 0.3, 0.9, 0.3), ("names", "capitals", 4.0, 45.0, 3.0, 30.0, 3.0),
        ("names", "lower_case", 1.0, 1.0, 4.0, 2.0, 2.0), ("names", "punctuation", 0.8, 1.0, 0.8, 1.0, 0.8),
        ("birth", "day_month_swap", 0.6, 1.0, 0.5, 1.2, 0.4), ("birth", "digit", 0.7, 1.4, 0.6, 1.8, 0.6),
        ("birth", "year_off", 0.2, 0.5, 0.2, 0.9, 0.2), ("birth", "first_january", 0.3, 1.2, 0.3, 2.5, 0.4),
        ("birth", "placeholder", 0.2, 0.6, 0.2, 0.8, 0.1), ("birth", "month_only", 0.1, 0.3, 4.0, 0.2, 0.5),
        ("birth", "missing", 0.3, 2.5, 0.3, 5.0, 1.0), ("sex", "wrong", 0.3, 0.5, 0.3, 0.6, 0.3),
        ("sex", "missing", 0.2, 1.0, 0.5, 1.5, 0.8), ("ethnic_group", "missing", 9.0, 22.0, 12.0, 38.0, 7.0),
        ("ethnic_group", "wrong", 1.5, 4.0, 1.5, 3.0, 1.5), ("nhs_number", "missing", 6.5, 100.0, 22.0, 34.0, 55.0),
        ("nhs_number", "digit", 0.4, 0.0, 0.6, 0.6, 0.5), ("nhs_number", "of_another", 0.05, 0.0, 0.08, 0.2, 0.1),
        ("nhs_number", "unverified", 2.0, 0.0, 6.0, 8.0, 10.0), ("postcode", "missing", 1.6, 8.0, 1.2, 6.0, 1.5),
        ("postcode", "out_of_date", 4.0, 8.0, 4.0, 6.0, 6.0), ("postcode", "typo", 0.8, 1.8, 0.7, 1.6, 0.7),
        ("postcode", "outward_only", 0.2, 1.2, 0.2, 0.8, 0.1), ("postcode", "no_space", 8.0, 25.0, 5.0, 15.0, 6.0),
        ("postcode", "lower_case", 1.0, 4.0, 2.0, 2.0, 2.0),
    ],
    columns=["field", "error", AE, POLICE, SOCIAL_CARE, AMBULANCE_SERVICE, CHILDREN_SERVICES],
).set_index(["field", "error"])  # fmt: skip
# chance that a later month's contact refreshes the address
LIKELY_UPDATE = {AE: 0.5, POLICE: 0.25, SOCIAL_CARE: 0.6, AMBULANCE_SERVICE: 0.35, CHILDREN_SERVICES: 0.6}
LIKELY_CORRECTION = 0.15  # chance that it rewrites the identity, with new luck
# of people seen more than once, when care is 1
SECOND_RECORD = {AE: 0.06, POLICE: 0.12, SOCIAL_CARE: 0.05, AMBULANCE_SERVICE: 0.2, CHILDREN_SERVICES: 0.03}
LIKELY_LEARNS_OF_DEATH = {
    AE: 0.85, POLICE: 0.0, SOCIAL_CARE: 0.85, AMBULANCE_SERVICE: 0.3, CHILDREN_SERVICES: 0.9,
}  # fmt: skip
LIKELY_LEARNS_OF_MOVE = {
    AE: 0.35, POLICE: 0.0, SOCIAL_CARE: 0.7, AMBULANCE_SERVICE: 0.0, CHILDREN_SERVICES: 0.8,
}  # fmt: skip
NO_FIXED_ABODE = "ZZ99 3VZ"

# Formal forename and its short forms; written for this project.
SHORT_FORMS = """
Alexander Alex Sandy Al|Alexandra Alex Sandra Lexi|Alfred Alf Alfie Fred|Amanda Mandy|Andrew Andy Drew|Angela Angie
Anthony Tony Ant|Antonia Toni|Arthur Art|Barbara Barb Babs|Benjamin Ben Benny|Bernard Bernie|Beverley Bev
Bradley Brad|Brenda Bren|Caroline Carol Caz|Catherine Cath Cathy Kate Katie|Charles Charlie Chas Chuck
Charlotte Charlie Lottie Lotte|Christine Chris Chrissie|Christopher Chris Kit|Clifford Cliff|Daniel Dan Danny
David Dave Davey|Deborah Debbie Deb|Dennis Den|Derek Del|Donald Don|Dorothy Dot Dottie Dolly|Douglas Doug
Edward Ed Eddie Ted Ned|Eileen Eily|Eleanor Ellie Nell Nora|Elizabeth Liz Beth Betty Lizzie Eliza Libby
Emily Em Emmie|Ernest Ernie|Florence Flo Florrie|Francis Frank|Frederick Fred Freddie|Geoffrey Geoff|George Georgie
Georgina Georgie Gina|Gerald Gerry|Gillian Gill|Gladys Glad|Gordon Gord|Graham Gray|Gregory Greg|Harold Harry Hal
Harriet Hattie|Helen Nell|Henry Harry Hal|Isabella Bella Izzy|Jacqueline Jackie Jacqui|James Jim Jimmy Jamie
Janet Jan|Jason Jase|Jennifer Jenny Jen|Jessica Jess Jessie|Joanne Jo Joanna|John Johnny Jack|Jonathan Jon Jonny
Joseph Joe Joey|Joshua Josh|Judith Judy Jude|Julie Jules|Katherine Kate Kathy Katie|Kathleen Kath Kathy
Kenneth Ken Kenny|Kevin Kev|Kimberley Kim|Lawrence Larry Laurie|Leonard Len Lenny|Leslie Les|Lewis Lew|Louise Lou
Lucy Lu|Margaret Maggie Peggy Marge Meg|Marjorie Marge|Martin Marty|Mary Molly May|Matthew Matt|Maureen Mo|Megan Meg
Michael Mike Mick Mickey|Michelle Shelly|Mohammed Mo Mohd Md|Muhammad Mo Mohd Md|Natalie Nat|Natasha Tasha
Nathan Nate|Nicholas Nick Nicky|Nicola Nicky Nic|Norman Norm|Oliver Ollie|Olivia Liv Livvy|Pamela Pam
Patricia Pat Trish Tricia Patsy|Patrick Pat Paddy|Paula Pauly|Pauline Polly|Peter Pete|Philip Phil Pip|Phyllis Phyl
Rachel Rach|Raymond Ray|Rebecca Becky Becca|Reginald Reg Reggie|Richard Rick Richie Dick
Robert Rob Bob Bobby Robbie Bert|Roger Rodge|Ronald Ron Ronnie|Rosemary Rose Rosie|Russell Russ|Samantha Sam Sammy
Samuel Sam Sammy|Sandra Sandy|Sarah Sally|Sharon Shaz|Sheila She|Shirley Shirl|Sidney Sid|Simon Si|Sophie Soph
Stanley Stan|Stephanie Steph|Stephen Steve|Steven Steve Ste|Stuart Stu|Susan Sue Suzie|Terence Terry Tel
Theresa Terri Tess|Thomas Tom Tommy|Timothy Tim|Tobias Toby|Tracey Trace|Valerie Val|Veronica Ronnie
Victoria Vicky Tori|Vincent Vince|Walter Wally Walt|Wendy Wend|William Bill Will Billy Willy Liam
Winifred Win Winnie|Zachary Zach|Abdul Abdel|Aleksandra Ola|Katarzyna Kasia|Małgorzata Gosia|Jakub Kuba
Stanisław Staszek|Adebola Bola|Oluwaseun Seun|Oluwafemi Femi|Chinedu Nedu|Constantin Costel|Gheorghe Gigi
"""
SHORT = {
    entry.split()[0]: entry.split()[1:]
    for line in SHORT_FORMS.split("\n")
    for entry in line.split("|")
    if entry.split()
}
FORMAL = {
    short: [formal for formal, shorts in SHORT.items() if short in shorts]
    for shorts in SHORT.values()
    for short in shorts
}
SOUNDS_ALIKE = (
    "ph f|f ph|ck k|k ck|ie y|y ie|ey y|y ey|ea ee|ee ea|ai ay|ay ai|ou oo|c k|k c|s z|z s|tt t|t tt|ll l|l ll|"
    "nn n|n nn|ss s|rr r|mm m|th t|sh s|gh g|wh w|h |e a|a e|i e|o u|u o|v w|w v|j y|ks x|x ks|aa a|oo u|uu u|kh k|"
    "dh d|ee i|sch sh|cz ch"
)
ALIKE = [tuple(pair.split(" ")) for pair in SOUNDS_ALIKE.split("|")]
KEYBOARD_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
LOOKS_ALIKE = {
    "m": "rn",
    "w": "vv",
    "d": "cl",
    "l": "i",
    "i": "l",
    "o": "0",
    "s": "5",
    "b": "6",
    "g": "9",
    "u": "v",
    "h": "b",
    "e": "c",
    "c": "e",
}
PLACEHOLDER_FORENAMES = ("UNKNOWN", "Unknown", "Mr X", "Not Known", "XX", "Male", "Test")
PLACEHOLDER_SURNAMES = ("UNKNOWN", "Unknown", "Not Known", "XXXX", "Doe")
PLACEHOLDER_DATES = ("1900-01-01", "1900-01-01", "1901-01-01")


def _neighbours(letter: str) -> str:
    """Letters beside `letter` on a keyboard."""
    found = ""
    for number, row in enumerate(KEYBOARD_ROWS):
        place = row.find(letter)
        if place >= 0:
            found += row[max(place - 1, 0) : place] + row[place + 1 : place + 2]
            for other in (number - 1, number + 1):
                if 0 <= other < len(KEYBOARD_ROWS):
                    found += KEYBOARD_ROWS[other][max(place - 1, 0) : place + 1]
    return found


BESIDE = {letter: _neighbours(letter) for row in KEYBOARD_ROWS for letter in row}


def typo(word: str, rng: np.random.Generator) -> str:
    """`word` with one slip: a neighbouring key, a letter left out, doubled, swapped or misread."""
    if len(word) < 2:
        return word
    place = int(rng.integers(1 if len(word) > 3 else 0, len(word)))
    letter, kind = word[place].lower(), rng.random()
    if kind < 0.35 and letter in BESIDE:
        return word[:place] + BESIDE[letter][int(rng.integers(len(BESIDE[letter])))] + word[place + 1 :]
    if kind < 0.6:
        return word[:place] + word[place + 1 :]
    if kind < 0.72:
        return word[:place] + word[place] + word[place:]
    if kind < 0.88 and place + 1 < len(word):
        return word[:place] + word[place + 1] + word[place] + word[place + 2 :]
    return word[:place] + LOOKS_ALIKE.get(letter, "") + word[place + 1 :]


def sounds_alike(word: str, rng: np.random.Generator) -> str:
    """`word` as somebody would spell it who only heard it; unchanged if none of the rules fits."""
    lower = word.lower()
    fitting = [pair for pair in ALIKE if pair[0] in lower[1:]]
    if not fitting:
        return word
    heard, written = fitting[int(rng.integers(len(fitting)))]
    place = lower.index(heard, 1)
    return word[:place] + written + word[place + len(heard) :]


def short_form(forename: str, rng: np.random.Generator) -> str:
    """A short form of a formal forename, or the formal one of a short form; unchanged if there is none."""
    forms = SHORT.get(forename) or FORMAL.get(forename)
    return forms[int(rng.integers(len(forms)))] if forms else forename


def wrong_digit(text: str, rng: np.random.Generator) -> str:
    """`text` with one digit changed, or two digits beside each other swapped."""
    places = [place for place, character in enumerate(text) if character.isdigit()]
    place = places[int(rng.integers(len(places)))]
    if rng.random() < 0.3 and place + 1 < len(text) and text[place + 1].isdigit() and text[place + 1] != text[place]:
        return text[:place] + text[place + 1] + text[place] + text[place + 2 :]
    digit = (int(text[place]) + int(rng.integers(1, 10))) % 10
    return f"{text[:place]}{digit}{text[place + 1 :]}"


def _no_letter_marks(text: str, rng: np.random.Generator) -> str:
    """Hyphens and apostrophes left out, or a stray full stop or blank."""
    plain = text.replace("-", " ").replace("'", "")
    return plain if plain != text else text + (" " if rng.random() < 0.6 else ".")


def _change(
    values: np.ndarray, rows: np.ndarray, how: Callable[[str, np.random.Generator], str], rng: np.random.Generator
) -> None:
    for row in np.flatnonzero(rows):
        values[row] = how(values[row], rng)


def _hit(field: str, error: str, feed: np.ndarray, care: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Which records have the error."""
    rates = RATES.loc[(field, error)]
    rate = np.select([feed == each for each in rates.index], rates.to_list()) / 100
    return rng.random(len(feed)) < np.minimum(rate * care, 1.0)


def care_needed(people: pd.DataFrame) -> np.ndarray:
    """How much more often than most a person is recorded wrongly; 0 for people who are to be recorded without error."""
    unfamiliar = np.where(people["origin"].isin(["british", "caribbean", "irish"]), 1.0, 1.7)
    deprived = np.array([0, 1.3, 1.1, 1.0, 0.95, 0.9])[people["imd_quintile"]]
    return unfamiliar * deprived * np.where(people["homeless"], 3.0, 1.0) * np.where(people["scripted"], 0.0, 1.0)


def recorded_identities(known: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """What agencies write down: nhs_number, nhs_number_status, forename, surname, date_of_birth, sex, ethnic_group.

    `known` has one row a writing-down: feed, care, age, kin, and the truth of that day as forename, middle_name,
    surname, former_surname, born (ISO text), sex, ethnic_code, nhs_number.
    """
    feed, care = known["feed"].to_numpy(), known["care"].to_numpy()
    values = {
        name: known[name].to_numpy(dtype=object, copy=True)
        for name in ("forename", "surname", "born", "sex", "nhs_number")
    }

    def hit(field: str, error: str) -> np.ndarray:
        return _hit(field, error, feed, care, rng)

    forename, surname, born, sex, number = values.values()
    _change(forename, hit("forename", "nickname"), short_form, rng)
    _change(forename, hit("forename", "sounds_alike"), sounds_alike, rng)
    _change(forename, hit("forename", "typo"), typo, rng)
    middle = known["middle_name"].to_numpy(dtype=object)
    second = hit("forename", "second_name")
    forename[second] = forename[second] + " " + middle[second]
    rows = hit("forename", "initial")
    forename[rows] = [text[:1] for text in forename[rows]]
    titles = hit("forename", "title")
    forename[titles] = np.where(sex[titles] == "F", "Mrs ", "Mr ") + forename[titles]

    former = known["former_surname"].to_numpy(dtype=object)
    rows = hit("surname", "former") & (former != "")
    surname[rows] = former[rows]
    rows = hit("surname", "half") & np.array(["-" in text for text in surname])
    surname[rows] = [text.split("-")[int(rng.integers(2))] for text in surname[rows]]
    _change(surname, hit("surname", "sounds_alike"), sounds_alike, rng)
    _change(surname, hit("surname", "typo"), typo, rng)

    rows = hit("names", "swapped")
    forename[rows], surname[rows] = surname[rows], forename[rows]
    for text in (forename, surname):
        rows = hit("names", "punctuation")
        _change(text, rows, _no_letter_marks, rng)
    capitals, lower = hit("names", "capitals"), hit("names", "lower_case")
    for text in (forename, surname):
        text[capitals] = [each.upper() for each in text[capitals]]
        text[lower] = [each.lower() for each in text[lower]]

    newborn = (known["age"].to_numpy() < 0.5) & (rng.random(len(known)) < 0.25) & (care > 0)
    forename[newborn] = np.where(known["kin"].to_numpy()[newborn] == "twin", "Twin 1", "Baby")
    for text, field, words in (
        (forename, "forename", PLACEHOLDER_FORENAMES),
        (surname, "surname", PLACEHOLDER_SURNAMES),
    ):
        rows = hit(field, "placeholder")
        text[rows] = np.array(words, dtype=object)[rng.integers(0, len(words), rows.sum())]
        text[hit(field, "missing")] = ""

    rows = hit("birth", "day_month_swap")
    born[rows] = [f"{text[:5]}{text[8:]}-{text[5:7]}" if int(text[8:]) <= 12 else text for text in born[rows]]
    rows = hit("birth", "digit")
    born[rows] = [_real_date(wrong_digit(text, rng), text) for text in born[rows]]
    rows = hit("birth", "year_off")
    off = rng.choice([-10, -2, -1, 1, 2, 10], rows.sum())
    born[rows] = [
        _real_date(f"{int(text[:4]) + years}{text[4:]}", text) for text, years in zip(born[rows], off, strict=True)
    ]
    rows = hit("birth", "first_january")
    born[rows] = [f"{text[:4]}-01-01" for text in born[rows]]
    rows = hit("birth", "month_only")
    born[rows] = [text[:7] for text in born[rows]]
    rows = hit("birth", "placeholder")
    born[rows] = np.array(PLACEHOLDER_DATES, dtype=object)[rng.integers(0, len(PLACEHOLDER_DATES), rows.sum())]
    born[hit("birth", "missing")] = ""

    rows = hit("sex", "wrong")
    sex[rows] = np.where(sex[rows] == "F", "M", "F")
    sex[hit("sex", "missing")] = ""

    stranger = hit("nhs_number", "of_another")
    number[stranger] = number[rng.permutation(len(number))][stranger]
    _change(number, hit("nhs_number", "digit") & (number != ""), wrong_digit, rng)
    number[hit("nhs_number", "missing") | (feed == POLICE)] = ""
    status = np.where(hit("nhs_number", "unverified"), "02", "01").astype(object)
    status[number == ""] = ""

    ethnic = known["ethnic_code"].to_numpy(dtype=object, copy=True)
    rows = hit("ethnic_group", "wrong")
    ethnic[rows] = np.array(list("ACGLPS"), dtype=object)[rng.integers(0, 6, rows.sum())]
    ethnic[feed == POLICE] = [OBSERVED_BY_OFFICERS[code] for code in ethnic[feed == POLICE]]
    rows = hit("ethnic_group", "missing")
    ethnic[rows] = np.where(feed[rows] == POLICE, "", "Z")
    return pd.DataFrame(
        {
            "nhs_number": number,
            "nhs_number_status": status,
            "forename": forename,
            "surname": surname,
            "date_of_birth": born,
            "sex": sex,
            "ethnic_group": ethnic,
        }
    )


OBSERVED_BY_OFFICERS = {
    code: group
    for codes, group in (("ABC", "White"), ("DEFG", "Mixed"), ("HJKLR", "Asian"), ("MNP", "Black"), ("S", "Other"))
    for code in codes
}


def _real_date(text: str, otherwise: str) -> str:
    """`text` if the calendar has that day and it is neither in the future nor before 1900, else `otherwise`."""
    try:
        day = np.datetime64(text)
    except ValueError:
        return otherwise
    return text if np.datetime64("1900-01-02") < day < np.datetime64("2026-01-01") else otherwise


def recorded_addresses(known: pd.DataFrame, addresses: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """postcode and lsoa as written down.

    `known` has feed, care, homeless, address and address_before (the last two are rows of `addresses`).
    """
    feed, care = known["feed"].to_numpy(), known["care"].to_numpy()

    def hit(error: str) -> np.ndarray:
        return _hit("postcode", error, feed, care, rng)

    home = np.where(hit("out_of_date"), known["address_before"], known["address"])
    postcode = addresses["postcode"].to_numpy(dtype=object)[home]
    lsoa = addresses["lsoa"].to_numpy(dtype=object)[home]
    outward = hit("outward_only")
    postcode[outward] = [text.split()[0] for text in postcode[outward]]
    wrong = hit("typo") & ~outward
    _change(
        postcode,
        wrong,
        lambda text, _: (
            wrong_digit(text, rng) if rng.random() < 0.6 else text[:-1] + BESIDE[text[-1].lower()][0].upper()
        ),
        rng,
    )
    rows = hit("no_space")
    postcode[rows] = [text.replace(" ", "") for text in postcode[rows]]
    rows = hit("lower_case")
    postcode[rows] = [text.lower() for text in postcode[rows]]
    lsoa[outward | (wrong & (rng.random(len(wrong)) < 0.5))] = ""
    roofless = known["homeless"].to_numpy()
    postcode[roofless] = np.where(feed[roofless] == AE, NO_FIXED_ABODE, "")
    missing = hit("missing")
    postcode[missing] = ""
    lsoa[missing | roofless] = ""
    return pd.DataFrame({"postcode": postcode, "lsoa": lsoa})
