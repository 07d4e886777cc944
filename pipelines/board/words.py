"""How numbers, months, labels and lists are written on every page, and states of feeds in words.

Figures are published ones: already withheld or rounded. What does not belong here: markup, sentences that choose among
figures (sentences.py), and text that does not depend on a figure (pack.html).
"""

import re

from markupsafe import Markup, escape

MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip

_MONTH = re.compile(rf"\b(?:{'|'.join(MONTHS)}) \d{{4}}\b")
SMALLEST_WHOLE = 100  # of fewer, the rounding of both counts alone moves a share by more than 5 in 100
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


def whole_months(text: str) -> Markup:
    """A text whose months, such as 'March 2025', do not break over lines."""
    return Markup(_MONTH.sub(r'<span class="month">\g<0></span>', str(escape(text))))


def listed(items: list[str]) -> str:
    """'a', 'a and b', 'a, b and c'."""
    return " and ".join([", ".join(items[:-1]), items[-1]] if len(items) > 1 else items)


def uncapitalised(label: str) -> str:
    """A label inside a sentence: 'People seen' becomes 'people seen', 'A&E stays' stays."""
    return label[0].lower() + label[1:] if label[1:2].islower() else label


def share(part: int | None, whole: int | None) -> float | None:
    """A share of published counts; None if either is not published, or too small for a share to mean something."""
    return None if part is None or whole is None or whole < SMALLEST_WHOLE else part / whole


def feed_health(feed: Row) -> tuple[str, str]:
    """State of a feed for a traffic light (good, look or missing), and what is the matter in words."""
    missing, partial = (
        listed([month(period) for period in (feed[name] or "").split(", ") if period])
        for name in ("missing_months", "partial_months")
    )
    if not feed["first_month"]:
        return "missing", "No delivery passed the checks." if feed["agency"] else "Never arrived."
    if missing or partial:
        found = (("Missing", missing), ("In part", partial))
        return "look", " ".join(f"{what}: {months}." for what, months in found if months)
    return "good", f"{month(feed['first_month'])} to {month(feed['last_month'])}, complete."
