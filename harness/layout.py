"""An experiment laid out as stages: which component and which parameters go into each, and what feeds it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.components import Kind, Options
from harness.config import Experiment
from harness.errors import ConfigError, HarnessError
from harness.plan import Plan, Stage, UsedComponent
from harness.plugins import Registry
from harness.sections import Component, Faces
from harness.store import fingerprint_of
from harness.training.options import Recipe
from harness.vlm import LanguageModelOptions

Digest = Callable[[Path], str]


@dataclass(frozen=True)
class Seen:
    """A parameter that a fingerprint sees otherwise, or (None) not at all."""

    params: Any
    key: Any


@dataclass(frozen=True)
class _Once:
    """One of several repetitions: its seed, what its roles hold behind the stage, what its titles end in."""

    seed: int
    role: str
    title: str


class _Builder:
    """Collects the components of an experiment while its stages are laid out."""

    def __init__(self, registry: Registry, digest: Digest) -> None:
        self.registry = registry
        self.digest = digest
        self.components: dict[str, UsedComponent] = {}

    def component(self, kind: Kind, wanted: Component, key: str) -> UsedComponent:
        """The component that stands under a key of the experiment; errors begin with the key."""
        try:
            announced = self.registry.get(kind, wanted.use)
            options = self.registry.options(kind, wanted.use, wanted.options)
            self.registry.require(announced)
            seen = _options_key(options, self.digest)
        except HarnessError as error:
            raise type(error)(f"{key}: {error}") from error
        origin = {"distribution": announced.origin.distribution, "distribution_version": announced.origin.version}
        used = UsedComponent(
            kind,
            {"use": wanted.use, "options": options.model_dump(mode="json"), **origin},
            {"use": wanted.use, **origin, "version": announced.spec.version, **seen},
            options,
        )
        return self.components.setdefault(fingerprint_of([kind, used.key]), used)

    def stage(self, kind: str, title: str, inputs: Mapping[str, Stage], **params: Any) -> Stage:
        plain = {name: _unwrap(value, "params") for name, value in params.items()}
        key = {name: _unwrap(value, "key") for name, value in params.items()}
        return Stage(kind, title, plain, key, dict(inputs))


def _unwrap(value: Any, side: str) -> Any:
    return getattr(value, side) if isinstance(value, UsedComponent | Seen) else value


def _options_key(options: Options, digest: Digest) -> dict[str, Any]:
    dumped = options.model_dump(mode="json", exclude=set(options.without_effect))
    values = {name: dumped[name] for name, value in options if name in dumped and not isinstance(value, Path)}
    contents = [digest(Path(source).expanduser()) for source in options.sources()]
    return {"options": values, "contents": contents, "facts": options.facts()}


def experiment_plan(experiment: Experiment, registry: Registry, digest: Digest) -> Plan:
    """The plan of an experiment. Errors of the configuration and of missing packages and files come out here."""
    build = _Builder(registry, digest)
    space = experiment.space.as_dict()
    stages: dict[str, Stage] = {}
    roles = {"target": experiment.data.target, "pretrain": experiment.data.pretrain}
    for role, data in roles.items():
        if data is None or (role == "pretrain" and not experiment.training.backbones):
            continue
        dataset = build.component("datasets", data, f"data.{role}")
        stages[f"data:{role}"] = written = build.stage("data", f"data ({role})", {}, dataset=dataset)
        stages[f"truth:{role}"] = build.stage(
            "truth", f"annotations ({role})", {"data": written}, dataset=dataset, label_space=space
        )
        wanted = experiment.faces if role == "target" else experiment.faces.model_copy(update={"others": False})
        stages[f"faces:{role}"] = _faces(build, wanted, data, role, stages, role)
    _label(build, experiment, space, stages)
    first, *others = experiment.every_seed
    each = [
        _Once(seed, f"@{seed}" if seed != first else "", f" (seed {seed})" if others else "")
        for seed in (first, *others)
    ]
    trained = [_train(build, experiment, space, stages, once) for once in each]  # all, while their worker is warm
    for once, networks in zip(each, trained, strict=True):
        _fuse_and_score(build, experiment, space, stages, networks, once)
    return Plan(stages, tuple(build.components.values()))


def _faces(build: _Builder, faces: Faces, data: Component, role: str, stages: Mapping[str, Stage], title: str) -> Stage:
    unset = {"detector"} if faces.others else {"detector", "others"}  # an option that is off is in no fingerprint
    return build.stage(
        "faces", f"faces ({title})", {"data": stages[f"data:{role}"]},
        dataset=build.component("datasets", data, f"data.{role}"),
        detector=build.component("face_detectors", faces.detector, "faces.detector"),
        **faces.model_dump(exclude=unset),
    )  # fmt: skip


def _label(build: _Builder, experiment: Experiment, space: dict[str, Any], stages: dict[str, Stage]) -> None:
    labeling = experiment.labeling
    faces = {"faces": stages["faces:target"]}
    votes: dict[str, Stage] = {}
    for number, wanted in enumerate(labeling.labelers):
        labeler = build.component("labelers", wanted, f"labeling.labelers.{number}")
        needs_truth = build.registry.get("labelers", wanted.use).spec.needs_truth
        inputs = {**faces, **({"truth": stages["truth:target"]} if needs_truth else {})}
        settings: dict[str, Any] = {"batch": labeling.batch}
        if isinstance(labeler.options, LanguageModelOptions):
            settings = _language(build, experiment, labeler, f"labeling.labelers.{number}", inputs, stages)
        votes[f"votes-{number}"] = stages[f"label:{number}"] = build.stage(
            "label", f"label ({wanted.use})", inputs, labeler=labeler, label_space=space,
            sample=labeling.sample.model_dump(), **settings,
        )  # fmt: skip
        if _sees_others(experiment, labeler, needs_truth):
            stages[f"others:{number}"] = build.stage(
                "label", f"label ({wanted.use}, further faces)", faces, labeler=labeler, label_space=space,
                sample=labeling.sample.model_dump(), batch=labeling.batch, others=True,
            )  # fmt: skip
    stages["pseudo-label"] = build.stage(
        "pseudo-label", "pseudo-labels", {**faces, **votes}, label_space=space,
        confidence=labeling.confidence, threshold=labeling.threshold,
        aggregator=build.component("aggregators", labeling.aggregator, "labeling.aggregator"),
    )  # fmt: skip


def _sees_others(experiment: Experiment, labeler: UsedComponent, needs_truth: bool) -> bool:
    """Whether a labeler's votes on further faces are wanted: where labels alone are fused, and of what is local."""
    wanted = experiment.fusion.faces == "maximum" and not experiment.training.backbones
    return wanted and not needs_truth and not isinstance(labeler.options, LanguageModelOptions)


