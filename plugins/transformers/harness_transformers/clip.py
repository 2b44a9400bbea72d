"""The labeler `clip`: cosine similarity of a face and sentences about each class, as CLIP and SigLIP were trained."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from harness.components import Scores
from harness.errors import ConfigError
from harness.expressions import LabelSpace
from harness_transformers.batches import Batches
from harness_transformers.loading import load
from harness_transformers.options import ClipOptions
from harness_transformers.pictures import pictures


class ClipScorer:
    """A components.Scorer. WeightsError, ConfigError, MissingPackage as `loading.load`.

    CLIP (Radford et al. 2021) was trained with a softmax over texts: probabilities are that softmax. SigLIP (Zhai et
    al. 2023) was trained to say of each text by itself whether it fits, sigmoid(logit): these are divided by their sum,
    so that probabilities tell which class fits best, not whether any does.
    """

    def __init__(self, options: ClipOptions, label_space: LabelSpace) -> None:
        self.options = options
        self.loaded = load(options, "contrastive")
        self._expect_embeddings()
        self.sigmoid = hasattr(self.loaded.model, "logit_bias")
        self._batches = Batches(options.batch_size)
        self.classes = torch.stack([self._class(name) for name in label_space.names])

    def score(self, faces: NDArray[np.uint8]) -> Scores:
        """faces (N, H, W, 3) RGB uint8 -> probabilities (N, C) float32."""
        parts = self._batches.run(self._logits, pictures(faces))
        logits = torch.cat(parts) if parts else torch.zeros(0, len(self.classes))
        evidence = F.logsigmoid(logits) if self.sigmoid else logits
        return Scores((evidence.double() / self.options.temperature).softmax(1).float().numpy())

    @torch.inference_mode()
    def _logits(self, images: Sequence[Image.Image]) -> Tensor:
        """(N, C) float32 on the CPU."""
        inputs = self.loaded.processor(images=list(images), return_tensors="pt")
        model = self.loaded.model
        output = model.get_image_features(**inputs.to(self.loaded.device, dtype=model.dtype))
        logits: Tensor = _unit(output.pooler_output) @ self.classes.T * model.logit_scale.float().exp()
        return (logits + model.logit_bias.float() if self.sigmoid else logits).cpu()

    @torch.inference_mode()
    def _class(self, name: str) -> Tensor:
        """(D,) of length 1: the mean of the templates' embeddings. Names in lower case, as these models read them."""
        texts = [template.format(label=name.lower()) for template in self.options.templates]
        # SigLIP was trained on texts of full length: it attends to the padding too.
        padding = {"padding": "max_length", "max_length": self._longest()} if self.sigmoid else {"padding": True}
        inputs = self.loaded.processor(text=texts, truncation=True, return_tensors="pt", **padding)
        output = self.loaded.model.get_text_features(**inputs.to(self.loaded.device))
        return _unit(_unit(output.pooler_output).mean(0))

    def _longest(self) -> int:
        """Tokens of SigLIP's texts."""
        longest: int = self.loaded.model.config.text_config.max_position_embeddings
        return longest

    def _expect_embeddings(self) -> None:
        model = self.loaded.model
        parts = ("get_text_features", "get_image_features", "logit_scale")
        if not all(hasattr(model, part) for part in parts):
            kind = model.config.model_type
            raise ConfigError(f"model {self.options.model!r} of type {kind!r} does not compare as CLIP and SigLIP do")


def _unit(embeddings: Tensor) -> Tensor:
    """Embeddings (..., D) as float32 of length 1."""
    unit: Tensor = F.normalize(embeddings.float(), dim=-1)
    return unit
