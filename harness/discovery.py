"""Asking the built-ins and every installed plugin what they announce; whatever is wrong with one becomes data.

pluggy drops a second entry point of one name without a word, does not guard imports, lets one failing hook stop the
rest and reports misspelt hooks only when asked. So plugins are registered here one by one, under names of our own,
and each hook implementation is asked by itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import Distribution, EntryPoint, distributions
from typing import Any, NamedTuple

import pluggy

from harness import __version__, hookspecs
from harness.components import KINDS, SINGULAR, ComponentSpec, Kind, Options
from harness.errors import nearest


@dataclass(frozen=True, order=True)
class Origin:
    """The installed distribution that announces a component."""

    distribution: str
    version: str

    def __str__(self) -> str:
        return f"{self.distribution} {self.version}"


@dataclass(frozen=True)
class Failure:
    """What is wrong with one plugin. plugin: its entry-point name; text: one line for a person."""

    plugin: str
    distribution: str
    version: str
    text: str

    def __str__(self) -> str:
        return f"plugin {self.plugin!r} of {self.distribution} {self.version}: {self.text}"


@dataclass(frozen=True)
class Component:
    """An announced component: its kind, its announcement, and who announced it."""

    kind: Kind
    spec: ComponentSpec
    origin: Origin

    def __str__(self) -> str:
        return f"{SINGULAR[self.kind]} {self.spec.name!r}"


CORE = Origin("cer-harness", __version__)
UNKNOWN = Origin("unknown", "0")
BUILT_IN = EntryPoint("builtins", "harness.builtins", hookspecs.GROUP)
NAME = re.compile(r"[a-z0-9][a-z0-9_.+-]*")
TARGET = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*(\.[^\W\d]\w*)*")
HOOKS = {f"harness_{kind}": kind for kind in KINDS}


class _Search:
    """One discovery: the plugin manager and what has been found so far."""

    def __init__(self) -> None:
        self.manager = pluggy.PluginManager(hookspecs.GROUP)
        self.manager.add_hookspecs(hookspecs)
        self.plugins: dict[str, tuple[str, Origin]] = {}  # pluggy's name -> entry-point name, origin
        self.components: list[Component] = []
        self.failures: list[Failure] = []

    def fail(self, plugin: str, origin: Origin, text: str) -> None:
        self.failures.append(Failure(plugin, origin.distribution, origin.version, _cut(text, 400)))

    def register(self, plugin: str, origin: Origin, module: Any) -> None:
        key = f"{origin} ({plugin})"
        self.plugins[key] = (plugin, origin)
        self.manager.register(module, name=key)
        if not self.manager.get_hookcallers(module):
            self.fail(plugin, origin, f"implements none of the hooks {', '.join(HOOKS)}; is @hookimpl missing?")


class Found(NamedTuple):
    """Everything announced, everything wrong, and the names in the block list that no installed plugin has."""

    components: list[Component]
    failures: list[Failure]
    unused_blocks: tuple[str, ...]


def discover(*, third_party: bool, blocked: Iterable[str]) -> Found:
    """Ask everybody who may be asked; `Registry.discover` is the public way in."""
    search = _Search()
    _load(search, CORE, BUILT_IN)
    unused = {_canonical(name): name for name in blocked} if third_party else {}
    unwanted = frozenset(unused)
    points = sorted(_entry_points(search), key=lambda pair: (pair[1].name, pair[0])) if third_party else []
    for origin, point in points:
        names = {_canonical(point.name), _canonical(origin.distribution)}
        if not names & unwanted:
            _load(search, origin, point)
        for name in names:
            unused.pop(name, None)
    _find_misspelt(search)
    for hook, kind in HOOKS.items():
        for implementation in getattr(search.manager.hook, hook).get_hookimpls():
            _ask(search, hook, kind, implementation)
    return Found(search.components, search.failures, tuple(unused.values()))


def _entry_points(search: _Search) -> Iterator[tuple[Origin, EntryPoint]]:
    """The entry points of our group with their distributions, of each distribution the first one on the path.

    `importlib.metadata.entry_points` would raise for all when one file is malformed, and parses everybody's.
    """
    seen = set()
    for distribution in distributions():
        if not _has_our_group(distribution):
            continue
        origin = _origin(distribution)
        if origin != UNKNOWN and _canonical(origin.distribution) in seen:
            continue
        seen.add(_canonical(origin.distribution))
        try:
            yield from [(origin, point) for point in distribution.entry_points if point.group == hookspecs.GROUP]
        except Exception as error:  # noqa: BLE001 - a malformed file of one distribution must not hide the others
            search.fail(origin.distribution, origin, f"entry_points.txt cannot be read: {one_line(error)}")


def _has_our_group(distribution: Distribution) -> bool:
    try:
        return f"[{hookspecs.GROUP}]" in (distribution.read_text("entry_points.txt") or "")
    except ValueError:  # not a text: no installer of ours wrote it
        return False


def _origin(distribution: Distribution) -> Origin:
    try:
        return Origin(distribution.metadata["Name"] or UNKNOWN.distribution, distribution.version or UNKNOWN.version)
    except Exception:  # noqa: BLE001 - METADATA is absent or broken; its plugin may still be sound
        return UNKNOWN


def _load(search: _Search, origin: Origin, point: EntryPoint) -> None:
    try:
        search.register(point.name, origin, point.load())
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a stranger's module may raise anything
        search.fail(point.name, origin, one_line(error))


def _find_misspelt(search: _Search) -> None:
    """What pluggy's check_pending() looks for, of every plugin instead of the first one only."""
    for name, hook in vars(search.manager.hook).items():
        if name.startswith("_") or hook.has_spec():
            continue
        for implementation in hook.get_hookimpls():
            if not implementation.optionalhook:
                text = f"implements the hook {name!r}, which is not known{nearest(name, HOOKS)}"
                search.fail(*search.plugins[implementation.plugin_name], text)


