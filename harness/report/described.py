"""What a run was, in a few lines: its configuration, data, machine and code."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.config import Experiment
from harness.leaderboard.record import Record
from harness.leaderboard.redact import redacted
from harness.sections import Component
from harness.training.options import Recipe

Lines = list[tuple[str, str]]


def configuration(experiment: Experiment) -> Lines:
    """(what, how) of every stage of the experiment, paths shortened."""
    return [(str(redacted(what)), str(redacted(how))) for what, how in _configuration(experiment) if how]


def _configuration(experiment: Experiment) -> Iterator[tuple[str, str]]:
    data, faces, labeling = experiment.data, experiment.faces, experiment.labeling
    space = experiment.space
    yield "benchmark", experiment.benchmark
    yield "label space", f"{space.name}, {len(space)} classes: {', '.join(space.names)}"
    yield "target data", _used(data.target)
    if data.pretrain is not None:
        yield "annotated data to pre-train on", _used(data.pretrain)
    yield "faces", f"{_used(faces.detector)}, {faces.align} alignment, {faces.size} px, {faces.choose} of several"
    yield "labelers", "; ".join(_used(one) for one in labeling.labelers)
    if len(labeling.labelers) > 1:
        yield "votes of labelers", _used(labeling.aggregator)
    threshold = "" if labeling.threshold is None else f" of {labeling.threshold:g} or more"
    yield "labels trained on", f"confidence ({labeling.confidence}){threshold}" if experiment.training.backbones else ""
    yield from _training(experiment)
    smoothing = experiment.fusion.smoothing
    extent = {"box": f" over {smoothing.window} frames", "gaussian": f" of {smoothing.sigma:g} frames", "none": ""}
    fused = f"{_used(experiment.fusion.aggregator)}; " if experiment.training.backbones else ""
    judged = "each frame by the maximum over its faces; " if experiment.fusion.faces == "maximum" else ""
    yield "fusion", f"{fused}{judged}smoothing: {smoothing.kind}{extent[smoothing.kind]}"
    yield "seeds", ", ".join(str(seed) for seed in experiment.every_seed)


def _training(experiment: Experiment) -> Iterator[tuple[str, str]]:
    training = experiment.training
    if not training.backbones:
        yield "networks", "none: labels alone"
        return
    yield "networks", "; ".join(_used(one) for one in training.backbones)
    yield "loss", _used(training.loss)
    recipes: dict[str, Recipe] = {"fine-tuning": training.finetune}
    if experiment.data.pretrain is not None:
        recipes = {"pre-training": training.pretrain, **recipes}
    for title, recipe in recipes.items():
        epochs = f"{recipe.epochs} epoch{'' if recipe.epochs == 1 else 's'}"
        yield (
            title,
            f"{epochs}, batch {recipe.batch_size}, {recipe.optimizer}, learning rate "
            f"{recipe.learning_rate:g}, {recipe.schedule}, {recipe.validation:.0%} held out",
        )


def _used(component: Component) -> str:
    options = ", ".join(f"{name} {_value(value)}" for name, value in component.options.items())
    return f"{component.use} ({options})" if options else component.use


def _value(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def provenance(record: Record) -> Lines:
    """When, on what and by which code."""
    machine = record.machine
    memory = f", {machine.memory / 2**30:.0f} GiB memory" if machine.memory else ""
    found = [
        ("filed", f"{record.created:%Y-%m-%d %H:%M} UTC"),
        (
            "machine",
            f"{machine.cpu}, {machine.cores} cores{memory}, {', '.join(machine.accelerators) or 'no accelerator'}; "
            f"{machine.os}, {machine.python}",
        ),
    ]
    if record.git is not None:
        state = ", with changes that are not committed" if record.git.dirty else ""
        found.append(("code", f"git {record.git.commit[:12]} of the {record.git.of}{state}"))
    return found


def warnings(record: Record | None, notes: Sequence[str]) -> list[str]:
    """What a reader must know before any number: each line once."""
    lines = list(notes)
    if record is not None and record.git is not None and record.git.dirty:
        lines.append("the code had changes that are not committed: nobody else can run exactly this")
    return [str(redacted(line)) for line in dict.fromkeys(lines)]
