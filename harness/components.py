"""What a component is: its announcement (`ComponentSpec`), its options, and the contract of each kind.

Images are RGB uint8 everywhere; boxes and landmarks are in pixels of the frame, x before y.
Nothing here imports torch, pandas or OpenCV: announcing a component must stay cheap.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol, runtime_checkable

from pydantic import BaseModel, ConfigDict

if TYPE_CHECKING:  # numpy alone costs half of what `harness plugins list` may take
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray


Kind = Literal["datasets", "face_detectors", "labelers", "backbones", "losses", "aggregators", "executors"]
KINDS: tuple[Kind, ...] = (
    "datasets", "face_detectors", "labelers", "backbones", "losses", "aggregators", "executors",
)  # fmt: skip
SINGULAR: Mapping[Kind, str] = {
    "datasets": "data set",
    "face_detectors": "face detector",
    "labelers": "labeler",
    "backbones": "backbone",
    "losses": "loss",
    "aggregators": "aggregator",
    "executors": "executor",
}


class Options(BaseModel):
    """Base of every component's options: unknown keys are refused, every field carries a description."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    without_effect: ClassVar[frozenset[str]] = frozenset()  # options that change no result: in no fingerprint

    def facts(self) -> dict[str, Any]:
        """Facts outside the configuration that change the result, JSON-ready; part of every fingerprint.

        For example the sha256 of the weights that these options lead to on this machine. Must be cheap and
        must not raise for a missing package: a component that cannot run says so when it is built.
        """
        return {}

    def sources(self) -> Sequence[Path]:
        """Files and folders of the user's whose contents decide the result: by default every Path among the values.

        In a fingerprint they stand in place of the paths, as content hashes: moving a data set recomputes nothing,
        changing one of its files does.
        """
        return [value for _, value in self if isinstance(value, Path)]


@dataclass(frozen=True)
class ComponentSpec:
    """The announcement of one component.

    name     as written in a configuration, lower case with hyphens
    summary  one line for `harness plugins list`
    options  the component's pydantic options class
    target   "module:attribute", imported only when the component is used; called as the hook's docstring says
    requires import names of packages that must be present, e.g. ("torch",)
    install  the command that installs what is missing
    version  raise it when the same options give another result; part of every fingerprint
    needs_truth  labelers only: it reads the target's annotations; for simulations, and the run says so
    """

    name: str
    summary: str
    options: type[Options]
    target: str
    requires: tuple[str, ...] = ()
    install: str = ""
    version: int = 1
    needs_truth: bool = False


# --- datasets ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Clip:
    """One clip: a video, a folder of frames, a single image (a clip of one frame), or frames that are listed alone.

    id      unique in its data set, stable, used in every table
    source  the video file, the folder of frame images (sorted by name), or the image file; None if there are no media:
            labels by clip and frame can then be replayed and scored, and nothing can look at a face
    subject identity of the person, for splits; None if unknown (the clip then counts as its own subject)
    cropped True when the image is a face crop already: it is used whole, without detection
    frames  of a clip without media: how many frames it has, numbered from 0 (media speak for themselves)
    frames_per_second  of a clip without media: its rate, if that is known; frame n is shown at n / rate seconds
    """

    id: str
    source: Path | None
    subject: str | None = None
    cropped: bool = False
    frames: int | None = None
    frames_per_second: float | None = None


@dataclass(frozen=True)
class Licence:
    """Name of a data set's licence, and whether it lets faces leave this machine."""

    name: str
    faces_may_leave: bool = False


class Dataset(Protocol):
    """Clips, and annotations where there are any. Built as target(options, folder=Path)."""

    licence: Licence

    def prepare(self, progress: Callable[[int, int], None]) -> None:
        """Generate media into `folder` (a new, empty one); a data set that lies on disk does nothing.

        progress(done, total) may be called at any rate.
        """

    def clips(self) -> Sequence[Clip]:
        """All clips, in a stable order."""

    def annotations(self) -> pd.DataFrame | None:
        """Columns clip (str), frame (int, 0-based), label (str: class name, or "" for none of the space); or None.

        Frames that are not listed are not annotated.
        """


# --- face detectors -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Faces:
    """The faces of one frame, best score first.

    boxes (K, 4) float32 x0 y0 x1 y1 in pixels; scores (K,) float32 in [0, 1]; landmarks (K, 5, 2) float32 in pixels
    (eye, eye, nose, mouth corner, mouth corner; the one on the image's left first), or None if the detector has none.
    """

    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]
    landmarks: NDArray[np.float32] | None = None

    def __len__(self) -> int:
        return len(self.boxes)


class FaceDetector(Protocol):
    """Finds faces. Built as target(options)."""

    def detect(self, frames: NDArray[np.uint8]) -> list[Faces]:
        """frames (N, H, W, 3) RGB -> the faces of each of the N frames."""


# --- labelers -----------------------------------------------------------------------------------------------------

Outcome = Literal["label", "abstain", "refused_text", "refused_provider", "unparsed", "truncated", "error"]
OUTCOMES: tuple[Outcome, ...] = (
    "label", "abstain", "refused_text", "refused_provider", "unparsed", "truncated", "error",
)  # fmt: skip


@dataclass(frozen=True)
class Scores:
    """What a scorer says of N faces: probabilities (N, C) float32, rows sum to 1; a row of NaN is an abstention.

    explanations: one short text a face (why), or None.
    """

    probabilities: NDArray[np.float32]
    explanations: Sequence[str] | None = None


@runtime_checkable
class Scorer(Protocol):
    """A local labeler that gives class probabilities. Built as target(options, label_space=LabelSpace)."""

    def score(self, faces: NDArray[np.uint8]) -> Scores:
        """faces (N, S, S, 3) RGB crops as the faces stage wrote them -> their probabilities over the label space."""


