"""The labeler `transformers-generate`: a local vision-language model that is asked in words."""

from __future__ import annotations

import copy
import hashlib
import secrets
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from harness.errors import HarnessError
from harness.vlm import Prompt, Reply, RequestError, Usage
from harness_transformers import chat
from harness_transformers.batches import Batches
from harness_transformers.choice import Choice
from harness_transformers.loading import Loaded, load, one_line, require_chat, stop_tokens
from harness_transformers.micro_batches import MicroBatches
from harness_transformers.options import GenerateOptions
from harness_transformers.pictures import decoded


@dataclass(frozen=True)
class Request:
    """One question about one face; seed: of the tokens to draw."""

    image: bytes
    prompt: Prompt
    seed: int


@dataclass(frozen=True)
class _Ready:
    """A request as the processor takes it."""

    text: str
    images: list[Any]
    seed: int


class LocalModel:
    """A vlm.VisionLanguageModel in this process. WeightsError, ConfigError, MissingPackage as `loading.load`."""

    def __init__(self, options: GenerateOptions) -> None:
        self.options = options
        self.loaded = load(options, "vision-language")
        require_chat(options.model, self.loaded.processor)
        self.stops = stop_tokens(self.loaded)
        self._settings = _greedy(self.loaded, options.max_tokens)
        self._batches = Batches(options.batch_size)
        self._queue: MicroBatches[Request, Reply] = MicroBatches(self.answer, options.batch_size, options.wait)
        self._asked: Counter[str] = Counter()

    async def reply(self, image: bytes, prompt: Prompt, schema: Mapping[str, Any] | None) -> Reply:  # noqa: ARG002
        """The model's answer. A schema is not enforced: the engine parses what the model says."""
        return await self._queue.ask(Request(image, prompt, self._seed(image, prompt)))

    async def close(self) -> None:
        """Wait for the batch at work and end the worker thread."""
        await self._queue.close()

    def answer(self, requests: Sequence[Request]) -> list[Reply | Exception]:
        """Replies to requests together, in order; a RequestError in place of one that cannot be asked."""
        ready = [self._ready(request) for request in requests]
        askable = [one for one in ready if isinstance(one, _Ready)]
        replies: Iterator[Reply | Exception]
        try:
            replies = iter([reply for batch in self._batches.run(self._generate, askable) for reply in batch])
        except (HarnessError, RuntimeError, ValueError, TypeError, IndexError, KeyError) as error:
            # The model or its device failed, which says nothing of the faces: no answer to keep.
            reason = str(error) if isinstance(error, HarnessError) else one_line(error)
            failure = f"{self.loaded.name} cannot answer: {reason}"
            replies = iter([RequestError("server", failure) for _ in askable])
        return [next(replies) if isinstance(one, _Ready) else one for one in ready]

    def _ready(self, request: Request) -> _Ready | RequestError:
        messages = request.prompt.messages(request.image)
        turns = [chat.turn("system", request.prompt.system)] if request.prompt.system else []
        turns += [chat.turn(one.role, one.text, image=one.image is not None) for one in messages]
        try:
            text = chat.render(self.loaded.processor, turns, self.options.template_options)
            images = [decoded(one.image) for one in messages if one.image is not None]
        except HarnessError as error:
            return RequestError("bad_request", str(error))
        return _Ready(text, images, request.seed)

    @torch.inference_mode()
    def _generate(self, batch: Sequence[_Ready]) -> list[Reply]:
        inputs = self.loaded.processor(
            text=[one.text for one in batch], images=[one.images for one in batch], return_tensors="pt", padding=True,
            padding_side="left", add_special_tokens=False,
        ).to(self.loaded.device, dtype=self.loaded.model.dtype)  # fmt: skip
        choice = Choice(self.stops, [one.seed for one in batch], self.options.temperature)
        output = self.loaded.model.generate(**inputs, generation_config=self._settings, logits_processor=[choice])
        answers = output[:, inputs["input_ids"].shape[1] :].tolist()
        asked = inputs["attention_mask"].sum(1).tolist()
        rows = zip(answers, asked, choice.log_probabilities, strict=True)
        return [self._reply(tokens, count, logprob) for tokens, count, logprob in rows]

    def _reply(self, tokens: Sequence[int], asked: int, logprob: float) -> Reply:
        """tokens: of the answer, with whatever stands after its end."""
        end = next((place for place, token in enumerate(tokens) if token in self.stops), None)
        said = tokens if end is None else tokens[:end]
        return Reply(
            text=self.loaded.processor.tokenizer.decode(said, skip_special_tokens=True).strip(),
            stop_reason="length" if end is None else "end",
            usage=Usage(asked, len(said) + (end is not None)),
            model=self.options.model,
            logprob=logprob,
        )

    def _seed(self, image: bytes, prompt: Prompt) -> int:
        """A seed for one reply: the same question asked again draws other tokens, whatever else is asked beside it."""
        if self.options.sampling_seed is None:
            return secrets.randbits(63)
        question = hashlib.sha256(repr((self.options.sampling_seed, prompt)).encode() + image).hexdigest()
        self._asked[question] += 1
        drawn = hashlib.sha256(f"{question} {self._asked[question]}".encode()).digest()
        return int.from_bytes(drawn[:7], "big")


def _greedy(loaded: Loaded, max_tokens: int) -> Any:
    """The model's own generation settings, without those of drawing: `Choice` draws."""
    settings = copy.deepcopy(loaded.model.generation_config)
    settings.update(
        do_sample=False, num_beams=1, temperature=None, top_p=None, top_k=None, min_p=None, typical_p=None,
        max_new_tokens=max_tokens, max_length=None, pad_token_id=loaded.processor.tokenizer.pad_token_id,
    )  # fmt: skip
    return settings
