"""Who is who: people linked from identity tokens alone. No attribute, no activity, no plaintext comes in here."""

from .people import Thresholds
from .run import LinkResult, link, train

__all__ = ["LinkResult", "Thresholds", "link", "train"]
