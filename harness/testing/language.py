"""Does a vision-language model keep its contract?"""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable
from typing import get_args

import numpy as np

from harness.testing.expect import expect
from harness.vlm import Message, Prompt, Reply, StopReason, Usage, VisionLanguageModel

SCHEMA = {
    "type": "object",
    "properties": {"label": {"type": "string", "enum": ["Sadly Angry", "Happily Surprised"]}},
    "required": ["label"],
    "additionalProperties": False,
}
TEXT = "Which of these is the expression in the image: 'Sadly Angry', 'Happily Surprised'? Just the name."


def check_vision_language_model(build: Callable[[], VisionLanguageModel], *, image: bytes | None = None) -> None:
    """Builds the model in an event loop, asks it in every way that the engine does, and closes it.

    build: a function that makes the model, for it may want to be made where its loop runs; image: JPEG or PNG bytes to
    send, noise by default. What is behind the model must answer: `harness.testing.providers` is a server for that.
    """
    asyncio.run(_check(build, image or _noise()))


async def _check(build: Callable[[], VisionLanguageModel], image: bytes) -> None:
    model = build()
    expect(isinstance(model, VisionLanguageModel), "a vision-language model must have `async def reply`")
    try:
        if hasattr(model, "check"):
            warnings = await model.check()
            expect(all(isinstance(one, str) for one in warnings), "check() must give warnings as texts")
        example = (Message("user", TEXT, image), Message("assistant", "Sadly Angry"))
        steps = (Message("assistant", "The brows are drawn together."), Message("user", TEXT))
        prompts = [Prompt(TEXT), Prompt("What does this face do?", "You judge faces.", example, steps)]
        for prompt in prompts:
            for schema in (None, SCHEMA):
                _check_reply(await model.reply(image, prompt, schema))
        for reply in await asyncio.gather(*(model.reply(image, prompts[0], None) for _ in range(4))):
            _check_reply(reply)
        await _check_cancelled(model, image)
    finally:
        if hasattr(model, "close"):
            await model.close()


async def _check_cancelled(model: VisionLanguageModel, image: bytes) -> None:
    """A reply that is given up ends at once, or had come already; then the next one comes as if nothing had been."""
    asked = asyncio.create_task(model.reply(image, Prompt(TEXT), None))
    await asyncio.sleep(0)
    asked.cancel()
    done, _ = await asyncio.wait([asked], timeout=10)
    expect(asked in done, "a cancelled reply() must end")
    expect(asked.cancelled() or asked.exception() is None, "a cancelled reply() must let the cancellation pass")
    _check_reply(await model.reply(image, Prompt(TEXT), None))


def _check_reply(reply: Reply) -> None:
    expect(isinstance(reply, Reply), f"reply() must return a Reply, not {type(reply).__name__}")
    for name in ("text", "model", "id", "detail"):
        value = getattr(reply, name)
        expect(isinstance(value, str), f"Reply.{name} must be a text, not {type(value).__name__}")
    reasons = get_args(StopReason)
    expect(reply.stop_reason in reasons, f"Reply.stop_reason must be one of {reasons}, not {reply.stop_reason!r}")
    expect(isinstance(reply.usage, Usage), f"Reply.usage must be a Usage, not {type(reply.usage).__name__}")
    counts = vars(reply.usage)
    whole = all(isinstance(count, int) and count >= 0 for count in counts.values())
    expect(whole, f"Reply.usage must hold whole numbers from 0 on, not {counts}")
    logprob: object = reply.logprob
    likely = logprob is None or (isinstance(logprob, float) and logprob <= 0)
    expect(likely, f"Reply.logprob must be None or a number up to 0, not {logprob!r}")


def _noise() -> bytes:
    from PIL import Image

    pixels = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    written = io.BytesIO()
    Image.fromarray(pixels).save(written, "JPEG", quality=90)
    return written.getvalue()
