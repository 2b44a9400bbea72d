"""The log-likelihood of answers under a vision-language model: pure functions of a loaded model.

All answers are computed in one padded forward pass. Rows are padded on the left and no position numbers are given:
these models' positions are relative, so that padding changes nothing.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from harness_transformers.loading import Loaded

Image = Any  # PIL.Image.Image


@dataclass(frozen=True)
class Question:
    """A rendered question and the answers to weigh.

    base     the conversation's text up to the answer
    answers  what may follow, C texts
    tokens   of each answer, those that are scored
    changed  tokens of `base` itself that an answer alters (0, or the tokenizer merges across the border)
    """

    base: str
    answers: tuple[str, ...]
    tokens: tuple[tuple[int, ...], ...]
    changed: int


def question(tokenizer: Any, base: str, answers: Sequence[str]) -> Question:
    """Split the answers' tokens from those of the question: at the first token in which any two texts differ."""
    rows = tokenizer([base, *(base + answer for answer in answers)], add_special_tokens=False)["input_ids"]
    differing = (place for place, tokens in enumerate(zip(*rows, strict=False)) if len(set(tokens)) > 1)
    common = next(differing, min(map(len, rows)))
    return Question(base, tuple(answers), tuple(tuple(row[common:]) for row in rows[1:]), len(rows[0]) - common)


@torch.inference_mode()
def repeated(loaded: Loaded, asked: Question, images: Sequence[Image | None]) -> Tensor:
    """Log-likelihoods (N, C, A) float32 of the answers' tokens, 0 where an answer has none; one row a face and answer.

    images: N of them, or None for a question without an image.
    """
    texts = [asked.base + answer for _ in images for answer in asked.answers]
    inputs = encoded(loaded, texts, [image for image in images for _ in asked.answers])
    lengths = torch.tensor([len(row) for row in asked.tokens], device=loaded.device).repeat(len(images))
    longest = int(lengths.max())
    logits = _logits(loaded.model, longest + 1, use_cache=False, **inputs)[:, -longest - 1 : -1]
    scores = _chosen(logits, inputs["input_ids"][:, -longest:])
    counted = torch.arange(longest, device=scores.device) >= longest - lengths[:, None]
    return (scores * counted).view(len(images), len(asked.answers), longest)


@torch.inference_mode()
def shared(loaded: Loaded, asked: Question, images: Sequence[Image]) -> Tensor:
    """As `repeated`, up to the order of the zeros: image and question once a face, then the answers on its cache.

    RuntimeError if the question's own tokens depend on the answer.
    """
    if asked.changed:
        raise RuntimeError("the tokenizer merges question and answer")
    inputs = encoded(loaded, [asked.base] * len(images), images)
    output = loaded.model(**inputs, use_cache=True, **_keep(loaded.model, 1))
    tokens, counted = _padded(asked.tokens, loaded)
    classes, longest = tokens.shape
    first = output.logits[:, -1:].expand(-1, classes, -1)  # (N, C, V): predicts every answer's first token
    scores = [_chosen(first, tokens[:, 0].expand(len(images), -1))[..., None]]
    if longest > 1:
        cache = output.past_key_values
        cache.reorder_cache(torch.arange(len(images), device=loaded.device).repeat_interleave(classes))
        tokens, counted = tokens.repeat(len(images), 1), counted.repeat(len(images), 1)
        seen = inputs["attention_mask"].repeat_interleave(classes, 0)
        mask = torch.cat([seen, counted[:, :-1].to(seen.dtype)], 1)
        rest = loaded.model(
            input_ids=tokens[:, :-1], attention_mask=mask, past_key_values=cache, use_cache=True,
            **_positions(loaded.model, mask, longest - 1),
        )  # fmt: skip
        scores.append(_chosen(rest.logits, tokens[:, 1:]).view(len(images), classes, -1))
    return torch.cat(scores, 2) * counted.view(-1, classes, longest)


def _positions(model: Any, mask: Tensor, last: int) -> dict[str, Tensor]:
    """Positions of the last tokens, for models that give an image's tokens a height and a width (Qwen-VL and its kin).

    They keep how far their positions lag behind the count of tokens, but on their own continue by one token at a time.
    """
    lag = getattr(getattr(model, "model", None), "rope_deltas", None)
    if lag is None:
        return {}
    counted = mask.long().cumsum(1)[:, -last:] - 1 + lag.repeat_interleave(len(mask) // len(lag), 0)
    return {"position_ids": counted.expand(3, -1, -1)}


def encoded(loaded: Loaded, texts: Sequence[str], images: Sequence[Image | None]) -> Any:
    """The processor's tensors for texts with one image each, or none, padded on the left, on the model's device."""
    pictures = [[image] for image in images if image is not None]
    given = {"images": pictures} if pictures else {}
    inputs = loaded.processor(
        text=list(texts), **given, return_tensors="pt", padding=True, padding_side="left", add_special_tokens=False
    )
    return inputs.to(loaded.device, dtype=loaded.model.dtype)


def _padded(tokens: Sequence[Sequence[int]], loaded: Loaded) -> tuple[Tensor, Tensor]:
    """Answers' tokens (C, A), padded on the right, and which of them count."""
    longest = max(map(len, tokens))
    rows = [[*row, *[row[-1]] * (longest - len(row))] for row in tokens]
    counted = [[place < len(row) for place in range(longest)] for row in tokens]
    return torch.tensor(rows, device=loaded.device), torch.tensor(counted, device=loaded.device)


def _logits(model: Any, last: int, **inputs: Any) -> Tensor:
    """Logits of at least the last positions, (rows, positions, V)."""
    logits: Tensor = model(**inputs, **_keep(model, last)).logits
    return logits


def _keep(model: Any, last: int) -> dict[str, int]:
    """Keeps the logits of the prompt out of memory, in models that know how to."""
    return {"logits_to_keep": last} if "logits_to_keep" in inspect.signature(model.forward).parameters else {}


def _chosen(logits: Tensor, tokens: Tensor) -> Tensor:
    """Log-probability (..., A) of tokens (..., A) under logits (..., A, V)."""
    return logits.float().log_softmax(-1).gather(-1, tokens[..., None])[..., 0]