def _language(
    build: _Builder, experiment: Experiment, labeler: UsedComponent, key: str, inputs: dict[str, Stage],
    stages: dict[str, Stage],
) -> dict[str, Any]:  # fmt: skip
    """What the stage of a language model needs beside; refuses here what would be refused before the first request."""
    from harness.labeling.providers import asked, cap_of, check_consent, decides, ladder

    data = experiment.data
    try:
        first = asked(build.registry, labeler.params)
        assert first is not None
        rungs = ladder(build.registry, first)
        check_consent([first, *rungs], data.allow_remote, data.target.use)
        cap_of([first, *rungs])
    except HarnessError as error:
        raise type(error)(f"{key}: {error}") from error
    larger = [rung for rung in first.options.escalation if rung.change == "larger-crop"]
    if len({rung.margin for rung in larger}) > 1:
        raise ConfigError(f"{key}: rungs with larger crops of different margins; one margin is possible")
    if larger:
        wide = experiment.faces.model_copy(update={"margin": larger[0].margin, "others": False})
        inputs["larger"] = stages["faces:larger"] = _faces(build, wide, data.target, "target", stages, "larger crops")
    return {
        "asked": Seen(None, decides(first, rungs)),
        "allow_remote": Seen(data.allow_remote, None),
        "data": Seen(data.target.use, None),
    }


def _train(
    build: _Builder, experiment: Experiment, space: dict[str, Any], stages: dict[str, Stage], once: _Once
) -> dict[str, dict[str, Stage]]:
    """Lay out training and prediction with one seed; returns name -> {"pretrained", "network"} -> predict stage."""
    training = experiment.training
    target = stages["faces:target"]
    networks: dict[str, dict[str, Stage]] = {}
    if not training.backbones:
        return networks
    loss = build.component("losses", training.loss, "training.loss")
    for name, wanted in _named(training.backbones):
        backbone = build.component("backbones", wanted, "training.backbones")

        def phase(
            title: str,
            recipe: Recipe,
            inputs: dict[str, Stage],
            labels: str,
            name: str = name,
            backbone: Any = backbone,
        ) -> Stage:
            stage = build.stage(
                "train", f"{title} {name}{once.title}", inputs, backbone=backbone, head=training.head.model_dump(),
                loss=loss, recipe=recipe.model_dump(), label_space=space,
                image_size=training.image_size, centre_crop=training.centre_crop, seed=once.seed,
                precision=training.precision, device=training.device, labels=labels,
            )  # fmt: skip
            stages[f"{title}{once.role}:{name}"] = stage
            return stage

        def predict(role: str, model: Stage, name: str = name, backbone: Any = backbone, **more: Any) -> Stage:
            stage = build.stage(
                "predict", f"predict {name} ({role}){once.title}", {"model": model, "faces": target}, backbone=backbone,
                batch=training.finetune.batch_size, precision=training.precision, device=training.device, flip=False,
                **more,
            )  # fmt: skip
            stages[f"predict{once.role}:{name}:{role}"] = stage
            return stage

        found = networks[name] = {}
        start: dict[str, Stage] = {}
        if experiment.data.pretrain is not None:
            inputs = {"faces": stages["faces:pretrain"], "labels": stages["truth:pretrain"]}
            start["start"] = phase("pre-train", training.pretrain, inputs, "truth")
            found["pretrained"] = predict("pre-trained", start["start"])
        inputs = {"faces": target, "labels": stages["pseudo-label"], **start}
        tuned = phase("fine-tune", training.finetune, inputs, "pseudo")
        found["network"] = predict("fine-tuned", tuned)
        if experiment.fusion.faces == "maximum":
            predict("further faces", tuned, others=True)
    return networks