@runtime_checkable
class JointScorer(Scorer, Protocol):
    """A scorer that judges every face against the others of its run or clip, for example from an unlabelled baseline.

    The label stage calls `measure` in batches where it would call `score`, then `judge` once over all the rows.
    """

    def measure(self, faces: NDArray[np.uint8]) -> NDArray[np.float32]:
        """faces (N, S, S, 3) RGB crops -> (N, K) float32, whatever `judge` needs of each face; NaN rows are allowed."""

    def judge(self, measures: NDArray[np.float32], frames: pd.DataFrame) -> Scores:
        """measures (N, K) of all faces of the run; frames: columns clip (str) and frame (int), one row a face."""


@runtime_checkable
class LookupLabeler(Protocol):
    """A labeler that knows faces by clip and frame instead of looking at them (published labels, simulations).

    Built as target(options, label_space=LabelSpace). It is given the target's annotations only if its announcement
    says needs_truth, as a simulation's does.
    """

    def look_up(self, frames: pd.DataFrame, truth: pd.DataFrame | None) -> Scores:
        """frames: columns clip (str), frame (int, 0-based), one row a face to label; truth: the same rows with the
        column label (int class id, -1 none), or None. Returns one row of probabilities a frame."""


# --- training -----------------------------------------------------------------------------------------------------


class Backbone(Protocol):
    """A torch module, images (N, 3, S, S) float32 normalised with mean and std -> features (N, num_features).

    Built as target(options). input_size: the side S its weights were trained at; mean, std: per channel, of RGB in
    [0, 1]; weights: what it starts from, for the record (e.g. "torchvision IMAGENET1K_V1", or "random").
    """

    num_features: int
    input_size: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    weights: str

    def __call__(self, images: Any) -> Any: ...


class Loss(Protocol):
    """Built as target(options, class_counts=tensor (C,) in class-id order).

    Two things are optional. An attribute `mean_over_images = True` says that the value is a mean of one term an image:
    gradient accumulation then needs one forward pass instead of two. A third argument `weights=None`, (N,) float with a
    mean of 1 over the data, lets a recipe weigh images: each image's term is multiplied by its weight.
    """

    def __call__(self, logits: Any, targets: Any) -> Any:
        """logits (N, C) float; targets (N,) int64 or (N, C) float probabilities -> scalar tensor."""


# --- fusion -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Votes:
    """probabilities (V, N, C) float of V voters over N items; a row of NaN is a missing vote. A hard vote is one-hot.

    voters: V names, in the order that breaks ties.
    """

    probabilities: NDArray[np.float32]
    voters: tuple[str, ...]


@dataclass(frozen=True)
class Decisions:
    """labels (N,) int64 class ids, -1 where no voter voted; probabilities (N, C) float32, rows sum to 1 or are NaN.

    The probability of the label is the decision's confidence.
    """

    labels: NDArray[np.int64]
    probabilities: NDArray[np.float32]

    @property
    def confidence(self) -> NDArray[np.float32]:
        """(N,) probability of the label; 0 where there is none."""
        import numpy as np

        rows = np.arange(len(self.labels))
        chosen = self.probabilities[rows, np.maximum(self.labels, 0)]
        return np.where(self.labels >= 0, chosen, 0).astype(np.float32)


class Aggregator(Protocol):
    """Turns votes into decisions: networks, prompts or labelers alike. Built as target(options)."""

    def aggregate(self, votes: Votes) -> Decisions:
        """(V, N, C) votes, some of them missing -> N decisions."""


# --- executors ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Job:
    """One stage to run: JSON-ready, so that another process or machine can do it.

    kind      name of the stage function ("faces", "train", ...)
    params    the stage's parameters, components with options and versions
    inputs    names -> folders of finished artifacts
    folder    an empty folder to write the artifact into
    plugins   how to find plugins there (third-party allowed, block list)
    caches    a folder for what outlives stages, such as the replies of language models; "" if there is none
    """

    kind: str
    title: str
    params: Mapping[str, Any]
    inputs: Mapping[str, str]
    folder: str
    plugins: Mapping[str, Any]
    caches: str = ""


@dataclass(frozen=True)
class JobResult:
    """What a finished job reports: notices for the user, peak resident memory (bytes), seconds of work, energy that the
    machine spent meanwhile (joules; None: not known)."""

    notices: Sequence[str]
    peak_memory: int
    seconds: float
    energy: float | None = None


class Executor(Protocol):
    """Runs stages, here or elsewhere. Built as target(options); used as a context manager."""

    def __enter__(self) -> Executor: ...

    def __exit__(self, *exc: object) -> None: ...

    def run(self, job: Job, progress: Callable[[str, float, float | None], None]) -> JobResult:
        """Run one job to its end; progress(text, done, total). Errors of the stage are raised as HarnessError."""


class Lane(Protocol):
    """One of several places of an executor where networks are trained at the same time, each place by its own thread.

    All stages of a network run on one lane, so what a lane holds between two jobs (the faces on its GPU) is of use.
    """

    def run(self, job: Job, progress: Callable[[str, float, float | None], None]) -> JobResult:
        """As Executor.run."""

    def stop(self) -> None:
        """Called by another thread, for good: end what runs here so that `run` raises, and let nothing more begin."""


@runtime_checkable
class LanedExecutor(Executor, Protocol):
    """An executor that can train several networks at once. Any other is given one job after another."""

    def lanes(self, device: str, networks: int) -> Sequence[Lane]:
        """At most `networks` lanes for trainings on `device` (the experiment's training.device); fewer than two: none.

        `run` is not called while lanes are at work, and lanes are not used again after the next `run` or `lanes`.
        """


Registered = Iterable[ComponentSpec]
