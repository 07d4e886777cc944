"""People's rights at the hub: a person's rows leave every store, and stay out.

tombstones  whom the hub must not hold: keyed hashes, never a reference
search      where a person with a tombstone still is: every file below data/, whatever wrote it
landing     kept deliveries, written again without the person's rows
sweep       brings every store into agreement with the tombstones, as often as it is asked
proof       what was searched, removed and not found again, kept as a file
request     what the engineer asks for: whom to erase, what it would take, and doing it

An erasure is a line in the tombstones; everything else follows from them. So a run that was killed at any moment is
finished by the next one, and what comes in later is held to the same lines.
"""
