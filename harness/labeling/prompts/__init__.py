"""Prompt sets: what a vision-language labeler is asked, as data (docs/prompts.md)."""

from harness.labeling.prompts.order import shuffled
from harness.labeling.prompts.rendering import RenderedPrompt
from harness.labeling.prompts.sets import PromptSet, built_in, load_prompt_set

__all__ = ["PromptSet", "RenderedPrompt", "built_in", "load_prompt_set", "shuffled"]
