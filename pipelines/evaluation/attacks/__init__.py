"""Attacks on what leaves an agency, run against a fictional region whose plaintext is known, and their success.

Reads plaintext and answer keys, as all of evaluation may; what runs in production knows nothing of it.
"""

from .run import privacy_attack

__all__ = ["privacy_attack"]
