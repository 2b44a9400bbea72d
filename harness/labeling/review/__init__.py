"""Looking at labels that stand: outcomes, agreement, confusion, what it took, and a gallery of faces with replies."""

from harness.labeling.review.found import Found, find
from harness.labeling.review.judged import Judged, judged

__all__ = ["Found", "Judged", "find", "judged"]
