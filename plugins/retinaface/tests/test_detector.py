"""The detector as a whole, on drawn faces and the real checkpoint."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from harness_retinaface import detector as module
from harness_retinaface import exports
from harness_retinaface.detector import RetinaFaceDetector, same
from harness_retinaface.options import RetinaFaceOptions, is_installed
from harness_retinaface.picture import drawn_face

from harness.components import FaceDetector, Faces
from harness.errors import ConfigError, DataError, PluginError, WeightsError

Build = Callable[..., RetinaFaceDetector]


def needs(runtime: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(not is_installed(runtime), reason=f"needs {runtime}")  # type: ignore[arg-type]


RUNTIMES = [
    pytest.param("torch"),
    pytest.param("onnxruntime", marks=needs("onnxruntime")),
    pytest.param("openvino", marks=needs("openvino")),
]


def assert_close(one: list[Faces], other: list[Faces], pixels: float = 0.5, score: float = 0.01) -> None:
    assert [len(faces) for faces in one] == [len(faces) for faces in other]
    for a, b in zip(one, other, strict=True):
        np.testing.assert_allclose(a.boxes, b.boxes, atol=pixels)
        np.testing.assert_allclose(a.scores, b.scores, atol=score)
        assert a.landmarks is not None
        assert b.landmarks is not None
        np.testing.assert_allclose(a.landmarks, b.landmarks, atol=pixels)


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_a_drawn_face_is_found_where_it_is(runtime: str, build: Build, picture: np.ndarray) -> None:
    detector: FaceDetector = build(runtime=runtime, precision="float32")
    first, mirrored, nothing = detector.detect(picture)
    assert (len(first), len(mirrored), len(nothing)) == (1, 1, 0)
    assert first.scores[0] > 0.95
    centre = (first.boxes[0, :2] + first.boxes[0, 2:]) / 2
    np.testing.assert_allclose(centre, (160, 94), atol=8)
    assert first.landmarks is not None
    drawn = [(145.5, 85), (174.5, 85), (160, 104), (150, 116), (170, 116)]
    np.testing.assert_allclose(first.landmarks[0], drawn, atol=8)
    assert nothing.landmarks is not None
    assert nothing.landmarks.shape == (0, 5, 2)


@pytest.mark.parametrize("runtime", RUNTIMES[1:])
def test_the_runtimes_agree_with_torch(runtime: str, build: Build, picture: np.ndarray) -> None:
    expected = build(runtime="torch", precision="float32")
    found = build(runtime=runtime, precision="float32")
    assert_close(found.detect(picture), expected.detect(picture))
    odd = picture[:, :177, 31:310]
    assert_close(found.detect(odd), expected.detect(odd))


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_a_batch_equals_its_frames_one_by_one(runtime: str, build: Build, picture: np.ndarray) -> None:
    detector = build(runtime=runtime, precision="float32", batch=2)
    together = detector.detect(np.concatenate([picture, picture[::-1], picture]))
    single = [detector.detect(frame[None])[0] for frame in picture]
    assert_close(together, single + single[::-1] + single, pixels=0.01, score=1e-4)


@pytest.mark.parametrize("runtime", RUNTIMES)
@pytest.mark.parametrize("side", [(1, 1), (1, 50), (31, 33), (97, 64)])
def test_tiny_and_odd_frames_have_no_faces_but_work(runtime: str, side: tuple[int, int], build: Build) -> None:
    found = build(runtime=runtime, precision="float32").detect(np.zeros((2, *side, 3), np.uint8))
    assert [len(one) for one in found] == [0, 0]


@pytest.mark.parametrize("longest", [160, 200])
def test_shrunk_frames_give_boxes_in_the_frame_as_it_came(longest: int, build: Build, picture: np.ndarray) -> None:
    native = build(runtime="torch", precision="float32").detect(picture[:2])
    shrunk = build(runtime="torch", precision="float32", longest_side=longest).detect(picture[:2])
    for small, full in zip(shrunk, native, strict=True):
        assert len(small) == len(full) == 1
        assert small.landmarks is not None
        np.testing.assert_allclose(small.landmarks, full.landmarks, atol=3)
        np.testing.assert_allclose(small.boxes, full.boxes, atol=10)  # where a drawn forehead ends is open
    same_size = build(runtime="torch", precision="float32", longest_side=320).detect(picture[:2])
    assert_close(same_size, native, pixels=0, score=0)


def test_read_only_and_strided_frames_are_taken(build: Build, picture: np.ndarray) -> None:
    frozen = picture.copy()
    frozen.flags.writeable = False
    for runtime in [one.values[0] for one in RUNTIMES if not one.marks or is_installed(one.values[0])]:  # type: ignore[arg-type]
        detector = build(runtime=runtime, precision="float32")
        expected = detector.detect(picture)
        assert_close(detector.detect(frozen), expected, 0, 0)
        padded = np.zeros((*picture.shape[:3], 4), np.uint8)
        padded[..., :3] = picture
        assert_close(detector.detect(padded[..., :3]), expected, 0, 0)


def test_two_faces_come_best_first_and_low_scores_can_be_asked_for(build: Build) -> None:
    frame = np.concatenate([drawn_face(180, 200, 110), drawn_face(180, 200, 40)], axis=1)[None]
    (found,) = build(runtime="torch", precision="float32").detect(frame)
    assert len(found) == 2
    assert found.scores[0] >= found.scores[1]
    (many,) = build(runtime="torch", precision="float32", min_score=0.001).detect(frame)
    assert len(many) >= 2


def test_no_frames_give_no_faces(build: Build) -> None:
    assert build(runtime="torch").detect(np.zeros((0, 10, 10, 3), np.uint8)) == []


@pytest.mark.parametrize(
    "frames", [np.zeros((10, 10, 3), np.uint8), np.zeros((1, 9, 9, 3)), np.zeros((1, 0, 9, 3), np.uint8)]
)
def test_frames_of_another_shape_or_type_are_refused(frames: np.ndarray, build: Build) -> None:
    with pytest.raises(DataError, match=r"retinaface wants frames \(N, H, W, 3\) of uint8, not "):
        build(runtime="torch").detect(frames)


def test_bfloat16_in_torch_keeps_the_boxes(build: Build, picture: np.ndarray) -> None:
    low = build(runtime="torch", precision="bfloat16")
    exact = build(runtime="torch", precision="float32")
    assert all(same(a, b) for a, b in zip(low.detect(picture), exact.detect(picture), strict=True))


@needs("openvino")
def test_auto_precision_falls_back_and_says_so_when_the_boxes_move(
    checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "wanted_precision", lambda *_: "bfloat16")
    monkeypatch.setattr(module, "SAME_BOX", -1.0)
    made = RetinaFaceDetector(RetinaFaceOptions(runtime="openvino", device="cpu", threads=2))
    assert made.precision == "float32"
    assert made.notices == ["retinaface computes in float32: this CPU's bfloat16 moves the boxes"]


@needs("openvino")
def test_auto_takes_the_fastest_and_passes_over_what_fails(checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "candidates", lambda **_: ["openvino", "torch"])
    options = RetinaFaceOptions(device="cpu", threads=2)
    assert RetinaFaceDetector(options).runtime == "openvino"
    monkeypatch.setattr(exports, "TOLERANCE", -1.0)
    monkeypatch.setattr(exports, "GRAPH", 99)
    made = RetinaFaceDetector(options)
    assert made.runtime == "torch"
    assert made.notices[0].startswith("retinaface does not use openvino: the graph exported for openvino differs")
    assert made.notices[0].endswith("(at most -1)")


@needs("openvino")
def test_a_damaged_export_is_made_anew(checkpoint: Path, build: Build) -> None:
    build(runtime="openvino", precision="float32")
    model = exports.exported("openvino", "mobilenet0.25", checkpoint)
    model.write_text("<net")
    made = RetinaFaceDetector(RetinaFaceOptions(device="cpu", runtime="openvino", threads=2))
    assert len(made.detect(drawn_face()[None])[0]) == 1
    assert [path.name for path in model.parent.parent.iterdir() if path.name.startswith(".")] == []


@needs("openvino")
def test_openvino_does_not_report_its_use(checkpoint: Path, tmp_path: Path) -> None:
    code = (
        "import sys, numpy as np; from harness_retinaface.detector import *;"
        "RetinaFaceDetector(RetinaFaceOptions(runtime='openvino', device='cpu'))"
        ".detect(np.zeros((1, 9, 9, 3), np.uint8)); print(*sorted(m for m in sys.modules if 'telemetry' in m))"
    )
    environment = {**os.environ, "HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert "openvino_telemetry" not in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_a_gpu_runtime_that_does_not_exist_is_an_instruction(checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(PluginError, match=r"device 'cuda' is not usable by this torch; set device = 'cpu'"):
        RetinaFaceDetector(RetinaFaceOptions(device="cuda"))
    monkeypatch.setattr(module, "has_gpu", lambda: True)
    made = RetinaFaceDetector(RetinaFaceOptions(runtime="torch", device="auto"))  # "auto" goes on, and says so
    assert made.device == "cpu"
    assert made.notices == ["retinaface uses the CPU: there is a GPU, but this torch cannot use it"]


def test_an_exported_graph_on_a_gpu_is_refused(checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_device", lambda *_: "cuda")
    monkeypatch.setattr(module, "require", lambda *_: None)
    with pytest.raises(ConfigError, match="runtime 'openvino' runs on the CPU; set device = 'cpu'"):
        RetinaFaceDetector(RetinaFaceOptions(runtime="openvino"))


@needs("onnxruntime")
def test_bfloat16_in_onnxruntime_is_refused(checkpoint: Path) -> None:
    with pytest.raises(ConfigError, match="runtime 'onnxruntime' has no bfloat16; set precision"):
        RetinaFaceDetector(RetinaFaceOptions(runtime="onnxruntime", precision="bfloat16", device="cpu"))


def test_weights_of_another_network_end_the_search_for_a_runtime(checkpoint: Path) -> None:
    with pytest.raises(WeightsError, match="is not a RetinaFace resnet50"):
        RetinaFaceDetector(RetinaFaceOptions(network="resnet50", weights=checkpoint, device="cpu"))


@needs("openvino")
@pytest.mark.slow
def test_two_processes_export_at_once_without_harm(checkpoint: Path, tmp_path: Path) -> None:
    code = (
        "import sys, pathlib; from harness_retinaface import exports;"
        "print(exports.exported('openvino', 'mobilenet0.25', pathlib.Path(sys.argv[1])))"
    )
    environment = {**os.environ, "HARNESS_CACHE": str(tmp_path)}
    both = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(checkpoint)], stdout=subprocess.PIPE, text=True, env=environment
        )
        for _ in range(2)
    ]
    first, second = (one.communicate()[0].strip() for one in both)
    assert first == second
    assert [path.name for path in (tmp_path / "exports").iterdir()] == [Path(first).parent.name]


def test_the_plugin_announces_the_detector() -> None:
    import harness_retinaface

    (spec,) = harness_retinaface.harness_face_detectors()
    assert spec.name == "retinaface"
    place, _, attribute = spec.target.partition(":")
    assert importlib.util.find_spec(place) is not None
    assert getattr(module, attribute) is RetinaFaceDetector
    assert spec.options is RetinaFaceOptions


def test_small_frames_grow_to_whole_strides_and_large_ones_stay():
    from harness_retinaface.detector import padded

    small = np.full((2, 170, 200, 3), 7, np.uint8)
    grown = padded(small)
    assert grown.shape == (2, 192, 224, 3)
    assert (grown[:, :170, :200] == 7).all()
    assert (grown[:, 170:] == (123, 117, 104)).all()
    large = np.zeros((1, 361, 401, 3), np.uint8)
    assert padded(large) is large
