"""Names of the fictional region: how common each is, where it comes from and when it was in fashion.

Word lists come from Faker's provider tables (MIT), read as tables and not called per person; forenames of British
people follow short lists by decade of birth. How a name is *written down* wrongly belongs in errors.py.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib import import_module

import numpy as np

# Most common first; a list is for people born before the year that it stands under, and after the list above.
BRITISH_FORENAMES = {
    "F": {
        1945: """
            Margaret Mary Joan Doreen Jean Dorothy Sheila Joyce Kathleen Patricia Barbara Audrey Betty Eileen Irene
            Beryl Edna Florence Elsie Gladys Winifred Hilda Doris Vera Marjorie Sylvia Pamela Brenda June Shirley Iris
            Phyllis Peggy Ivy Muriel Olive Nora Rita Maureen Freda Ethel Constance
        """,
        1965: """
            Susan Margaret Christine Patricia Linda Carol Jean Ann Janet Julie Elizabeth Mary Maureen Sandra Pauline
            Jacqueline Valerie Barbara Gillian Pamela Kathleen Judith Lesley Sheila Marion Diane Marilyn Denise Hilary
            Jennifer Carole Anne Joan Wendy Lynn Heather Rosemary Theresa Geraldine Angela
        """,
        1985: """
            Sarah Claire Nicola Emma Lisa Joanne Michelle Helen Samantha Karen Amanda Rachel Louise Julie Clare
            Rebecca Sharon Victoria Caroline Susan Alison Catherine Elizabeth Deborah Donna Tracey Tracy Angela Jane
            Zoe Kerry Melanie Sally Jennifer Andrea Paula Natalie Kelly Laura Lorraine Katherine
        """,
        2005: """
            Jessica Laura Rebecca Charlotte Emma Sarah Sophie Hannah Amy Lauren Chloe Emily Stephanie Gemma Bethany
            Katie Megan Georgia Rachel Lucy Danielle Jade Natalie Shannon Abigail Olivia Holly Kirsty Victoria Ellie
            Eleanor Amber Leah Paige Molly Jasmine Kayleigh Natasha Courtney Caitlin
        """,
        9999: """
            Olivia Amelia Isla Ava Emily Isabella Mia Poppy Ella Lily Grace Sophie Evie Freya Ruby Florence Charlotte
            Willow Daisy Sienna Evelyn Phoebe Alice Rosie Matilda Millie Jessica Elsie Ivy Harper Maisie Erin Layla
            Scarlett Summer Lola Eliza Martha Imogen Summer
        """,
    },
    "M": {
        1945: """
            John William George Ronald Kenneth James Robert Peter Dennis Thomas Derek Brian Arthur Albert Frederick
            Raymond Leslie Eric Frank Alan Harold Charles Stanley Roy Norman Ernest Edward Donald Gordon Joseph Sidney
            Reginald Walter Douglas Bernard Cyril Henry Terence Alfred Percy
        """,
        1965: """
            David John Michael Peter Robert Stephen Paul Alan Anthony Brian Kenneth William Keith James Christopher
            Richard Graham Kevin Roger Colin Trevor Philip Barry Terence Ian Malcolm Raymond Geoffrey Derek Roy Andrew
            Martin Thomas Patrick Nigel Leslie Dennis George Clive Stuart
        """,
        1985: """
            Paul David Andrew Mark Stephen Darren Lee Ian Simon Richard Christopher Jason Michael Stuart Matthew James
            Gary Neil Robert John Anthony Daniel Craig Steven Wayne Philip Jonathan Martin Adam Peter Nicholas Dean
            Kevin Benjamin Scott Carl Timothy Adrian Russell Barry
        """,
        2005: """
            Daniel Thomas James Joshua Matthew Jack Luke Ryan Joseph Samuel Christopher Adam Michael Liam Benjamin
            Alexander Jordan Connor Callum Lewis Jake William Nathan George Oliver Kieran Ashley Jamie Bradley Aaron
            Kyle Harry Charlie Robert Dominic Reece Scott Sean Curtis Louis
        """,
        9999: """
            Oliver George Harry Noah Jack Leo Arthur Oscar Charlie Jacob Thomas Alfie William Henry Theo Freddie
            Archie Joshua James Ethan Isaac Alexander Edward Lucas Max Joseph Finley Logan Mason Harrison Riley Teddy
            Toby Reuben Louie Elijah Jude Albert Dylan Frankie
        """,
    },
}
SOUTH_ASIAN_MUSLIM = {
    "F": """
        Fatima Aisha Nasreen Shazia Saima Zainab Maryam Khadija Farzana Rukhsana Samina Nazia Shabana Amina Hafsa
        Sadia Yasmin Parveen Rehana Sumaiya Nusrat Shabnam Tahira Uzma Bushra Halima Iqra Sana Rabia Noreen
    """,
    "M": """
        Mohammed Muhammad Mohammad Ahmed Ali Imran Tariq Asif Khalid Abdul Nadeem Shahid Omar Usman Hamza Bilal Zahid
        Amir Rashid Yusuf Ibrahim Arshad Iqbal Javed Nasir Kamran Faisal Adnan Sajid Waqas
    """,
    "surnames": """
        Khan Hussain Ahmed Ali Begum Akhtar Mahmood Shah Malik Iqbal Mohammed Bibi Rahman Islam Miah Uddin Chowdhury
        Hassan Mirza Rashid Butt Sheikh Aziz Javed Qureshi Saleem Raja Choudhury Hossain Parveen Siddiqui Bashir Karim
        Khatun Alam Haque Anwar Yousaf Mughal Nawaz
    """,
}
CARIBBEAN_SURNAMES = """
    Campbell Williams Brown Johnson Thompson Clarke Francis Gordon Grant Reid Morgan Henry Bailey Samuels Charles
    Joseph Alexander Edwards Stewart Lewis Powell Walters Blake Dacosta Bennett Palmer Morrison Anderson
