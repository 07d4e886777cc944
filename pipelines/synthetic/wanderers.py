"""Personas among ordinary people, whose lives lead there by chance: hard to link, or no longer to be linked at all.

P4 leaves an abusive partner: another home and another name in the middle of her contacts. P5 has no home; officers know
him by another name, and his birthday is the first of January. P9 has no NHS number. P10 opts out after the third month.
Their stories are what befell them anyway; stories written by hand belong in personas.py.
"""

import numpy as np
import pandas as pd

from pipelines.synthetic.feeds import month
from pipelines.synthetic.life_courses import AE, POLICE
from pipelines.synthetic.population import YEAR, draw_addresses

MONTHS_BEFORE_OPT_OUT = 3
ALIASES = ("Smudge", "Taff", "Ginger", "Jonno", "Red")


def name(
    people: pd.DataFrame,
    contacts: pd.DataFrame,
    addresses: pd.DataFrame,
    start: np.datetime64,
    months: int,
    rng: np.random.Generator,
) -> None:
    """Names one of `people` each persona, where somebody's life fits; adds the column `opted_out_from`."""
    people["opted_out_from"] = ""
    seen = contacts.groupby("person").agg(number=("starts", "size"), first=("starts", "min"), last=("starts", "max"))
    seen = seen.reindex(np.arange(len(people)))
    first = {
        feed: contacts[contacts["feed"] == feed].groupby("person")["starts"].min().reindex(seen.index)
        for feed in (AE, POLICE)
    }
    both = (first[AE].notna() & first[POLICE].notna()).to_numpy()
    apart = ((first[AE] - first[POLICE]).abs() > pd.Timedelta(days=30)).to_numpy()
    here = people["died"].isna() & people["moved_away"].isna() & ~people["scripted"]
    often = (here & both).to_numpy() & (seen["number"] >= 3).to_numpy()
    age = (start - people["born"].to_numpy().astype("datetime64[D]")).astype(float) / YEAR

    def take(persona: str, fitting: np.ndarray) -> int | None:
        rows = np.flatnonzero(fitting & people["persona"].eq("").to_numpy())
        if not len(rows):
            return None
        who = int(rng.choice(rows))
        people.loc[who, "persona"] = persona
        return who

    young_woman = (people["sex"] == "F").to_numpy() & (age > 20) & (age < 55)
    who = take("P4", often & apart & young_woman & people["life_course"].eq("domestic_abuse").to_numpy())
    if who is not None:
        turn = max(first[AE][who], first[POLICE][who]).normalize() - pd.Timedelta(days=1)  # before the second agency
        elsewhere = int(draw_addresses(1, addresses, rng)[0])
        people.loc[who, ["married", "moved_1"]] = turn
        people.loc[who, ["address_1", "address_2"]] = elsewhere
        people.loc[who, "moved_2"] = pd.NaT
    who = take("P5", often & people["homeless"].to_numpy())
    if who is not None:
        year = str(people["born"].iloc[who])[:4]
        people.loc[who, "born"] = pd.Timestamp(f"{year}-01-01")
        people.loc[who, "alias"] = ALIASES[int(rng.integers(len(ALIASES)))]
    who = take("P9", often & people["kin"].eq("").to_numpy() & (age > 18))
    if who is not None:
        people.loc[who, ["nhs_number", "ethnic_code", "ethnic_group"]] = ["", "C", "white"]
    if months > MONTHS_BEFORE_OPT_OUT:
        from_month = np.datetime64(start, "M") + MONTHS_BEFORE_OPT_OUT
        before = (seen["first"] < pd.Timestamp(from_month.astype("datetime64[D]"))).to_numpy()
        after = (seen["last"] >= pd.Timestamp(from_month.astype("datetime64[D]"))).to_numpy()
        who = take("P10", often & before & after & ~people["truly_cycles"].to_numpy())
        if who is not None:
            people.loc[who, "opted_out_from"] = month(pd.Series([from_month.astype("datetime64[s]")]))[0]
