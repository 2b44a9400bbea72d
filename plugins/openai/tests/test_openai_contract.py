"""The labeler against the conformance kit, through the real SDK and a real server."""

from harness_openai.labeler import OpenAI
from harness_openai.options import OpenAIOptions

from harness.testing import check_vision_language_model


def test_it_keeps_the_contract_of_vision_language_models(server):
    check_vision_language_model(lambda: OpenAI(OpenAIOptions(model="gpt-x", base_url=server.openai_url)))
