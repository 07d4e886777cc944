"""What a data officer should know of an extract and need not act on: counted while it is read, told at the end."""

from dataclasses import dataclass, field

from .tables import named


@dataclass
class Findings:
    """Counts of one extract. They hold no value of anybody."""

    births: int = 0  # birth dates that are filled in
    unreadable_births: int = 0
    first_unreadable_birth: int = 0  # its line
    future_births: int = 0
    spoilt_nhs_numbers: int = 0
    opt_outs: int | None = None  # ids in the list of opt-outs, if there is one
    opted_out: int = 0  # people of them in the people file
    events: int = 0
    events_of_other_months: int = 0
    events_after_last_day: int = 0  # in the month, of which a part is delivered
    left_out_columns: list[str] = field(default_factory=list)

    def notices(self) -> list[str]:
        """One sentence for each thing found."""
        found = []
        if not self.events:
            found.append("no activity: enough to try the linkage, but the hub takes a month in only with its activity")
        if self.left_out_columns:
            found.append(
                f"columns of the activity file that are not in the contract and stay here: {named(self.left_out_columns)}"
            )
        if self.opt_outs is not None:
            found.append(
                f"people left out because they opted out: {self.opted_out:,}; the list of opt-outs has {self.opt_outs:,}"
            )
        if self.unreadable_births:
            found.append(
                f"birth dates that could not be read and count as missing: {self.unreadable_births:,}, "
                f"the first in line {self.first_unreadable_birth}"
            )
        if self.future_births:
            found.append(f"birth dates after the period that count as missing: {self.future_births:,}")
        if self.spoilt_nhs_numbers:
            found.append(f"NHS numbers with a wrong check digit that count as missing: {self.spoilt_nhs_numbers:,}")
        if self.events_of_other_months:
            found.append(
                f"events that start in another month, which the hub may refuse: {self.events_of_other_months:,}; "
                "is this the right extract for --period?"
            )
        if self.events_after_last_day:
            found.append(
                f"events after the last day that --partial-until says is covered: {self.events_after_last_day:,}; the hub "
                "refuses them until the whole month comes"
            )
        return found
