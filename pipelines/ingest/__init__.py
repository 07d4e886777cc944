"""The way in: deliveries from landing become accepted and refused rows, or are refused whole with a reason.

delivery  what lies in landing, and whether a delivery fits its note, its contract and the region
gate      which rows and which files may go on, decided by the suites in expectations/feeds
accept    one feed's month: every agency's delivery through both, and the files that the rest of the pipeline reads
assets    the same as Dagster assets and checks
"""