def _ask(search: _Search, hook: str, kind: Kind, implementation: Any) -> None:
    plugin, origin = search.plugins[implementation.plugin_name]
    try:
        announced = list(implementation.function())
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a stranger's hook may raise anything
        search.fail(plugin, origin, f"{hook} failed: {one_line(error)}")
        return
    for spec in announced:
        flaws = list(_flaws(spec))
        if flaws:
            search.fail(plugin, origin, f"{hook}: {'; '.join(flaws)}")
        else:
            search.components.append(Component(kind, spec, origin))


def _flaws(announced: object) -> Iterator[str]:
    if not isinstance(announced, ComponentSpec):
        yield f"announces {_short(announced)}, which is not a ComponentSpec"
        return
    spec: Any = announced  # the annotations of its fields are what is checked here
    if not isinstance(spec.name, str) or not NAME.fullmatch(spec.name):
        yield f"the name {_short(spec.name)} is not lower-case letters, digits, '_', '.', '+' and '-'"
    if not isinstance(spec.target, str) or not TARGET.fullmatch(spec.target):
        yield f"{spec.name!r} has the target {_short(spec.target)}, which is not 'module:attribute'"
    if not isinstance(spec.options, type) or not issubclass(spec.options, Options):
        yield f"{spec.name!r} has the options {_short(spec.options)}, which is not a subclass of components.Options"
    if not isinstance(spec.requires, tuple) or not all(isinstance(name, str) and name for name in spec.requires):
        yield f"{spec.name!r} has requires={_short(spec.requires)}, which is not a tuple of import names"
    for field in ("summary", "install"):
        if not isinstance(getattr(spec, field), str):
            yield f"{spec.name!r} has {field}={_short(getattr(spec, field))}, which is not a text"
    if type(spec.version) is not int:
        yield f"{spec.name!r} has version={_short(spec.version)}, which is not a whole number"


def _short(value: object) -> str:
    try:
        text = " ".join(repr(value).split())
    except Exception:  # noqa: BLE001 - a stranger's __repr__ may raise anything
        text = type(value).__name__
    return _cut(text, 60)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 3]}..."


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def one_line(error: BaseException) -> str:
    """Exception type and message on one line."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
