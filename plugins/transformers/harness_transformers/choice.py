"""Which token comes next: the likeliest, or one drawn; and how probable the chosen ones were."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


class Choice:
    """A logits processor for greedy generation; log_probabilities (B,) of each row's text so far, its end included.

    With a temperature it draws by the Gumbel-max trick (Gumbel 1954; Maddison et al. 2014, A* sampling): the argmax of
    logits / T plus Gumbel noise is a draw from softmax(logits / T). Each row has its own random numbers, so that what
    it draws does not depend on the rows beside it.
    """

    def __init__(self, stops: Sequence[int], seeds: Sequence[int], temperature: float) -> None:
        self._stops = stops
        self._temperature = temperature
        self._noise = [torch.Generator().manual_seed(seed) for seed in seeds]
        self._log_probabilities: Tensor | None = None
        self._going: Tensor | None = None

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:  # noqa: ARG002 - the signature is transformers'
        """scores (B, V) -> scores whose argmax is the chosen token."""
        known = scores.float().log_softmax(-1)
        if self._temperature:
            scores = scores.float() / self._temperature + self._gumbel(scores.shape[1]).to(scores.device)
        chosen = scores.argmax(-1)
        if self._log_probabilities is None or self._going is None:
            self._log_probabilities = torch.zeros(len(scores), device=scores.device)
            self._going = torch.ones(len(scores), dtype=torch.bool, device=scores.device)
        self._log_probabilities += torch.where(self._going, known.gather(1, chosen[:, None])[:, 0], 0)
        self._going &= ~torch.isin(chosen, torch.tensor(self._stops, device=scores.device))
        return scores

    @property
    def log_probabilities(self) -> list[float]:
        """Natural logarithms of the rows' probabilities; undisturbed by the temperature."""
        return [] if self._log_probabilities is None else [float(one) for one in self._log_probabilities]

    def _gumbel(self, vocabulary: int) -> Tensor:
        """(B, V) standard Gumbel noise; minus the logarithm of an exponential variable is one."""
        return torch.stack([-torch.empty(vocabulary).exponential_(generator=one).log() for one in self._noise])
