"""Sentences of the pack, each computed from rows of the board database. Every number that the prose says comes through here.

Figures are published ones: already withheld or rounded. What does not belong here: markup, and text that does not
depend on a figure (pack.html).
"""

from collections import defaultdict

MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip

SMALLEST_WHOLE = 100  # of fewer, the rounding of both counts alone moves a share by more than 5 in 100
HOW_KNOWN = {
    "model": "by the linkage model's own reckoning, which nobody has checked by hand",
    "answer key": "measured against an answer key",
}

Row = dict


def number(value: float | None) -> str:
    """1240 as '1,240'; minutes and counts have no decimals."""
    return "not known" if value is None else f"{value:,.0f}"


def percent(share: float | None) -> str:
    """0.09 as '9%'. Never '100%': rounded counts can be equal though a few are left out."""
    if share is None:
        return "not known"
    if share == 0:
        return "0%"
    if share < 0.01:
        return "less than 1%"
    return f"{share:.0%}" if share < 0.995 else "nearly 100%"


def month(period: str) -> str:
    """'2025-03' as 'March 2025'."""
    year, number_of_month = period.split("-")
    return f"{MONTHS[int(number_of_month) - 1]} {year}"


def listed(items: list[str]) -> str:
    """'a', 'a and b', 'a, b and c'."""
    return " and ".join([", ".join(items[:-1]), items[-1]] if len(items) > 1 else items)


def uncapitalised(label: str) -> str:
    """A label inside a sentence: 'People seen' becomes 'people seen', 'A&E stays' stays."""
    return label[0].lower() + label[1:] if label[1:2].islower() else label


def share(part: int | None, whole: int | None) -> float | None:
    """A share of published counts; None if either is not published, or too small for a share to mean something."""
    return None if part is None or whole is None or whole < SMALLEST_WHOLE else part / whole


def share_of_whole(row: Row) -> float | None:
    """A headline's share, from the published counts of its part and its whole; None where it has none."""
    return share(row[f"{row['unit']}_in_base"], row[f"{row['unit']}_base"]) if row["share_of"] else None


def headline(row: Row, round_to: int) -> Row:
    """A headline as `figure` (None where it is withheld), `label`, `interval` and `share` in words."""
    label = uncapitalised(row["label"])
    if row["withheld_reason"]:
        return {"figure": None, "label": label, "interval": row["withheld_reason"], "share": ""}
    if row["unit"] == "minutes":
        figure, label = number(round_to * round(row["minutes"] / 60 / round_to)), f"hours of {label}"
        low, high = row["contacts_low"], row["contacts_high"]
        band = "the way records are linked does not change this" if low == high else ""
    else:
        unit = row["unit"]
        figure, low, high = number(row[unit]), row[f"{unit}_low"], row[f"{unit}_high"]
        band = interval(low, high)
    return {"figure": figure, "label": label, "interval": band, "share": of_all(row)}


def of_all(row: Row) -> str:
    """A headline's share in words, with its counts where they are not the headline's; '' where it has none."""
    part = share_of_whole(row)
    if part is None:
        return ""
    unit = row["unit"]
    in_base, base = row[f"{unit}_in_base"], row[f"{unit}_base"]
    counts = "" if in_base == row[unit] else f" ({number(in_base)} of {number(base)})"
    return f"{percent(part)} of all {row['share_of']}{counts}"


def interval(low: float, high: float) -> str:
    """The band over the draws of who may be who, in words."""
    if low == high:
        return "hardly any other number is likely, whoever is who"
    return f"the true number is likely between {number(low)} and {number(high)}"


def summary(headlines: list[Row], doors: list[Row]) -> list[str]:
    """The whole pack in up to three sentences; a figure that is withheld or missing takes its sentence with it."""
    rows = {row["headline_id"]: row for row in headlines if not row["withheld_reason"]}
    sentences = []
    if cycle := rows.get("people_who_cycle"):
        share_in_words = f", {of_all(cycle)}" if of_all(cycle) else ""
        sentences.append(
            f"About {number(cycle['people'])} people go round between services in crisis{share_in_words} "
            f"({interval(cycle['people_low'], cycle['people_high'])})."
        )
    contacts = rows.get("contacts_of_people_who_cycle")
    if contacts and of_all(contacts):
        sentences.append(f"They make {of_all(contacts)}.")
    if top := most_missed(doors):
        sentences.append(
            f"The most frequent first missed door is with {uncapitalised(top['door_label'])}, for "
            f"{uncapitalised(top['need_label'])}: about {number(top['spells'])} spells came to a crisis after it."
        )
    return sentences


