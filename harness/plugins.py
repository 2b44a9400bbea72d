"""Finding plugins, which never raises, and using components, which fails loudly.

Built-ins come first and through the same hooks as strangers, then the entry points of the group "harness" by name.
What is wrong with a plugin is kept as data (`Registry.failures`): one broken plugin takes nothing from the others.
A second announcement of a name never overwrites the first; asking for it is an error that names both distributions.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Iterable, Mapping, Sequence
from importlib.machinery import PathFinder
from typing import Any

from pydantic import ValidationError

from harness.components import KINDS, SINGULAR, Kind, Options
from harness.discovery import Component, Failure, Origin, discover, one_line
from harness.errors import (
    AmbiguousComponent,
    ConfigError,
    HarnessError,
    MissingPackage,
    PluginError,
    UnknownComponent,
    listed,
    nearest,
)
from harness.validation import explain

__all__ = ["Component", "Failure", "Origin", "Registry"]


class Registry:
    """The components at hand. Making one from components of your own is for tests; `discover` finds the installed."""

    def __init__(
        self,
        components: Iterable[Component] = (),
        failures: Iterable[Failure] = (),
        *,
        third_party: bool = True,
        blocked: Iterable[str] = (),
        unused_blocks: Iterable[str] = (),
    ) -> None:
        order = {kind: position for position, kind in enumerate(KINDS)}
        self._components = sorted(components, key=lambda one: (order[one.kind], one.spec.name, one.origin))
        self.failures: tuple[Failure, ...] = tuple(failures)
        self.unused_blocks: tuple[str, ...] = tuple(unused_blocks)
        self.settings: dict[str, Any] = {"third_party": third_party, "blocked": sorted(set(blocked))}

    @classmethod
    def discover(cls, *, third_party: bool = True, blocked: Iterable[str] = ()) -> Registry:
        """All components of the built-ins and the installed plugins; never raises.

        third_party=False leaves the entry points alone; blocked: entry-point or distribution names to leave out.
        """
        blocked = tuple(blocked)
        found = discover(third_party=third_party, blocked=blocked)
        return cls(*found[:2], third_party=third_party, blocked=blocked, unused_blocks=found.unused_blocks)

    def components(self, kind: Kind | None = None) -> list[Component]:
        """The components of one kind, or all, sorted by kind, name and distribution."""
        return [one for one in self._components if kind in (None, one.kind)]

    def names(self, kind: Kind) -> tuple[str, ...]:
        """The names announced for a kind, sorted, each once."""
        return tuple(dict.fromkeys(one.spec.name for one in self.components(kind)))

    def get(self, kind: Kind, name: str) -> Component:
        """The one component of that name; UnknownComponent or AmbiguousComponent otherwise."""
        found = [one for one in self.components(kind) if one.spec.name == name]
        if len(found) == 1:
            return found[0]
        if not found:
            raise UnknownComponent(
                f"{SINGULAR[kind]} {name!r} is not known{nearest(name, self.names(kind))}{self.absences()}"
            )
        announcers = " and ".join(str(one.origin) for one in found)
        raise AmbiguousComponent(
            f"{SINGULAR[kind]} {name!r} is announced by {announcers}; uninstall one or leave it out with --block"
        )

    def options(self, kind: Kind, name: str, data: Mapping[str, Any]) -> Options:
        """The component's options, checked; ConfigError names the keys, what is wrong, and the nearest key."""
        component = self.get(kind, name)
        model = component.spec.options
        try:
            return model.model_validate(dict(data))
        except ValidationError as error:
            raise ConfigError(f"{component}: {explain(error, model, 'option')}") from None
        except Exception as error:
            raise _failed(component, "cannot check its options", error) from error

    def missing(self, component: Component) -> list[str]:
        """The import names it requires that are not installed; nothing is imported to find out."""
        return [name for name in component.spec.requires if not _is_installed(name)]

    def require(self, component: Component) -> None:
        """MissingPackage with the command to run, if a package that the component requires is not installed."""
        if missing := self.missing(component):
            raise MissingPackage(_missing_text(component, missing))

    def build(self, kind: Kind, name: str, data: Mapping[str, Any], **context: Any) -> Any:
        """target(options, **context) of a component, imported now.

        ConfigError for bad options, MissingPackage with the command to run, PluginError naming the distribution when
        the component itself breaks; a HarnessError of its own passes unchanged.
        """
        component = self.get(kind, name)
        options = self.options(kind, name, data)
        self.require(component)
        target = _import_target(component)
        try:
            return target(options, **context)
        except HarnessError:
            raise
        except Exception as error:
            raise _failed(component, "cannot be built", error) from error

    def absences(self) -> str:
        """Why a name may be absent, to end a message with: plugins that failed or were left out; may be empty."""
        reasons = []
        if self.failures:
            culprits = dict.fromkeys(f"{one.plugin!r} of {one.distribution} {one.version}" for one in self.failures)
            reasons.append(f"plugins that failed: {listed(culprits, 3)}, see `harness plugins list`")
        if not self.settings["third_party"]:
            reasons.append("third-party plugins are left out by --no-third-party")
        if self.settings["blocked"]:
            reasons.append(f"blocked: {listed(self.settings['blocked'], 3)}")
        return "".join(f"; {reason}" for reason in reasons)


def _failed(component: Component, what: str, error: BaseException) -> PluginError:
    return PluginError(f"{component} of {component.origin} {what}: {one_line(error)}")


def _missing_text(component: Component, missing: Sequence[str]) -> str:
    names = " and ".join(repr(name) for name in missing)
    needs = f"the package {names}, which is" if len(missing) == 1 else f"the packages {names}, which are"
    install = component.spec.install or f"pip install {' '.join(name.partition('.')[0] for name in missing)}"
    return f"{component} needs {needs} not installed; run: {install}"


def _import_target(component: Component) -> Any:
    module, _, attribute = component.spec.target.partition(":")
    try:
        found = importlib.import_module(module)
        for part in attribute.split("."):
            found = getattr(found, part)
    except HarnessError:
        raise
    except (Exception, SystemExit) as error:
        raise _failed(component, f"cannot be imported from {component.spec.target!r}", error) from error
    return found


def _is_installed(name: str) -> bool:
    """Whether an import name, dotted or not, can be found; imports neither it nor its parents."""
    first, *rest = name.split(".")
    try:
        spec = importlib.util.find_spec(first)
        for depth, _ in enumerate(rest, start=2):
            if spec is None or spec.submodule_search_locations is None:
                return False
            spec = PathFinder.find_spec(".".join([first, *rest][:depth]), list(spec.submodule_search_locations))
    except (ImportError, ValueError):  # ValueError: a module without __spec__, put into sys.modules by hand
        return False
    return spec is not None
