"""A fictional region, Wexmoor: agencies' identifiable files and, apart from them, the answer key. Knows nothing of linkage."""

from pipelines.synthetic.region import make_region

__all__ = ["make_region"]
