"""The labeler `transformers`: how probable a vision-language model holds each class name as its answer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from harness.components import Scores
from harness.expressions import LabelSpace
from harness_transformers import chat
from harness_transformers.batches import Batches
from harness_transformers.likelihood import Question, question, repeated, shared
from harness_transformers.loading import load, one_line, require_chat, stop_tokens
from harness_transformers.options import LikelihoodOptions
from harness_transformers.pictures import pictures

# How far sharing may move the log-likelihood of one token: rounding of the number format, nothing else.
ROUNDING = {torch.float32: 1e-3, torch.float16: 0.05, torch.bfloat16: 0.2}


class LikelihoodScorer:
    """A components.Scorer: for each prompt the softmax of the answers' log-likelihoods, averaged over the prompts.

    notices: fallbacks taken, for the user. WeightsError, ConfigError, MissingPackage as `loading.load`.
    """

    def __init__(self, options: LikelihoodOptions, label_space: LabelSpace) -> None:
        self.options = options
        self.names = label_space.names
        self.notices: list[str] = []
        self.loaded = load(options, "vision-language")
        require_chat(options.model, self.loaded.processor)
        self.questions = [self._question(text, image=True) for text in options.prompt]
        self._without_image: list[torch.Tensor] | None = None
        self._batches = Batches(options.batch_size)
        self._compute = shared if options.share_prompt else repeated
        self._sharing_checked = not options.share_prompt

    def score(self, faces: NDArray[np.uint8]) -> Scores:
        """faces (N, H, W, 3) RGB uint8 -> probabilities (N, C) float32."""
        images = pictures(faces)
        if not images:
            return Scores(np.zeros((0, len(self.names)), np.float32))
        if not self._sharing_checked:
            self._check_sharing(images[0])
        votes = [self._probabilities(number, images) for number in range(len(self.questions))]
        return Scores(np.mean(votes, axis=0).astype(np.float32))

    def log_likelihoods(self, asked: Question, images: Sequence[Image.Image]) -> torch.Tensor:
        """(N, C) float32 on the CPU: of each answer's tokens together, or their mean with normalize = "mean"."""
        parts = self._batches.run(lambda batch: self._compute(self.loaded, asked, batch).sum(2).cpu(), images)
        total = torch.cat(parts)
        lengths = torch.tensor([len(row) for row in asked.tokens])
        return total / lengths if self.options.normalize == "mean" else total

    def _probabilities(self, number: int, images: Sequence[Image.Image]) -> NDArray[np.float64]:
        scores = self.log_likelihoods(self.questions[number], images)
        if self.options.normalize == "pmi":
            scores = scores - self._baselines()[number]
        return np.asarray((scores.double() / self.options.temperature).softmax(1).numpy())

    def _baselines(self) -> list[torch.Tensor]:
        """For each prompt the answers' log-likelihoods (1, C) when there is no image; computed once."""
        if self._without_image is None:
            asked = [self._question(text, image=False) for text in self.options.prompt]
            self._without_image = [repeated(self.loaded, one, [None]).sum(2).cpu() for one in asked]
        return self._without_image

    def _question(self, prompt: str, *, image: bool) -> Question:
        options, processor = self.options.template_options, self.loaded.processor
        turn = chat.turn("user", prompt.format(options=", ".join(f"'{name}'" for name in self.names)), image=image)
        base = chat.render(processor, [turn], options)
        stops = stop_tokens(self.loaded)
        return question(processor.tokenizer, base, chat.answers(processor, turn, base, self.names, stops, options))

    def _check_sharing(self, image: Image.Image) -> None:
        """Go on with sharing only if the first face gets the same likelihoods with and without it.

        Models differ in how they number positions after a cached prompt; where one differs, each answer gets the
        whole conversation again: slower, and always right.
        """
        self._sharing_checked = True
        asked = self.questions[0]
        plain = repeated(self.loaded, asked, [image]).sum(2)
        try:
            moved = (shared(self.loaded, asked, [image]).sum(2) - plain).abs().cpu()
        except (RuntimeError, TypeError, ValueError, AttributeError, IndexError, KeyError) as error:
            reason = one_line(error)
        else:
            lengths = torch.tensor([len(row) for row in asked.tokens])
            if bool((moved <= ROUNDING[self.loaded.model.dtype] * lengths).all()):
                return
            reason = f"it moves log-likelihoods by up to {float(moved.max()):.2g}"
        self._compute = repeated
        self.notices.append(
            f"{self.loaded.name}: image and prompt are computed once a class, not once a face: with this model the "
            f"classes cannot share them ({reason})"
        )