def contacts_reading(months: list[Row]) -> str:
    """What the chart of monthly contacts says: the last complete month, and the range of the share."""
    complete = [row for row in months if row["complete"] and row["share"] is not None]
    if not complete:
        return "No month has the records of every service and enough contacts, so no share can be given."
    last, shares = complete[-1], [row["share"] for row in complete]
    total = last["cycling"] + last["other"]
    low, high = percent(min(shares)), percent(max(shares))
    span = (
        f"was {low} in every complete month"
        if low == high
        else f"lay between {low} and {high} over the complete months"
    )
    return (
        f"In {month(last['month'])}, about {number(last['cycling'])} of {number(total)} contacts "
        f"({percent(last['share'])}) were of people who go round; the share {span}."
    )


def handoffs_reading(handoffs: list[Row]) -> str:
    """What the chart of hand-offs says: the most frequent pair, and how often the need stayed the same."""
    published = [row for row in handoffs if not row["withheld_reason"]]
    if not published:
        return "There are no hand-offs between services that can be shown."
    pairs: dict[tuple[str, str], int] = defaultdict(int)
    for row in published:
        pairs[row["from_label"], row["to_label"]] += row["handoffs"]
    (start, end), most = max(pairs.items(), key=lambda item: item[1])
    pair = f"from {uncapitalised(start)} to {uncapitalised(end)}, about {number(most)}"
    if len(published) < len(handoffs):  # the total is not known, and so is no share of it
        return f"The most frequent hand-off of those that can be shown is {pair}."
    total = sum(pairs.values())
    same = sum(row["handoffs"] for row in published if row["need_kept"] == "Same need")
    return (
        f"The most frequent hand-off is {pair} of {number(total)}; "
        f"in {percent(same / total if total else None)} of all hand-offs the need was the same at both services."
    )


def doors_reading(doors: list[Row]) -> str:
    """What the chart of first missed doors says: the most frequent need and service."""
    top = most_missed(doors)
    if not top:
        return "There is no first missed door that can be shown."
    of_need = [row["spells"] for row in doors if row["need_label"] == top["need_label"]]
    of_total = "" if None in of_need else f" of {number(sum(of_need))}"  # of which a part is withheld is no total
    return (
        f"For {uncapitalised(top['need_label'])}, the first missed door was most often with {uncapitalised(top['door_label'])}: "
        f"about {number(top['spells'])}{of_total} spells, of about {number(top['people'])} people."
    )


def most_missed(doors: list[Row]) -> Row | None:
    """The published row with most spells, None if there is none."""
    published = [row for row in doors if not row["withheld_reason"]]
    return max(published, key=lambda row: row["spells"], default=None)


def feed_health(feed: Row) -> Row:
    """A feed's state in words: label, state, complete, period, received, refused."""
    missing, partial = (
        listed([month(period) for period in (feed[name] or "").split(", ") if period])
        for name in ("missing_months", "partial_months")
    )
    if not feed["first_month"]:
        state = "No delivery passed the checks" if feed["agency"] else "Never arrived"
    elif missing or partial:
        found = (("Missing", missing), ("In part", partial))
        state = "; ".join(f"{what}: {months}" for what, months in found if months)
    else:
        state = "Complete"
    return {
        "label": f"{feed['feed_label']} ({feed['agency']})" if feed["agency"] else feed["feed_label"],
        "state": state,
        "complete": state == "Complete",
        "period": f"{month(feed['first_month'])} to {month(feed['last_month'])}" if feed["first_month"] else "none",
        "received": feed["withheld_reason"] or number(feed["received"]),
        "refused": feed["withheld_reason"] or _refused(feed),
    }


def _refused(feed: Row) -> str:
    part = share(feed["refused"], feed["received"])
    if not feed["refused"]:
        return "none or hardly any" if feed["received"] else "none"  # one or two of them are rounded to none
    return number(feed["refused"]) if part is None else percent(part)


def linkage(quality: list[Row]) -> str:
    """How many links may be wrong and how many missed, with how that is known; '' if it was not measured."""
    precision = next((row for row in quality if row["measure"] == "pair precision"), None)
    recall = next((row for row in quality if row["measure"] == "pair recall"), None)
    if not precision or not recall:
        return ""
    known = HOW_KNOWN.get(precision["how"], precision["how"])
    return (
        f"{known[0].upper()}{known[1:]}, about {_in_100(1 - precision['value'])} links may be wrong and about "
        f"{_in_100(1 - recall['value'])} of the links between compared records are missed."
    )


def _in_100(share: float) -> str:
    return f"{100 * share:.0f} in 100" if share >= 0.01 or share == 0 else f"{1000 * share:.0f} in 1,000"
