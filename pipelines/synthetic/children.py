"""Children's services of people whose life courses are made already: who is referred, and what comes of it.

A referral follows something that happened: officers at a domestic incident where a child lives, a child in A&E, a child
whom the police dealt with; others come from schools, doctors and relatives. It ends at once, after an assessment, or
goes on to an enquiry and a plan. Children whose crisis is still to come are sent away more often than others, as
somebody would later wish they had not been. Drawn apart from the other feeds, which stay as they are.
"""

import numpy as np
import pandas as pd

from pipelines.synthetic import feeds
from pipelines.synthetic.feeds import EXTRACT_LAG
from pipelines.synthetic.life_courses import AE, CHILDREN_SERVICES, POLICE
from pipelines.synthetic.population import YEAR

GROWN_UP = 17.5  # years
CRISIS_WITHIN = 183  # days after a referral
APART = 40  # days between two referrals of a child; an earlier one would join the open episode
LIKELY = {"domestic": 0.5, "police": 0.5, "ae": 0.06, "ae_distress": 0.5}  # chance that it leads to a referral
OTHER_REFERRALS = 0.16  # of a child in two years
OTHER_SOURCES = {"2A": 0.42, "1A": 0.14, "3A": 0.08, "3B": 0.1, "3C": 0.05, "5A": 0.08, "8": 0.06, "9": 0.07}
NEEDS = {  # cause: primary need
    "domestic": {"N1": 0.55, "N4": 0.2, "N5": 0.25},
    "police": {"N6": 0.35, "N1": 0.35, "N5": 0.3},
    "ae": {"N1": 0.5, "N4": 0.3, "N5": 0.2},
    "other": {"N1": 0.45, "N2": 0.1, "N3": 0.1, "N4": 0.1, "N5": 0.17, "N7": 0.02, "N8": 0.06},
}
FACTORS = {
    "domestic": {"3B": 0.6, "3B,1B": 0.2, "3A,3B": 0.1, "3B,17A": 0.1},
    "police": {"14A": 0.3, "10A,24A": 0.25, "10A": 0.2, "13A,24A": 0.1, "4A": 0.15},
    "ae": {"15A,4A": 0.6, "18C": 0.15, "16A": 0.25},
    "other": {"16A": 0.25, "4B": 0.2, "17A": 0.12, "1B,2B": 0.12, "5A": 0.08, "6A": 0.08, "21": 0.15},
}
# what comes of a referral: with a crisis to come, without
ENDS = ("nfa", "rc8", "rc9", "plan", "protection")
ENDS_IN = {True: (0.38, 0.36, 0.06, 0.14, 0.06), False: (0.3, 0.26, 0.1, 0.24, 0.1)}
STORY = "P11"  # referred, assessed and closed without further action; some weeks later in crisis
STORY_DAYS = 96  # from the referral to the crisis


