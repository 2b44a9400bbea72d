"""The labeler against the conformance kit, through the real SDK and a real server."""

from harness_claude.labeler import Claude
from harness_claude.options import ClaudeOptions

from harness.testing import check_vision_language_model


def test_it_keeps_the_contract_of_vision_language_models(server):
    check_vision_language_model(lambda: Claude(ClaudeOptions(base_url=server.url)))