def _named(backbones: Iterable[Component]) -> Iterator[tuple[str, Component]]:
    seen: set[str] = set()
    for wanted in backbones:
        names = (wanted.use if number == 1 else f"{wanted.use}-{number}" for number in itertools.count(1))
        name = next(name for name in names if name not in seen)
        seen.add(name)
        yield name, wanted


def _fuse_and_score(
    build: _Builder, experiment: Experiment, space: dict[str, Any], stages: dict[str, Stage],
    networks: dict[str, dict[str, Stage]], once: _Once,
) -> None:  # fmt: skip
    voters = {f"voter-{number}": found["network"] for number, found in enumerate(networks.values())}
    names = list(networks)
    more: dict[str, Any] = {}
    if not voters:  # labels alone: the labels are the one voter, so that smoothing serves them too
        voters, names = {"voter-0": stages["pseudo-label"]}, ["labels"]
    if experiment.fusion.faces == "maximum":
        voters, names, more = _over_faces(build, experiment, stages, networks, once)
    stages[f"fuse{once.role}"] = fused = build.stage(
        "fuse", f"fuse{once.title}", {"faces": stages["faces:target"], **voters}, voters=names, label_space=space,
        aggregator=build.component("aggregators", experiment.fusion.aggregator, "fusion.aggregator"),
        smoothing=experiment.fusion.smoothing.model_dump(), gaps=experiment.fusion.gaps, **more,
    )  # fmt: skip
    inputs = {name: stages[role] for name, role in (
        ("truth", "truth:target"), ("faces", "faces:target"), ("labels", "pseudo-label"),
    )}  # fmt: skip
    inputs["fused"] = fused
    left_out = experiment.training.finetune.epochs == 0  # the network is what pre-training left: one system, not two
    for number, found in enumerate(networks.values()):
        kept = {role: stage for role, stage in found.items() if role == "pretrained"} if left_out else {}
        inputs.update({f"{role}-{number}": stage for role, stage in (kept or found).items()})
    stages[f"score{once.role}"] = build.stage(
        "score", f"score{once.title}", inputs, label_space=space, seed=once.seed, networks=list(networks),
        labeler=" + ".join(wanted.use for wanted in experiment.labeling.labelers),
        **experiment.evaluation.model_dump(), **({"faces": more["faces"]} if more else {}),
    )  # fmt: skip


def _over_faces(
    build: _Builder, experiment: Experiment, stages: Mapping[str, Stage], networks: Iterable[str], once: _Once
) -> tuple[dict[str, Stage], list[str], dict[str, Any]]:
    """Voters of fusion over all faces of a frame: inputs, names and further parameters.

    Beside voter k stands others-k, what it says of further faces, if it can. Of labels alone the voters are the
    labelers, each for itself, and become one voter behind the maximum.
    """
    more: dict[str, Any] = {"faces": "maximum"}
    if names := list(networks):
        roles = [
            (f"predict{once.role}:{name}:fine-tuned", f"predict{once.role}:{name}:further faces") for name in names
        ]
    else:
        labelers = experiment.labeling.labelers
        names = [wanted.use for wanted in labelers]
        roles = [(f"label:{number}", f"others:{number}") for number in range(len(labelers))]
        more["labels"] = build.component("aggregators", experiment.labeling.aggregator, "labeling.aggregator")
    inputs: dict[str, Stage] = {}
    for number, (chosen, others) in enumerate(roles):
        inputs[f"voter-{number}"] = stages[chosen]
        if others in stages:
            inputs[f"others-{number}"] = stages[others]
    return inputs, names, more