"""
# Rare surnames that look like village names: the long tail that real registers have.
VILLAGE_STARTS = """
    Ash Black Brad Brom Burn Cart Clay Coppe Crow Dun East Ever Fair Farn Gold Grim Hart Hather Hazel Hensh Holm Horn
    Inge Kirk Lang Light Lock Long Mar Mel Nether Nor Oaken Old Pem Pick Rad Raven Ram Rother Row Sandi Shel Skel
    Small South Stan Strat Swin Thorn Thur Twy Under Wal Wens West Whit Wid Wyn Yar
"""
VILLAGE_ENDS = """
    ley ton ford well worth wood by ham field brook croft dale shaw more bury combe den hurst stone ridge
"""


@dataclass(frozen=True)
class WeightedNames:
    """Distinct names and the cumulative share of people who bear each."""

    names: np.ndarray
    cumulative: np.ndarray

    def draw(self, number: int, rng: np.random.Generator) -> np.ndarray:
        return self.names[np.searchsorted(self.cumulative, rng.random(number) * self.cumulative[-1], side="right")]


def _weighted(shares: dict[str, float]) -> WeightedNames:
    names = np.array(list(shares), dtype=object)
    return WeightedNames(names, np.cumsum(np.fromiter(shares.values(), dtype=float)))


def _by_rank(names: Iterable[str], evenness: float = 6.0) -> dict[str, float]:
    """Shares that fall with the place in the list, as name frequencies do (Zipf with an offset).

    A list in alphabetical order says nothing of frequency: it is shuffled, the same way each time.
    """
    distinct = list(dict.fromkeys(names))
    if distinct[:20] == sorted(distinct[:20]):
        distinct = [distinct[place] for place in np.random.default_rng(len(distinct)).permutation(len(distinct))]
    weights = 1.0 / (np.arange(len(distinct)) + evenness)
    return dict(zip(distinct, weights / weights.sum(), strict=True))


def _mix(*parts: tuple[float, dict[str, float]]) -> WeightedNames:
    shares: dict[str, float] = {}
    for weight, part in parts:
        total = sum(part.values())
        for name, share in part.items():
            shares[name] = shares.get(name, 0.0) + weight * share / total
    return _weighted(shares)


def _faker(locale: str, table: str) -> dict[str, float]:
    """One of Faker's name tables as shares; tables without weights come out even."""
    entries = getattr(import_module(f"faker.providers.person.{locale}").Provider, table)
    pairs = entries.items() if hasattr(entries, "items") else ((name, 1.0) for name in entries)
    return {name: float(weight) for name, weight in pairs if all(ord(letter) < 0x250 for letter in name)}


def _faker_forenames(locale: str) -> dict[str, dict[str, float]]:
    return {"F": _faker(locale, "first_names_female"), "M": _faker(locale, "first_names_male")}


