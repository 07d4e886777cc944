"""Running it, month after month: what is due, what is late, what is wrong, and who is told.

due        what a run would do now: months to take in, and whether a release is due
late       which deliveries have not come by the day they were due
alerts     tells a person through the hook that the user sets, once for each trouble
leftovers  what a killed run leaves behind, and its removal
doctor     what is wrong with an installation, in words
web        Dagster's own interface over a data folder
assets     sensors, schedule, checks and the executor, as Dagster sees them

What the runs themselves do belongs to the packages that do it.
"""
