"""The key of a reply: everything that decides it, and nothing that does not."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from harness.store import canonical, fingerprint_of
from harness.vlm import Message, Prompt

REMEMBERED = 256  # prompts whose part of the key is kept: an unshuffled prompt is the same object for every face


def asker_of(labeler: str, asking: Mapping[str, Any]) -> str:
    """Digest (hex) of who is asked and how: the labeler's name, the model and its sampling parameters."""
    return fingerprint_of({"labeler": labeler, "asking": asking})


class Keys:
    """The keys of the requests to one asker."""

    def __init__(self, asker: str) -> None:
        self.asker = asker
        self._prompts: OrderedDict[tuple[int, int], tuple[Prompt, Any, Any]] = OrderedDict()

    def of(self, image: bytes, prompt: Prompt, schema: Mapping[str, Any] | None, vote: int) -> bytes:
        """sha256 (32 bytes). image: sha256 of the bytes as sent; vote: number of the sample, from 0."""
        digest = self._constant(prompt, schema).copy()
        digest.update(image)
        digest.update(vote.to_bytes(4, "big"))
        return bytes(digest.digest())

    def _constant(self, prompt: Prompt, schema: Mapping[str, Any] | None) -> Any:
        """A sha256 that has read all but the image and the vote."""
        known = self._prompts.get((id(prompt), id(schema)))
        if known is not None:
            return known[2]
        text = canonical(
            {
                "asker": self.asker,
                "system": prompt.system,
                "before": [_plain(one) for one in prompt.before],
                "text": prompt.text,
                "after": [_plain(one) for one in prompt.after],
                "schema": schema,
            }
        ).encode()
        digest = hashlib.sha256(len(text).to_bytes(8, "big") + text)
        self._prompts[id(prompt), id(schema)] = (prompt, schema, digest)  # holding both keeps their ids their own
        if len(self._prompts) > REMEMBERED:
            self._prompts.popitem(last=False)
        return digest


def _plain(message: Message) -> dict[str, Any]:
    image = None if message.image is None else hashlib.sha256(message.image).hexdigest()
    return {"role": message.role, "text": message.text, "image": image}
