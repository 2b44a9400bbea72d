"""What `harness label` was asked for, as an experiment: every option of the command is a key of the configuration."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.config import Experiment, parse, read
from harness.errors import ConfigError, nearest
from harness.overrides import apply_override
from harness.plugins import Registry
from harness.vlm import LanguageModelOptions

BASE = "videos"  # the built-in experiment whose faces are shared, so that nothing is looked for twice
SAMPLES = {"all": None, "every": "every", "per-clip": "per_clip", "changes": "change"}


@dataclass(frozen=True)
class Request:
    """The command's arguments. labelers: as written; values of None were not given."""

    data: str | None
    config: str | None
    labelers: Sequence[str]
    overrides: Sequence[str]
    cropped: bool = False
    allow_remote: bool = False
    label_space: str | None = None
    sample: str | None = None
    prompts: str | None = None
    max_cost: float | None = None
    executor: str | None = None

    def experiment(self, registry: Registry) -> Experiment:
        """The experiment, checked; ConfigError, one line, for whatever cannot be."""
        table = self._base()
        if self.data is not None:
            table["data"] = {**table.get("data", {}), "target": _target(self.data, registry)}
        if not isinstance(table.get("data"), dict) or "target" not in table["data"]:
            raise ConfigError("nothing to label: name a folder, a file or a data set, or an experiment by --config")
        if self.labelers:
            table["labeling"] = {**table.get("labeling", {}), "labelers": [_labeler(one) for one in self.labelers]}
        for override in (*self._short(), *self.overrides):
            table = apply_override(table, override)
        self._shape_of_faces(table)
        self._for_language_models(table, registry)
        return parse(table, self.config or "harness label")

    def _base(self) -> dict[str, Any]:
        """The experiment to start from, without what is trained and pre-trained: only labels are wanted."""
        table = read(self.config or BASE)
        if self.config is None:
            table |= {"name": "label", "benchmark": "label", "labeling": {}}
            table.pop("data")
        if isinstance(table.get("data"), dict):
            table["data"].pop("pretrain", None)
        if isinstance(table.get("training"), dict):
            table["training"].pop("backbones", None)
        if not self.labelers and not table.get("labeling", {}).get("labelers"):
            raise ConfigError("no labeler: say --labeler NAME (harness plugins list --kind labelers shows them)")
        return table

    def _short(self) -> list[str]:
        """The convenience options as overrides."""
        found = []
        if self.allow_remote:
            found.append("data.allow_remote=true")
        if self.label_space:
            found.append(f"label_space={json.dumps(self.label_space)}")
        if self.executor:
            found.append(f"executor={json.dumps(self.executor)}")
        if self.sample:
            found += _sample(self.sample)
        return found

    def _shape_of_faces(self, table: dict[str, Any]) -> None:
        """Images that are crops already need no detector, and so no weights of one."""
        if not self.cropped:
            return
        target = table["data"]["target"]
        if not isinstance(target, dict) or target.get("use") != "videos":
            raise ConfigError("--cropped is for folders and files of your own; a data set knows its crops itself")
        target["cropped"] = True
        table["faces"] = {**table.get("faces", {}), "detector": "whole-frame"}

    def _for_language_models(self, table: dict[str, Any], registry: Registry) -> None:
        """Set prompts and max_cost of every labeler that has them."""
        values = {name: value for name in ("prompts", "max_cost") if (value := getattr(self, name)) is not None}
        if not values:
            return
        labelers = table["labeling"]["labelers"]
        labelers = labelers if isinstance(labelers, list) else [labelers]
        tables = [{"use": one} if isinstance(one, str) else dict(one) for one in labelers]
        asked = [one for one in tables if _is_language_model(one, registry)]
        if not asked:
            given = " and ".join(f"--{name.replace('_', '-')}" for name in values)
            raise ConfigError(f"{given}: no labeler here is a vision-language model; leave that out")
        for one in asked:
            one.update(values)
        table["labeling"]["labelers"] = tables


def _is_language_model(labeler: dict[str, Any], registry: Registry) -> bool:
    options = registry.get("labelers", str(labeler.get("use", ""))).spec.options
    return issubclass(options, LanguageModelOptions)


def _target(data: str, registry: Registry) -> dict[str, Any]:
    """The data set that the argument DATA means: a file or folder, or the name of a component."""
    if Path(data).expanduser().exists():
        return {"use": "videos", "root": str(Path(data).expanduser())}
    known = registry.names("datasets")
    if data in known:
        return {"use": data}
    raise ConfigError(f"{data!r} is no file, no folder and no data set{nearest(data, known)}")


def _labeler(text: str) -> Any:
    """A labeler as written on the command line: a name, or a table in TOML or JSON."""
    if not text.lstrip().startswith("{"):
        return text
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError as error:
        try:
            return json.loads(text)
        except json.JSONDecodeError:
            example = '{use = "claude", model = "..."}'
            raise ConfigError(f"--labeler {text!r}: neither TOML nor JSON ({error}); for example {example}") from error


def _sample(text: str) -> list[str]:
    """--sample RULE[:NUMBER] as overrides."""
    rule, colon, number = text.partition(":")
    if rule not in SAMPLES:
        raise ConfigError(f"--sample {text!r}: rule {rule!r} is not known{nearest(rule, SAMPLES)}")
    key = SAMPLES[rule]
    if colon and (key is None or not number):
        raise ConfigError(f"--sample {text!r}: write all, every:K, per-clip:N or changes:SHARE")
    first = [f'labeling.sample.rule="{rule}"']
    return [*first, f"labeling.sample.{key}={number}"] if colon else first