def make_events(
    contacts: pd.DataFrame,
    people: pd.DataFrame,
    addresses: pd.DataFrame,
    start: np.datetime64,
    days: int,
    referred: pd.DataFrame,
    rng: np.random.Generator,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Contacts (feed, person, starts, period) and their rows of activity, beside each other, in order of time.

    `contacts` are those of the other feeds; `referred` (person, starts, ends) are referrals that a story asks for, the
    only ones of those children. Contacts carry `turned_away`, the day on which an episode was closed after an assessment
    without further action. Names one child of `people` persona P11.
    """
    crises = _crises(contacts, people)
    referrals = _referrals(contacts, people, start, days, rng)
    referrals = _with_story(referrals, crises, people, start)
    referrals = referrals[~referrals["person"].isin(referred["person"])]
    asked = referred.assign(day=referred["starts"], cause="other", source="2A")
    referrals = pd.concat([referrals, asked], ignore_index=True)
    named = np.flatnonzero(people["persona"] == STORY)
    events = _episodes(referrals, crises, int(named[0]) if len(named) else -1, rng)
    known = pd.Series(events["told"]).dt.to_period("M").dt.to_timestamp()
    last = start + np.timedelta64(days, "D")
    events = events[(events["told"] < last) & (events["starts"] < last) & (known >= start)]
    events = events.sort_values(["starts", "person", "order"], kind="stable", ignore_index=True)
    rows = _rows(events, people, addresses)
    found = events[["person", "starts"]].assign(feed=CHILDREN_SERVICES, period=feeds.month(events["told"]))
    found["turned_away"] = events["closed"].where(events["reason"] == "RC8")
    rows["event_ref"] = [f"CSC{each + 1:08d}" for each in range(len(rows))]
    found["source_ref"] = rows["event_ref"].to_numpy()
    rows["contact"] = np.arange(len(rows))
    return found, rows


def _age(people: pd.DataFrame, person: np.ndarray, day: np.ndarray) -> np.ndarray:
    return (day - people["born"].to_numpy()[person]).astype("timedelta64[D]").astype(float) / YEAR


def _crises(contacts: pd.DataFrame, people: pd.DataFrame) -> pd.DataFrame:
    """person and starts of children's contacts with A&E or the police, in order of time."""
    of = contacts[contacts["valid"] & contacts["feed"].isin([AE, POLICE]) & contacts["step"].ne("caller")]
    young = _age(people, of["person"].to_numpy(), of["starts"].to_numpy()) < GROWN_UP
    return of.loc[young, ["person", "starts", "feed", "step"]].sort_values("starts", kind="stable", ignore_index=True)


def _referrals(
    contacts: pd.DataFrame, people: pd.DataFrame, start: np.datetime64, days: int, rng: np.random.Generator
) -> pd.DataFrame:
    """person, day, cause and source of every referral, in order of time, none soon after another of the same child."""
    of = contacts[contacts["valid"] & contacts["scene"].eq(-1) & contacts["step"].ne("caller")]
    own_age = _age(people, of["person"].to_numpy(), of["starts"].to_numpy())
    police, young = of["feed"].eq(POLICE).to_numpy(), own_age < GROWN_UP
    distress = of["course"].eq("mental_health").to_numpy()
    draw = rng.random(len(of))
    at_home = _children_at_home(of[of["step"].eq("domestic")], people)
    at_home = at_home[rng.random(len(at_home)) < LIKELY["domestic"]]
    parts = [
        at_home.assign(cause="domestic", source="6"),
        of.loc[young & police & (draw < LIKELY["police"]), ["person", "starts"]].assign(cause="police", source="6"),
        of.loc[
            young & of["feed"].eq(AE).to_numpy() & (draw < np.where(distress, LIKELY["ae_distress"], LIKELY["ae"])),
            ["person", "starts"],
        ].assign(cause="ae", source="3E"),
        _other_referrals(people, start, days, rng),
    ]
    found = pd.concat(parts, ignore_index=True)
    found["day"] = found["starts"].dt.normalize() + pd.to_timedelta(rng.integers(0, 4, len(found)), unit="D")
    gone = np.fmin(people["died"].to_numpy(), people["moved_away"].to_numpy())[found["person"]]
    found = found[np.isnat(gone) | (found["day"].to_numpy() < gone)]
    found = found.sort_values(["person", "day"], kind="stable", ignore_index=True)
    gap = found.groupby("person")["day"].diff().dt.days
    return found[gap.isna() | (gap > APART)].reset_index(drop=True)


def _children_at_home(incidents: pd.DataFrame, people: pd.DataFrame) -> pd.DataFrame:
    """person and starts of each child in the household of somebody at an incident."""
    household = pd.DataFrame(
        {"household": people["household"].to_numpy()[incidents["person"]], "starts": incidents["starts"].to_numpy()}
    )
    members = pd.DataFrame({"household": people["household"].to_numpy(), "person": np.arange(len(people))})
    pairs = household.merge(members[~people["scripted"].to_numpy()], on="household")
    age = _age(people, pairs["person"].to_numpy(), pairs["starts"].to_numpy())
    return pairs.loc[(age < GROWN_UP) & (age > 0), ["person", "starts"]]


def _other_referrals(people: pd.DataFrame, start: np.datetime64, days: int, rng: np.random.Generator) -> pd.DataFrame:
    child = np.flatnonzero(_age(people, np.arange(len(people)), np.full(len(people), start)) < 16)
    deprived = np.array([0, 1.7, 1.3, 1.0, 0.7, 0.5])[people["imd_quintile"].to_numpy()[child]]
    who = np.repeat(child, rng.poisson(OTHER_REFERRALS * deprived * days / (2 * YEAR)))
    day = start + rng.integers(0, days, len(who)).astype("timedelta64[D]")
    return pd.DataFrame(
        {
            "person": who,
            "starts": day.astype("datetime64[s]"),
            "cause": "other",
            "source": feeds.pick(len(who), OTHER_SOURCES, rng),
        }
    )


def _with_story(
    referrals: pd.DataFrame, crises: pd.DataFrame, people: pd.DataFrame, start: np.datetime64
) -> pd.DataFrame:
    """The persona in place of one child's referrals: the first child with a crisis late enough, if there is one."""
    referrals = referrals.assign(ends="")
    person = crises["person"].to_numpy()
    age = _age(people, person, crises["starts"].to_numpy())
    plain = (people["persona"].eq("") & ~people["scripted"] & ~people["in_story"]).to_numpy()[person]
    late = crises["starts"].to_numpy() >= start + np.timedelta64(STORY_DAYS + 5, "D")
    first = ~crises.duplicated("person").to_numpy()
    able = np.flatnonzero((age > 8) & (age < 16) & plain & late & first)
    if not len(able):
        return referrals
    crisis = crises.iloc[able[0]]
    people.loc[crisis["person"], "persona"] = STORY
    day = crisis["starts"].normalize() - pd.Timedelta(days=STORY_DAYS)
    told = {"person": crisis["person"], "starts": day, "day": day, "cause": "other", "source": "2A", "ends": "rc8"}
    others = referrals[referrals["person"] != crisis["person"]]
    return pd.concat([others, pd.DataFrame([told])], ignore_index=True)


def _episodes(referrals: pd.DataFrame, crises: pd.DataFrame, persona: int, rng: np.random.Generator) -> pd.DataFrame:
    """One row for each event: module, starts, ends and the day `told` on whose month it is delivered.

    The child who is the `persona` (a row of people, or -1) is assessed soon enough for the referral's own extract to tell.
    """
    number = len(referrals)
    to_come = _crisis_follows(referrals, crises)
    ends = np.where(
        to_come,
        rng.choice(ENDS, size=number, p=ENDS_IN[True]),
        rng.choice(ENDS, size=number, p=ENDS_IN[False]),
    )
    ends = np.where(referrals["ends"] != "", referrals["ends"], ends)
    cause = referrals["cause"].to_numpy()
    day = referrals["day"]
    assessed = day + _days(rng, 0, 6, number)
    authorised = assessed + _days(rng, 18, 62, number)
    authorised = authorised.where(referrals["person"] != persona, day + pd.Timedelta(days=EXTRACT_LAG - 1))
    planned = authorised + _days(rng, 1, 15, number)
    over = planned + _days(rng, 70, 380, number)
    closed = pd.Series(
        np.select(
            [ends == "nfa", np.isin(ends, ("rc8", "rc9"))],
            [np.full(number, np.datetime64("NaT")), authorised.to_numpy()],
            over.to_numpy(),
        ).astype("datetime64[s]")
    )
    reason = np.select([ends == "nfa", ends == "rc8", ends == "rc9"], ["", "RC8", "RC9"], "RC7")
    enquiry = assessed + _days(rng, 1, 12, number)
    base = pd.DataFrame(
        {
            "person": referrals["person"],
            "episode": np.arange(number),
            "source": referrals["source"],
            "need": feeds.pick_each(cause, NEEDS, {}, rng),
            "nfa": ends == "nfa",
            "closed": closed,
            "reason": reason,
            "factors": feeds.pick_each(cause, FACTORS, {}, rng),
            "abuse": feeds.pick(number, {"EMO": 0.38, "NEG": 0.46, "PHY": 0.1, "SAB": 0.06}, rng),
            "earlier_plans": rng.poisson(0.2, number).clip(0, 3),
            "conference": enquiry + _days(rng, 9, 16, number),
        }
    )
    none = pd.Series(np.full(number, np.datetime64("NaT"), dtype="datetime64[s]"))
    protect = ends == "protection"
    parts = []
    for order, (module, has, starts, until, told) in enumerate(
        (
            ("CINdetails", np.ones(number, bool), day, closed, day),
            ("Assessments", ends != "nfa", assessed, authorised, authorised),
            ("Section47", protect | ((ends == "plan") & (rng.random(number) < 0.15)), enquiry, none, enquiry),
            ("CINPlanDates", ends == "plan", planned, over, planned),
            ("ChildProtectionPlans", protect, planned, over, planned),
        )
    ):
        part = base.assign(module=module, starts=starts, until=until, told=told, order=order, protected=protect)
        parts.append(part[has])
    return pd.concat(parts, ignore_index=True)


def _days(rng: np.random.Generator, low: int, high: int, number: int) -> pd.Series:
    return pd.Series(pd.to_timedelta(rng.integers(low, high, number), unit="D"))


def _crisis_follows(referrals: pd.DataFrame, crises: pd.DataFrame) -> np.ndarray:
    """Whether the child is at A&E or with the police between a week and half a year after the referral."""
    pairs = referrals[["person", "day"]].reset_index().merge(crises, on="person", suffixes=("", "_crisis"))
    gap = (pairs["starts"] - pairs["day"]).dt.days
    return np.isin(referrals.index, pairs.loc[(gap > 7) & (gap <= CRISIS_WITHIN), "index"])


def _rows(events: pd.DataFrame, people: pd.DataFrame, addresses: pd.DataFrame) -> pd.DataFrame:
    """Activity rows in the columns of the contract, as known some weeks after the end of their month."""
    known = events["told"].dt.to_period("M").dt.end_time.dt.normalize() + pd.Timedelta(days=EXTRACT_LAG)
    home = feeds.where_home_is(events, people)
    module = events["module"].to_numpy()
    is_over = (events["until"] <= known).to_numpy()
    closed = (events["closed"] <= known).to_numpy()
    assessment, plan = module == "Assessments", module == "ChildProtectionPlans"
    conference = (module == "Section47") & events["protected"].to_numpy(dtype=bool)
    team = np.where(module == "CINdetails", "Childrens Front Door", "Assessment and Safeguarding")
    return pd.DataFrame(
        {
            "episode_ref": "EP" + events["episode"].astype(str).str.zfill(7),
            "module": module,
            "start_date": feeds.date(events["starts"]),
            "end_date": np.where(is_over, feeds.date(events["until"]), ""),
            "ReferralSource": events["source"],
            "PrimaryNeedCode": np.where(events["nfa"], "", events["need"]),
            "ReferralNFA": np.where(events["nfa"], "true", "false"),
            "ReasonForClosure": np.where(closed, events["reason"], ""),
            "AssessmentFactors": np.where(assessment, events["factors"], ""),
            "DateOfInitialCPC": np.where(conference | plan, feeds.date(events["conference"]), ""),
            "ICPCnotRequired": np.where(module == "Section47", np.where(conference, "false", "true"), ""),
            "InitialCategoryOfAbuse": np.where(plan, events["abuse"], ""),
            "LatestCategoryOfAbuse": np.where(plan, events["abuse"], ""),
            "NumberOfPreviousCPP": np.where(plan, events["earlier_plans"].astype(str), ""),
            "RNE": "",
            "LS": "",
            "PLACE": "",
            "Team": np.where(module == "CINPlanDates", "Family Support", team),
            "Der_Postcode_LSOA_2021_Code": addresses["lsoa"].to_numpy()[home],
        }
    )
