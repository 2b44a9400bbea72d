"""Conversations as the text that a model's chat template makes of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from jinja2 import TemplateError

from harness.errors import ConfigError

Turn = dict[str, Any]  # a message as chat templates know it: role, and content as a list of parts


def turn(role: str, text: str, *, image: bool = False) -> Turn:
    """One message, its image before its text."""
    parts = [{"type": "image"}] if image else []
    return {"role": role, "content": [*parts, {"type": "text", "text": text}]}


def render(processor: Any, turns: Sequence[Turn], options: Mapping[str, Any], *, answered: bool = False) -> str:
    """The conversation's text, up to where the model's answer begins, or as it stands if it ends with an answer.

    ConfigError if the template refuses the conversation, for example its system prompt.
    """
    template = processor.chat_template or processor.tokenizer.chat_template
    try:
        text: str = processor.apply_chat_template(
            list(turns), chat_template=template, tokenize=False, add_generation_prompt=not answered, **options
        )
    except TemplateError as error:
        raise ConfigError(f"the model's chat template refuses the conversation: {error}") from error
    return _with_start(processor.tokenizer, text)


def _with_start(tokenizer: Any, text: str) -> str:
    """The text with the start token that the tokenizer adds, where the template left that to it."""
    start = tokenizer.bos_token
    if not start or text.startswith(start):
        return text
    return start + text if tokenizer("a")["input_ids"][:1] == [tokenizer.bos_token_id] else text


def answers(
    processor: Any, question: Turn, base: str, labels: Sequence[str], stops: Sequence[int], options: Mapping[str, Any]
) -> list[str]:
    """What follows `base`, the rendered question, when the model answers with a label: space, label, end of turn.

    Both are taken from the chat template where it shows them; otherwise a space unless `base` ends in one, and the
    tokenizer's end token.
    """
    tokenizer = processor.tokenizer
    space = "" if base[-1:].isspace() else " "
    end = tokenizer.eos_token or ""
    known = [tokenizer.convert_ids_to_tokens(stop) for stop in stops]
    probe = labels[0]
    whole = render(processor, [question, turn("assistant", probe)], options, answered=True)
    before, found, after = whole.removeprefix(base).partition(probe)
    if whole.startswith(base) and found and not before.strip():
        space = before
        end = next((stop for stop in known if after.lstrip().startswith(stop)), end)
    return [space + label + end for label in labels]
