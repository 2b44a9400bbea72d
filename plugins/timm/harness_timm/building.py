"""Building a network with the weights that its options lead to."""

from __future__ import annotations

import contextlib
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import timm
from safetensors import SafetensorError
from torch import nn

from harness import weights
from harness.errors import ConfigError, UnknownComponent, WeightsError, listed, nearest
from harness_timm.options import TimmOptions, local

# Ways to let a network of one size take others; which of them a family knows only its constructor tells.
FLEXIBLE: tuple[dict[str, Any], ...] = ({"dynamic_img_size": True}, {"strict_img_size": False}, {})
UNREADABLE = (OSError, RuntimeError, ValueError, KeyError, EOFError, pickle.UnpicklingError, SafetensorError)


def build(options: TimmOptions) -> tuple[nn.Module, str]:
    """The network without classifier, and its weights' description for the record.

    UnknownComponent for a name or tag that timm does not have, WeightsError for weights that were asked for and
    cannot be had or do not fit.
    """
    architecture, _, tag = options.model.partition(".")
    _check(architecture, tag)
    if isinstance(options.weights, Path):
        path = weights.find(weights.Weights(options.weights.name, ""), options.weights)
        return _from_file(options, path), _described(path.name, path)
    if options.weights == "none":
        return _create(options), "random"
    if not tag:
        return _without_tag(options, architecture)
    if found := local(options.model):
        return _from_file(options, found), _described(f"timm {options.model}", found)
    if options.weights == "auto":
        return _create(options), (
            f"random (pretrained weights not available: {options.model} is not on this machine; "
            'weights = "pretrained" downloads it)'
        )
    return _downloaded(options)


def _check(architecture: str, tag: str) -> None:
    if not timm.is_model(architecture):
        raise UnknownComponent(f"timm has no model {architecture!r}{_nearest(architecture, timm.list_models())}")
    tags = _tags(architecture)
    if tag and tag not in tags:
        raise UnknownComponent(f"timm has no weights {tag!r} of model {architecture!r}{nearest(tag, tags)}")


def _nearest(name: str, known: list[str]) -> str:
    """The nearest of a thousand names; they are not listed."""
    hint = nearest(name, known).partition(" (known:")[0]
    return hint or "; timm.list_models() names them"


def _tags(architecture: str) -> list[str]:
    names: list[str] = timm.list_pretrained(architecture) + timm.list_pretrained(f"{architecture}.*")
    return sorted({name.partition(".")[2] for name in names} - {""})


def _without_tag(options: TimmOptions, architecture: str) -> tuple[nn.Module, str]:
    tags = listed([f"{architecture}.{tag}" for tag in _tags(architecture)], 4)
    if options.weights == "pretrained":
        raise ConfigError(
            f"timm model {architecture!r}: which pretrained weights? name their tag too (there are: {tags or 'none'})"
        )
    why = f"model {architecture!r} names no pretrained weights; there are: {tags}"
    return _create(options), f"random ({why if tags else f'timm has no pretrained weights of {architecture!r}'})"


def _create(options: TimmOptions, **loading: Any) -> nn.Module:
    """The network, able to take other sizes than its own where its family can."""
    config = timm.get_pretrained_cfg(options.model, allow_unregistered=True)
    fixed = bool(config and config.fixed_input_size)
    size = {"img_size": options.image_size} if fixed and options.image_size else {}
    for flexible in FLEXIBLE[:-1] if fixed else ():
        with contextlib.suppress(TypeError):  # an option that this family does not have
            return _made(options, **size, **flexible, **loading)
    return _made(options, **size, **loading)


def _made(options: TimmOptions, **arguments: Any) -> nn.Module:
    network: nn.Module = timm.create_model(options.model, num_classes=0, **{"pretrained": False, **arguments})
    return network


def _from_file(options: TimmOptions, path: Path) -> nn.Module:
    """The network with every parameter from the file; WeightsError names what is missing."""
    overlay = {"file": str(path), "custom_load": path.suffix == ".npz"}
    return _loaded(options, str(path), pretrained_cfg_overlay=overlay)


def _loaded(options: TimmOptions, source: str, **arguments: Any) -> nn.Module:
    try:
        with _missing_keys() as missing:
            network = _create(options, pretrained=True, **arguments)
    except UNREADABLE as error:
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise WeightsError(f"{source} cannot be used as weights of {options.model}: {' '.join(reason[:3])}") from error
    needed = {name for name, _ in network.named_parameters()}
    needed |= {name for name, _ in network.named_buffers() if name.endswith(("running_mean", "running_var"))}
    if absent := sorted(needed & missing):
        raise WeightsError(f"{source} does not hold the weights of {options.model}; missing: {listed(absent, 4)}")
    return network


@contextlib.contextmanager
def _missing_keys() -> Iterator[set[str]]:
    """Names that a file loaded meanwhile does not have.

    timm loads without strictness when it drops a classifier, and tells of what stays random in a log line alone; what
    torch returns to it is seen only here.
    """
    missing: set[str] = set()
    original = nn.Module.load_state_dict

    def watched(module: nn.Module, *arguments: Any, **options: Any) -> Any:
        result = original(module, *arguments, **options)
        missing.update(result.missing_keys)
        return result

    nn.Module.load_state_dict = watched  # type: ignore[method-assign,assignment]
    try:
        yield missing
    finally:
        nn.Module.load_state_dict = original  # type: ignore[method-assign]


def _downloaded(options: TimmOptions) -> tuple[nn.Module, str]:
    """The network with weights from timm's own sources."""
    if weights.is_offline():
        raise WeightsError(
            f"weights of timm model {options.model!r} are not on this machine, and HARNESS_OFFLINE forbids to download "
            f"them; put {options.model}.safetensors into a folder and name it in $HARNESS_WEIGHTS, or give a file"
        )
    network = _loaded(options, f"download of {options.model!r}")
    found = local(options.model)
    name = f"timm {options.model}"
    return network, _described(name, found) if found else name


def _described(name: str, path: Path) -> str:
    return f"{name} (sha256 {weights.sha256_of(path)[:16]})"
