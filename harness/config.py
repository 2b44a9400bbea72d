"""An experiment file (TOML): found, read, and checked as a whole. Its tables stand in `harness.sections`."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationError, model_validator

from harness.errors import ConfigError, nearest
from harness.evaluation.divergence import reference
from harness.expressions import BUILT_IN, LabelSpace, label_space
from harness.overrides import apply_override
from harness.sections import Component, Data, Evaluation, Faces, Fusion, Labeling, OwnLabelSpace, Section, Training
from harness.validation import explain

EXPERIMENTS = Path(__file__).parent / "experiments"


class Experiment(Section):
    """One experiment file."""

    name: str = Field(
        pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$", description="prefix of the run's name: lower case, digits, . _ -"
    )
    benchmark: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$", description="the leaderboard that the run joins")
    seed: int = Field(0, ge=0, description="seed of splits, initial weights, batches and resampling")
    seeds: list[Annotated[int, Field(ge=0)]] = Field(
        [],
        description="several of them instead: networks are trained, fused and scored once for each, on the same "
        "labels; scores are then means with their spread, and charts and predictions are those of the first",
    )
    label_space: str | OwnLabelSpace = Field(
        "abaw-compound-7", description="a built-in label space, or a table with a name and labels"
    )
    data: Data
    faces: Faces = Faces()
    labeling: Labeling = Labeling()
    training: Training = Training()
    fusion: Fusion = Fusion()
    evaluation: Evaluation = Evaluation()
    executor: Component = Field(Component(use="local"), description="what runs the stages; changes no result")

    @model_validator(mode="after")
    def _gaps_are_left_to_fill(self) -> Experiment:
        if self.fusion.gaps == "interpolate" and self.faces.gaps != "leave":
            raise ValueError("fusion.gaps = 'interpolate' needs faces.gaps = 'leave'; as it is, faces are copied there")
        return self

    @model_validator(mode="after")
    def _further_faces_are_cut_out(self) -> Experiment:
        if self.fusion.faces == "maximum" and not self.faces.others:
            raise ValueError(
                "fusion.faces = 'maximum' needs faces.others = true; as it is, a frame's chosen face alone is cut out"
            )
        if self.faces.others and self.faces.align == "none":
            raise ValueError(
                "faces.others needs faces.align = 'five-point' or 'box'; with 'none' all crops are the whole frame"
            )
        return self

    @model_validator(mode="after")
    def _each_seed_once(self) -> Experiment:
        if len(set(self.seeds)) < len(self.seeds):
            raise ValueError(f"seeds {self.seeds} hold one twice; that would count one training as two")
        return self

    @property
    def every_seed(self) -> tuple[int, ...]:
        """The seeds that networks are trained with, each once; of a run without networks the first alone."""
        seeds = tuple(self.seeds) or (self.seed,)
        return seeds if self.training.backbones else seeds[:1]

    @property
    def space(self) -> LabelSpace:
        """The label space; ConfigError if its name is not known or its classes clash."""
        if isinstance(self.label_space, str):
            return label_space(self.label_space)
        if self.label_space.name in BUILT_IN:
            raise ConfigError(
                f"label_space: the name {self.label_space.name!r} is taken by a built-in one; choose another"
            )
        return LabelSpace.from_dict(self.label_space.model_dump())


def load(config: str, overrides: Iterable[str] = ()) -> Experiment:
    """The experiment of a TOML file, of a finished run's experiment.json, or of a built-in name such as "demo", with
    `key=value` overrides.

    ConfigError, one line, for whatever is wrong with the file, a key or a value.
    """
    data = read(config)
    for override in overrides:
        data = apply_override(data, override)
    return parse(data, config)


def read(config: str) -> dict[str, Any]:
    """What an experiment file, a finished run's experiment.json or a built-in experiment says, unchecked."""
    path = _find(config)
    try:
        text = path.read_text(encoding="utf-8")
        data: dict[str, Any] = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except (tomllib.TOMLDecodeError, json.JSONDecodeError) as error:
        raise ConfigError(f"{config}: not valid {path.suffix[1:].upper() or 'TOML'}: {error}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{config}: cannot be read: {error}") from error
    return data


def built_in() -> list[str]:
    """Names of the experiments that come with the harness."""
    return sorted(path.stem for path in EXPERIMENTS.glob("*.toml"))


def _find(config: str) -> Path:
    path = Path(config).expanduser()
    if path.suffix in (".toml", ".json") or path.exists():
        if path.is_file():
            return path
        raise ConfigError(f"{config}: no such experiment file")
    shipped = EXPERIMENTS / f"{config}.toml"
    if not shipped.is_file():
        raise ConfigError(f"experiment {config!r} is neither a file nor a built-in name{nearest(config, built_in())}")
    return shipped


def parse(data: Mapping[str, Any], source: str) -> Experiment:
    """The experiment that `data` describes; ConfigError names `source`, the key and what is wrong with it."""
    try:
        experiment = Experiment.model_validate(data)
        _check_reference(experiment)
    except ValidationError as error:
        raise ConfigError(f"{source}: {explain(error, Experiment)}") from error
    except ConfigError as error:
        raise ConfigError(f"{source}: {error}") from error
    return experiment


def _check_reference(experiment: Experiment) -> None:
    space, given = experiment.space, experiment.evaluation.reference_distribution
    if given is not None:
        try:
            reference(given, space)
        except ConfigError as error:
            raise ConfigError(f"evaluation.reference_distribution: {error}") from error
