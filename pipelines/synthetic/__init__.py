"""A fictional region, Wexmoor: agencies' identifiable files and, apart from them, the answer key.

Knows nothing of how records are linked.
"""

from pipelines.synthetic.region import make_region

__all__ = ["make_region"]
