"""The way in: deliveries from landing become accepted and refused rows, or are refused whole with a reason.

delivery  what lies in landing, and whether a delivery fits its note, its contract and the region
gate      which rows and which files may go on, decided by the suites in expectations/feeds
note      what a delivery note states
csv_file  a delivery's file as CSV
withdrawn taking a delivery back
accept    a feed's months: every agency's deliveries through both
month     the files that a feed's month becomes, and whether they are up to date
status    what has arrived, for whom, and what became of it
assets    the same as Dagster assets and checks
"""
