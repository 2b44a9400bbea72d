"""The whole plugin API: seven hooks, one a kind of component. See docs/plugins.md for a package from start to end.

A plugin is a module named by an entry point of the group "harness"; it implements any of these hooks and returns
announcements. Announcing must be cheap: import torch, SDKs and the like in the module that `target` names.

    # pyproject.toml of the plugin
    [project.entry-points.harness]
    mirror = "harness_mirror"
"""

from __future__ import annotations

from collections.abc import Iterable

import pluggy

from harness.components import ComponentSpec

GROUP = "harness"
hookspec = pluggy.HookspecMarker(GROUP)
hookimpl = pluggy.HookimplMarker(GROUP)


@hookspec
def harness_datasets() -> Iterable[ComponentSpec]:  # type: ignore[empty-body]
    """Data sets; target(options, folder=Path) -> components.Dataset.

    >>> from harness.components import ComponentSpec, Options
    >>> class FolderOptions(Options):
    ...     root: str = "."
    >>> @hookimpl
    ... def harness_datasets():
    ...     yield ComponentSpec("my-clips", "our lab's clips", FolderOptions, "my_package.clips:MyClips")
    """


@hookspec
def harness_face_detectors() -> Iterable[ComponentSpec]:  # type: ignore[empty-body]
    """Face detectors; target(options) -> components.FaceDetector.

    >>> from harness.components import ComponentSpec, Options
    >>> @hookimpl
    ... def harness_face_detectors():
    ...     yield ComponentSpec("mine", "finds faces", Options, "my_package.detector:Mine", requires=("onnxruntime",))
    """


@hookspec
def harness_labelers() -> Iterable[ComponentSpec]:  # type: ignore[empty-body]
    """Labelers; a Scorer or LookupLabeler is built as target(options, label_space=LabelSpace),
    a vlm.VisionLanguageModel as target(options).

    >>> from harness.components import ComponentSpec, Options
    >>> @hookimpl
    ... def harness_labelers():
    ...     yield ComponentSpec("mine", "scores faces", Options, "my_package.labeler:Mine")
    """


@hookspec
def harness_backbones() -> Iterable[ComponentSpec]:  # type: ignore[empty-body]
    """Backbones; target(options) -> a torch module with the attributes of components.Backbone.

    >>> from harness.components import ComponentSpec, Options
    >>> @hookimpl
    ... def harness_backbones():
    ...     yield ComponentSpec("tiny", "three convolutions", Options, "my_package.tiny:Tiny", requires=("torch",))
    """


@hookspec
def harness_losses() -> Iterable[ComponentSpec]:  # type: ignore[empty-body]
    """Losses; target(options, class_counts=tensor (C,) in class-id order) -> components.Loss.

    >>> from harness.components import ComponentSpec, Options
    >>> @hookimpl
    ... def harness_losses():
    ...     yield ComponentSpec("margin", "a margin loss", Options, "my_package.losses:Margin", requires=("torch",))
    """


@hookspec
def harness_aggregators() -> Iterable[ComponentSpec]:  # type: ignore[empty-body]
    """Aggregators; target(options) -> components.Aggregator.

    >>> from harness.components import ComponentSpec, Options
    >>> @hookimpl
    ... def harness_aggregators():
    ...     yield ComponentSpec("trimmed-mean", "mean without the extremes", Options, "my_package.fusion:TrimmedMean")
    """


@hookspec
def harness_executors() -> Iterable[ComponentSpec]:  # type: ignore[empty-body]
    """Executors; target(options) -> components.Executor, or LanedExecutor if it can train several networks at once.

    >>> from harness.components import ComponentSpec, Options
    >>> @hookimpl
    ... def harness_executors():
    ...     yield ComponentSpec("slurm", "one job a stage", Options, "my_package.slurm:Slurm")
    """
