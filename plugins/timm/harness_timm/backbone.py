"""A network of timm without its classifier: images (N, 3, S, S), normalised as its weights want -> features."""

from __future__ import annotations

from typing import Any

import timm
import torch
from torch import Tensor, nn

from harness.errors import ConfigError
from harness_timm.building import build
from harness_timm.options import TimmOptions

DATA: Any = timm.data  # untyped


class TimmBackbone(nn.Module):
    """One network; attributes as components.Backbone describes them."""

    def __init__(self, options: TimmOptions) -> None:
        super().__init__()
        self.model = options.model
        self.network, self.weights = build(options)
        config = DATA.resolve_model_data_config(self.network)
        self.input_size: int = options.image_size or int(config["input_size"][1])
        self.mean, self.std = _channels(config["mean"]), _channels(config["std"])
        self._taken: set[int] = set()  # sizes of images that went through
        self.num_features = self._width()

    def forward(self, images: Tensor) -> Tensor:
        """(N, 3, S, S) float, normalised -> (N, num_features); ConfigError for a size that the network cannot take."""
        size = images.shape[-1]
        try:
            features: Tensor = self.network(images)
        except (RuntimeError, AssertionError, ValueError):
            if size not in self._taken:
                self._try(size, images.device)
            raise
        self._taken.add(size)
        return features

    def _width(self) -> int:
        """How many features come out. timm's num_features counts those before a last layer that some networks have."""
        features = self._try(self.input_size, torch.device("cpu"))
        if not isinstance(features, Tensor) or features.ndim != 2:
            shape = tuple(features.shape) if isinstance(features, Tensor) else type(features).__name__
            raise ConfigError(f"timm model {self.model!r} gives no features (N, F) but {shape}; use another")
        return features.shape[1]

    @torch.no_grad()
    def _try(self, size: int, device: torch.device) -> Any:
        """What one grey image of a size gives; ConfigError if the network cannot take it."""
        training = self.network.training
        self.network.eval()
        try:
            return self.network(torch.zeros(1, 3, size, size, device=device))
        except torch.OutOfMemoryError:
            raise
        except (RuntimeError, AssertionError, ValueError) as error:
            raise ConfigError(
                f"timm model {self.model!r} cannot take images of {size} px ({' '.join(str(error).split())}); {_ADVICE}"
            ) from error
        finally:
            self.network.train(training)


_ADVICE = "set the same image_size as its option and for training, or leave both out"


def _channels(values: Any) -> tuple[float, float, float]:
    red, green, blue = (float(one) for one in values)
    return red, green, blue
