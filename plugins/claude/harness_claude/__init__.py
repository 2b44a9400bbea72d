"""The labeler `claude`: Anthropic's vision-language models, asked one by one or in batches."""

from __future__ import annotations

from collections.abc import Iterable

from harness.components import ComponentSpec
from harness.hookspecs import hookimpl
from harness_claude.options import ClaudeOptions


@hookimpl
def harness_labelers() -> Iterable[ComponentSpec]:
    """The labeler `claude`."""
    yield ComponentSpec(
        name="claude",
        summary="Claude by Anthropic's API: free text or a JSON answer, one by one or in batches at half the price",
        options=ClaudeOptions,
        target="harness_claude.labeler:Claude",
        requires=("anthropic",),
        install="pip install cer-harness-claude",
    )
