"""The conformance kit for plugin authors: does a component keep the contract of its kind?

Each check raises AssertionError naming the promise that is broken, and returns nothing. They need numpy, and pandas
or torch where the contract speaks of them; none needs pytest.

    from harness.testing import check_aggregator

    def test_trimmed_mean_keeps_the_contract():
        check_aggregator(TrimmedMean(TrimmedMeanOptions()))

`harness.testing.providers` is a server on loopback that speaks the wire formats of Anthropic and OpenAI.
"""

from harness.testing.aggregators import check_aggregator
from harness.testing.datasets import check_dataset
from harness.testing.detectors import check_face_detector
from harness.testing.distributions import fake_distribution, installed
from harness.testing.labelers import check_lookup_labeler, check_scorer
from harness.testing.language import check_vision_language_model
from harness.testing.networks import check_backbone, check_loss

__all__ = [
    "check_aggregator",
    "check_backbone",
    "check_dataset",
    "check_face_detector",
    "check_lookup_labeler",
    "check_loss",
    "check_scorer",
    "check_vision_language_model",
    "fake_distribution",
    "installed",
]
