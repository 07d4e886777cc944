"""Who is who: people linked from identity tokens alone. No attribute, no activity, no plaintext comes in here."""

from .run import LinkResult, Thresholds, link, train

__all__ = ["LinkResult", "Thresholds", "link", "train"]