@cache
def _tables() -> tuple[dict[tuple[str, str, int], WeightedNames], dict[str, WeightedNames]]:
    """Forenames by (origin, sex, last birth year of the fashion) and surnames by origin."""
    british_tail = _faker_forenames("en_GB")
    forenames: dict[tuple[str, str, int], WeightedNames] = {}
    for sex, fashions in BRITISH_FORENAMES.items():
        for before, words in fashions.items():
            table = _mix((0.8, _by_rank(words.split(), 8)), (0.2, _by_rank(british_tail[sex], 30)))
            for origin in ("british", "caribbean"):
                forenames[origin, sex, before] = table
    foreign = {
        "irish": _faker_forenames("en_IE"),
        "polish": _faker_forenames("pl_PL"),
        "romanian": _faker_forenames("ro_RO"),
        "portuguese": _faker_forenames("pt_PT"),
        "indian": _faker_forenames("en_IN"),
        "kenyan": _faker_forenames("en_KE"),
        "ghanaian": _faker_forenames("tw_GH"),
        "turkish": _faker_forenames("tr_TR"),
    }
    chinese = _faker("zh_CN", "first_romanized_names")
    for origin, by_sex in foreign.items():
        for sex, shares in by_sex.items():
            forenames[origin, sex, 9999] = _mix(
                (1.0, shares if len(set(shares.values())) > 1 else _by_rank(shares, 12))
            )
    for sex in "FM":
        nigerian = [_by_rank(_faker_forenames(locale)[sex]) for locale in ("yo_NG", "ig_NG", "en_NG")]
        forenames["nigerian", sex, 9999] = _mix((0.5, nigerian[0]), (0.2, nigerian[1]), (0.3, nigerian[2]))
        forenames["chinese", sex, 9999] = _mix((1.0, _by_rank(chinese, 20)))
        tail = _faker("en_PK", "first_names") if sex == "M" else _faker_forenames("en_IN")["F"]
        forenames["south_asian_muslim", sex, 9999] = _mix(
            (0.85, _by_rank(SOUTH_ASIAN_MUSLIM[sex].split(), 4)), (0.15, tail)
        )

    villages = {
        start + end: 1.0 for start in VILLAGE_STARTS.split() for end in VILLAGE_ENDS.split() if start[-1] != end[0]
    }
    indian = {"Patel": 0.12, "Singh": 0.1, "Kaur": 0.08, "Shah": 0.04, "Sharma": 0.03, "Gill": 0.02, "Kumar": 0.02}
    polish = import_module("faker.providers.person.pl_PL").Provider
    surnames = {
        "british": _mix(
            (0.6, _faker("en_GB", "last_names")),
            (0.12, _faker("en_IE", "last_names")),
            (0.08, _faker("en", "last_names")),
            (0.2, villages),
        ),
        "irish": _mix((1.0, _by_rank(_faker("en_IE", "last_names"), 40))),
        "caribbean": _mix((0.6, _by_rank(CARIBBEAN_SURNAMES.split())), (0.4, _faker("en_GB", "last_names"))),
        "polish": _mix(
            (0.4, _by_rank(polish.male_last_names, 10)), (0.6, dict.fromkeys(polish.unisex_last_names, 1.0))
        ),
        "romanian": _mix((0.7, _by_rank(_faker("ro_RO", "last_names"))), (0.3, _faker("hu_HU", "last_names"))),
        "portuguese": _mix((1.0, _by_rank(_faker("pt_PT", "last_names")))),
        "indian": _mix((0.4, indian), (0.6, _faker("en_IN", "last_names"))),
        "south_asian_muslim": _mix(
            (0.9, _by_rank(SOUTH_ASIAN_MUSLIM["surnames"].split(), 3)), (0.1, _faker("en_PK", "last_names"))
        ),
        "nigerian": _mix(
            (0.6, _faker("yo_NG", "last_names")),
            (0.2, _faker("ig_NG", "last_names")),
            (0.2, _faker("en_NG", "last_names")),
        ),
        "kenyan": _mix((1.0, _faker("en_KE", "last_names"))),
        "ghanaian": _mix((1.0, _by_rank(_faker("tw_GH", "last_names"), 12))),
        "chinese": _mix((1.0, _by_rank(_faker("zh_CN", "last_romanized_names"), 8))),
        "turkish": _mix((1.0, _by_rank(_faker("tr_TR", "last_names")))),
    }
    return forenames, surnames


def draw_surnames(origins: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One surname for each origin in `origins`."""
    result = np.empty(len(origins), dtype=object)
    for origin in sorted(set(origins)):
        rows = np.flatnonzero(origins == origin)
        result[rows] = _tables()[1][origin].draw(len(rows), rng)
    return result


def draw_forenames(
    origins: np.ndarray, sexes: np.ndarray, birth_years: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """One forename for each person, by origin, sex (F or M) and, for British names, the fashion of the birth year."""
    result = np.empty(len(origins), dtype=object)
    taken = np.zeros(len(origins), dtype=bool)
    for (origin, sex, before), table in sorted(_tables()[0].items(), key=lambda item: item[0]):
        rows = np.flatnonzero((origins == origin) & (sexes == sex) & (birth_years < before) & ~taken)
        result[rows] = table.draw(len(rows), rng)
        taken[rows] = True
    return result
