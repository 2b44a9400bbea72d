"""From measures to expressions: a mixture of Gaussians whose every part is known beforehand, and baselines by EM.

A face at rest has measures b. Action units a move them: z = b + a E + noise, with E of `action_units`. A person who
shows a class uses each unit with the probability of the prototype, at one of a few overall intensities; so a class at
an intensity is a Gaussian over z with known mean and covariance, and a face at rest is one more. What is unknown is
what a person's face looks like at rest: b of each clip is estimated from its unlabelled faces by
expectation-maximisation under a Gaussian prior, without labels. The constants below are choices; INTENSITIES, the
evidence's exponent of 1 and the balancing were chosen by their scores on annotated rendered faces (data set
`synthetic`, seed 0).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness_facs.action_units import EFFECT, NOISE

Array = NDArray[np.float64]
INTENSITIES = (0.6, 0.9)  # overall intensities at which an expression is shown
REST = 0.3  # share of faces expected to show none of the classes
UNIT_VARIANCE = 0.05  # of a unit's intensity from person to person
REST_SPREAD = 0.7  # standard deviation of faces at rest from person to person, in units of E
FACES_A_CLIP = 20  # a clip counts for no more independent faces than that
BALANCE_CLIPS = 3  # clips a class at which the balancing of classes has half its strength
ROUNDS = 25


@dataclass(frozen=True)
class Mixture:
    """Components: mean (M, K), precision (M, K, K), log_weight (M,) with the normaliser; owner (M,), -1 at rest.

    centre, spread (K,): mean and standard deviation of the whole mixture.
    """

    mean: Array
    precision: Array
    log_weight: Array
    owner: NDArray[np.int64]
    centre: Array
    spread: Array

    def log_likelihood(self, rows: Array, evidence: float) -> Array:
        """(N, K) measures less their baselines -> (N, M) log of weight times tempered density."""
        columns = []
        for mean, precision, weight in zip(self.mean, self.precision, self.log_weight, strict=True):
            away = rows - mean
            half = np.linalg.slogdet(precision)[1] / 2
            columns.append(weight + evidence * (half - 0.5 * ((away @ precision) * away).sum(1)))
        return np.stack(columns, 1)


def mixture(presence: Array) -> Mixture:
    """The mixture of classes with unit probabilities (C, A), and of faces at rest."""
    rest = np.full(presence.shape[1], presence.min())
    parts = [(owner, level, shown) for owner, shown in enumerate(presence) for level in INTENSITIES]
    parts.append((-1, 1.0, rest))
    owner = np.array([one for one, _, _ in parts])
    mean = np.array([level * shown @ EFFECT for _, level, shown in parts])
    variance = np.array([level**2 * (shown * (1 - shown) + UNIT_VARIANCE * shown) for _, level, shown in parts])
    covariance = np.einsum("ai,ma,aj->mij", EFFECT, variance, EFFECT) + np.diag(NOISE**2)
    weight = np.where(owner < 0, REST, (1 - REST) / (len(presence) * len(INTENSITIES)))
    centre = weight @ mean
    second = weight @ (mean**2 + np.diagonal(covariance, axis1=1, axis2=2))
    return Mixture(mean, np.linalg.inv(covariance), np.log(weight), owner, centre, np.sqrt(second - centre**2))


def infer(
    rows: Array, clips: NDArray[np.int64], model: Mixture, *, own_rest: bool, evidence: float, balance: float
) -> tuple[Array, Array]:
    """Posterior (N, M) of the components and baselines (N, K) of rows (N, K) of scaled measures.

    clips (N,): 0..G-1, faces that share a baseline; own_rest: estimate it, instead of taking it as 0 everywhere.
    balance, 0 to 1: how far the classes' posterior weights are drawn to equal shares of the faces.
    """
    groups = int(clips.max()) + 1
    baseline = np.zeros((groups, rows.shape[1]))
    for _ in range(ROUNDS):
        logs = model.log_likelihood(rows - baseline[clips], evidence)
        posterior = np.exp(logs - logs.max(1, keepdims=True))
        posterior = _balanced(posterior / posterior.sum(1, keepdims=True), model.owner, balance)
        if not own_rest:
            break
        updated = _baselines(rows, clips, posterior, model, groups)
        moved = float(np.abs(updated - baseline).max())
        baseline = updated
        if moved < 1e-3:
            break
    return posterior, baseline[clips]


def _baselines(rows: Array, clips: NDArray[np.int64], posterior: Array, model: Mixture, groups: int) -> Array:
    """Most probable baseline (G, K) of each clip, given the posterior of its faces' components."""
    order = np.argsort(clips, kind="stable")
    ends = np.searchsorted(clips[order], np.arange(1, groups))
    parts = zip(np.split(rows[order], ends), np.split(posterior[order], ends), strict=True)
    away = np.stack([part.T @ own - part.sum(0)[:, None] * model.mean for own, part in parts])  # (G, M, K)
    weights = np.stack([part.sum(0) for part in np.split(posterior[order], ends)])  # (G, M)
    discount = np.minimum(1.0, FACES_A_CLIP / np.bincount(clips, minlength=groups))[:, None]
    precision = np.einsum("gm,mij->gij", weights * discount, model.precision)
    pull = np.einsum("mij,gmj->gi", model.precision, away) * discount
    return np.linalg.solve(precision + np.eye(rows.shape[1]) / REST_SPREAD**2, pull[:, :, None])[:, :, 0]


def _balanced(posterior: Array, owner: NDArray[np.int64], strength: float) -> Array:
    """Rows reweighted (Sinkhorn's iteration) to class shares between what they are (strength 0) and equal (1)."""
    if strength <= 0:
        return posterior
    classes = np.arange(int(owner.max()) + 1)

    def shares() -> Array:
        return np.array([posterior[:, owner == one].sum() for one in classes]) + 1e-9

    wanted = (shares() / shares().mean()) ** (1 - strength)
    for _ in range(10):
        found = shares()
        factors = wanted / wanted.sum() * found.sum() / found
        posterior = posterior * np.append(factors, 1.0)[owner]
        posterior = posterior / posterior.sum(1, keepdims=True)
    return posterior
