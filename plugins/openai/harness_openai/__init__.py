"""The labeler `openai`: vision-language models behind OpenAI's API and the servers compatible with it."""

from __future__ import annotations

from collections.abc import Iterable

from harness.components import ComponentSpec
from harness.hookspecs import hookimpl
from harness_openai.options import OpenAIOptions


@hookimpl
def harness_labelers() -> Iterable[ComponentSpec]:
    """The labeler `openai`."""
    yield ComponentSpec(
        name="openai",
        summary="OpenAI's chat completions, responses and batches; vLLM, Ollama, Gemini and others by preset",
        options=OpenAIOptions,
        target="harness_openai.labeler:OpenAI",
        requires=("openai", "aiohttp"),
        install="pip install cer-harness-openai",
    )
