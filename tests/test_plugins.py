"""Discovery never raises; use fails loudly. Every failure comes from a distribution as pip would have installed it."""

from __future__ import annotations

import importlib
import pkgutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from textwrap import dedent
from typing import Protocol

import pytest

import harness.builtins
from harness.components import ComponentSpec, Options
from harness.discovery import CORE, Component, Failure, Origin
from harness.errors import AmbiguousComponent, ConfigError, DataError, MissingPackage, PluginError, UnknownComponent
from harness.hookspecs import hookimpl
from harness.plugins import Registry
from harness.testing import fake_distribution, installed

PLUGIN = """
from typing import Literal
from pydantic import Field, field_validator
from harness.components import ComponentSpec, Options
from harness.hookspecs import hookimpl

class ShoutOptions(Options):
    volume: int = Field(3, ge=1, le=11, description="how loud")
    mood: Literal["glad", "sad"] = "glad"

    @field_validator("mood")
    @classmethod
    def _breaks(cls, value):
        return {"glad": value}[value]

@hookimpl
def harness_aggregators():
    yield ComponentSpec("shout", "the loudest wins", ShoutOptions, "harness_shout.voice:Shout"SPEC)
"""
VOICE = """
class Shout:
    def __init__(self, options):
        self.volume = options.volume
"""


class Install(Protocol):
    def __call__(self, name: str, plugin: str, modules: Mapping[str, str] | None = None, **facts: str) -> None: ...


@pytest.fixture
def install(tmp_path: Path) -> Iterator[Install]:
    """Installs a distribution whose one plugin is the source given."""

    def put(name: str, plugin: str, modules: Mapping[str, str] | None = None, **facts: str) -> None:
        package = f"harness_{name.replace('-', '_')}"
        sources = {f"{package}/__init__.py": dedent(plugin), **(modules or {})}
        points = {facts.get("point", name): facts.get("target", package)}
        fake_distribution(tmp_path, f"x-{name}", facts.get("version", "1.0"), entry_points=points, modules=sources)

    with installed(tmp_path):
        yield put


def install_shout(install: Install, spec: str = "", voice: str = VOICE) -> None:
    modules = {"harness_shout/voice.py": voice} if voice else {}
    install("shout", PLUGIN.replace("SPEC", spec), modules)


def failures(registry: Registry, distribution: str) -> list[str]:
    return [one.text for one in registry.failures if one.distribution == distribution]


def announcing(expression: str) -> str:
    return f"""
from harness.components import ComponentSpec, Options
from harness.hookspecs import hookimpl

@hookimpl
def harness_aggregators():
    return {expression}
"""


# --- what works ---------------------------------------------------------------------------------------------------


def test_built_ins_are_found_without_failures_and_come_through_the_same_hooks() -> None:
    registry = Registry.discover(third_party=False)
    assert registry.failures == ()
    assert {one.origin for one in registry.components()} == {CORE}
    assert "majority-vote" in registry.names("aggregators")


def test_a_plugin_is_found_and_its_component_built_late(install: Install) -> None:
    install_shout(install)
    registry = Registry.discover()
    component = registry.get("aggregators", "shout")
    assert component.origin == Origin("x-shout", "1.0")
    assert str(component) == "aggregator 'shout'"
    assert "harness_shout.voice" not in sys.modules
    assert registry.build("aggregators", "shout", {"volume": 5}).volume == 5
    assert "harness_shout.voice" in sys.modules


def test_components_are_sorted_by_kind_name_and_distribution(install: Install) -> None:
    install_shout(install)
    registry = Registry.discover()
    names = [one.spec.name for one in registry.components("aggregators")]
    assert names == sorted(names)
    kinds = [one.kind for one in registry.components()]
    assert kinds.index("losses") < kinds.index("aggregators") < kinds.index("executors")


def test_settings_say_how_to_discover_the_same_again() -> None:
    registry = Registry.discover(third_party=False, blocked=["b", "a", "a"])
    assert registry.settings == {"third_party": False, "blocked": ["a", "b"]}
    assert Registry.discover(**registry.settings).names("losses") == registry.names("losses")


def test_third_party_can_be_forbidden(install: Install) -> None:
    install_shout(install)
    registry = Registry.discover(third_party=False)
    with pytest.raises(
        UnknownComponent, match=r"'shout' is not known.*; third-party plugins are left out by --no-third"
    ):
        registry.get("aggregators", "shout")


@pytest.mark.parametrize("name", ["shout", "x-shout", "X_Shout"])
def test_a_plugin_can_be_blocked_by_entry_point_or_distribution(install: Install, name: str) -> None:
    install_shout(install)
    registry = Registry.discover(blocked=[name])
    with pytest.raises(UnknownComponent, match=rf"; blocked: {name}$"):
        registry.get("aggregators", "shout")


def test_a_blocked_plugin_is_not_even_imported(install: Install) -> None:
    install("loud", "raise RuntimeError('imported')")
    assert failures(Registry.discover(blocked=["loud"]), "x-loud") == []


def test_a_block_that_leaves_out_nothing_is_reported(install: Install) -> None:
    install_shout(install)
    assert Registry.discover(blocked=["x_shout", "shuot"]).unused_blocks == ("shuot",)
    assert Registry.discover(third_party=False, blocked=["shuot"]).unused_blocks == ()


# --- failures as data ---------------------------------------------------------------------------------------------


def test_a_plugin_that_cannot_be_imported_is_a_failure_and_stops_nobody(install: Install) -> None:
    install("broken", "import a_package_that_is_not_there")
    install_shout(install)
    registry = Registry.discover()
    assert failures(registry, "x-broken") == ["ModuleNotFoundError: No module named 'a_package_that_is_not_there'"]
    assert registry.get("aggregators", "shout")
    assert str(next(one for one in registry.failures if one.plugin == "broken")).startswith(
        "plugin 'broken' of x-broken 1.0: ModuleNotFoundError"
    )


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("def half(:", "SyntaxError: invalid syntax"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("raise ValueError('first line\\n  second line')", "ValueError: first line second line"),
        ("raise KeyError", "KeyError"),
    ],
)
def test_whatever_an_import_raises_becomes_one_line(install: Install, source: str, text: str) -> None:
    install("broken", source)
    (line,) = failures(Registry.discover(), "x-broken")
    assert line.startswith(text)
    assert "\n" not in line


def test_one_module_under_two_entry_points_is_asked_once_and_told(install: Install, tmp_path: Path) -> None:
    install_shout(install)
    points = tmp_path / "x_shout-1.0.dist-info" / "entry_points.txt"
    points.write_text("[harness]\nshout = harness_shout\nshout-again = harness_shout\n")
    registry = Registry.discover()
    (text,) = failures(registry, "x-shout")
    assert text.startswith("ValueError: Plugin already registered")
    assert len(text) <= 400
    assert registry.get("aggregators", "shout")


def test_an_entry_point_to_a_missing_module_is_a_failure(install: Install) -> None:
    install("gone", "", target="harness_elsewhere")
    assert failures(Registry.discover(), "x-gone") == ["ModuleNotFoundError: No module named 'harness_elsewhere'"]


def test_an_entry_point_to_a_missing_attribute_is_a_failure(install: Install) -> None:
    install("gone", "", target="harness_gone:plugin")
    assert failures(Registry.discover(), "x-gone") == [
        "AttributeError: module 'harness_gone' has no attribute 'plugin'"
    ]


def test_an_entry_point_that_names_no_module_is_a_failure(install: Install) -> None:
    install("odd", "", target="not a module")
    (text,) = failures(Registry.discover(), "x-odd")
    assert "Error" in text


def test_a_malformed_entry_point_file_is_a_failure_of_its_distribution_alone(install: Install, tmp_path: Path) -> None:
    install("odd", "")
    install_shout(install)
    (tmp_path / "x_odd-1.0.dist-info" / "entry_points.txt").write_text("[harness]\na line without the sign\n")
    registry = Registry.discover()
    (text,) = failures(registry, "x-odd")
    assert text.startswith("entry_points.txt cannot be read: ")
    assert registry.get("aggregators", "shout")


def test_an_entry_point_file_that_is_no_text_is_nobodys_plugin(install: Install, tmp_path: Path) -> None:
    install("odd", "")
    install_shout(install)
    (tmp_path / "x_odd-1.0.dist-info" / "entry_points.txt").write_bytes(b"[harness]\xff\xfe")
    registry = Registry.discover()
    assert failures(registry, "x-odd") == []
    assert registry.get("aggregators", "shout")


def test_of_two_copies_of_a_distribution_the_first_on_the_path_counts(install: Install, tmp_path: Path) -> None:
    install_shout(install)
    with installed(fake_distribution(tmp_path / "other", "x-shout", "0.9", entry_points={"old": "old"}, modules={})):
        registry = Registry.discover()
    assert failures(registry, "x-shout") == ["ModuleNotFoundError: No module named 'old'"]
    assert "shout" not in registry.names("aggregators")


def test_a_distribution_without_metadata_still_brings_its_plugin(install: Install, tmp_path: Path) -> None:
    install_shout(install)
    (tmp_path / "x_shout-1.0.dist-info" / "METADATA").unlink()
    assert Registry.discover().get("aggregators", "shout").origin.distribution == "unknown"


def test_a_misspelt_hook_is_a_failure_that_suggests_the_right_one(install: Install) -> None:
    install("typo", announcing("()").replace("harness_aggregators", "harness_agregators"))
    (text,) = failures(Registry.discover(), "x-typo")
    assert text.startswith(
        "implements the hook 'harness_agregators', which is not known; did you mean 'harness_aggregators'? (known: "
    )


def test_two_plugins_with_the_same_misspelt_hook_are_both_named(install: Install) -> None:
    for name in ("one", "two"):
        install(name, announcing("()").replace("harness_aggregators", "harness_agregators"))
    registry = Registry.discover()
    assert len(failures(registry, "x-one")) == len(failures(registry, "x-two")) == 1


def test_a_hook_with_an_argument_of_its_own_is_a_failure(install: Install) -> None:
    install("extra", announcing("()").replace("aggregators()", "aggregators(config)"))
    (text,) = failures(Registry.discover(), "x-extra")
    assert text.startswith("PluginValidationError: ")
    assert "'config'" in text


def test_a_module_without_hooks_is_a_failure_that_names_the_marker(install: Install) -> None:
    install("silent", "def harness_aggregators():\n    return ()\n")
    (text,) = failures(Registry.discover(), "x-silent")
    assert text.endswith("is @hookimpl missing?")


def test_a_hook_that_raises_does_not_stop_the_rest(install: Install) -> None:
    install("angry", announcing("1 / 0"))
    install_shout(install)
    registry = Registry.discover()
    assert failures(registry, "x-angry") == ["harness_aggregators failed: ZeroDivisionError: division by zero"]
    assert registry.get("aggregators", "shout")
    assert registry.names("executors")


def test_a_hook_that_returns_nothing_is_a_failure(install: Install) -> None:
    install("nothing", announcing("None"))
    assert failures(Registry.discover(), "x-nothing") == [
        "harness_aggregators failed: TypeError: 'NoneType' object is not iterable"
    ]


@pytest.mark.parametrize(
    ("announced", "text"),
    [
        ("['shout']", "announces 'shout', which is not a ComponentSpec"),
        ("[ComponentSpec('Big Name', '', Options, 'a:b')]", "the name 'Big Name' is not lower-case letters"),
        ("[ComponentSpec('-x', '', Options, 'a:b')]", "the name '-x' is not lower-case letters"),
        ("[ComponentSpec('x', '', Options, 'a.b')]", "'x' has the target 'a.b', which is not 'module:attribute'"),
        ("[ComponentSpec('x', '', Options, 'a-b:c')]", "'x' has the target 'a-b:c', which is not 'module:attribute'"),
        ("[ComponentSpec('x', '', dict, 'a:b')]", "'x' has the options <class 'dict'>, which is not a subclass"),
        ("[ComponentSpec('x', '', Options, 'a:b', 'torch')]", "requires='torch', which is not a tuple of import names"),
        ("[ComponentSpec('x', None, Options, 'a:b')]", "'x' has summary=None, which is not a text"),
        ("[ComponentSpec('x', '', Options, 'a:b', version='1')]", "'x' has version='1', which is not a whole number"),
    ],
)
def test_a_malformed_announcement_is_a_failure(install: Install, announced: str, text: str) -> None:
    install("odd", announcing(announced))
    registry = Registry.discover()
    (line,) = failures(registry, "x-odd")
    assert line.startswith("harness_aggregators: ")
    assert text in line
    assert all(one.origin.distribution != "x-odd" for one in registry.components())


def test_an_object_that_cannot_even_be_shown_is_named_by_its_type(install: Install) -> None:
    source = "class Mute:\n    def __repr__(self): raise RuntimeError\n" + announcing("[Mute()]")
    install("mute", source)
    assert failures(Registry.discover(), "x-mute") == [
        "harness_aggregators: announces Mute, which is not a ComponentSpec"
    ]


def test_a_long_announcement_is_cut(install: Install) -> None:
    install("long", announcing("['x' * 500]"))
    (text,) = failures(Registry.discover(), "x-long")
    assert len(text) < 130


# --- two announcements of one name --------------------------------------------------------------------------------


def test_two_plugins_with_one_entry_point_name_are_both_asked(install: Install) -> None:
    install("left", announcing("[ComponentSpec('l', '', Options, 'a:b')]"), point="same")
    install("right", announcing("[ComponentSpec('r', '', Options, 'a:b')]"), point="same")
    assert {"l", "r"} <= set(Registry.discover().names("aggregators"))


def test_a_name_that_two_distributions_announce_names_both(install: Install) -> None:
    install_shout(install)
    install("second", announcing("[ComponentSpec('shout', '', Options, 'a:b')]"), version="2.1")
    registry = Registry.discover()
    with pytest.raises(
        AmbiguousComponent,
        match=r"^aggregator 'shout' is announced by x-second 2.1 and x-shout 1.0; "
        r"uninstall one or leave it out with --block$",
    ):
        registry.get("aggregators", "shout")
    assert registry.names("aggregators").count("shout") == 1
    assert Registry.discover(blocked=["second"]).get("aggregators", "shout").origin.distribution == "x-shout"


def test_a_built_in_is_never_overwritten(install: Install) -> None:
    install("rival", announcing("[ComponentSpec('majority-vote', '', Options, 'a:b')]"))
    with pytest.raises(AmbiguousComponent, match=r"announced by cer-harness \S+ and x-rival 1.0"):
        Registry.discover().build("aggregators", "majority-vote", {})


# --- use fails loudly ---------------------------------------------------------------------------------------------


def test_an_unknown_name_suggests_the_nearest() -> None:
    with pytest.raises(
        UnknownComponent,
        match=r"^aggregator 'majority-vot' is not known; did you mean 'majority-vote'\? \(known: dawid-skene, ",
    ):
        Registry.discover(third_party=False).get("aggregators", "majority-vot")


def test_an_unknown_name_mentions_the_plugins_that_failed(install: Install) -> None:
    install("retina", "import a_package_that_is_not_there")
    with pytest.raises(
        UnknownComponent, match=r"plugins that failed: .*'retina' of x-retina 1.0.*, see `harness plugins list`"
    ):
        Registry.discover().get("face_detectors", "retina")


def test_an_unknown_option_key_suggests_the_nearest(install: Install) -> None:
    install_shout(install)
    with pytest.raises(
        ConfigError,
        match=r"^aggregator 'shout': option 'volum' is not known; did you mean 'volume'\? \(known: mood, volume\)$",
    ):
        Registry.discover().options("aggregators", "shout", {"volum": 3})


def test_a_bad_option_says_key_value_and_what_is_wrong(install: Install) -> None:
    install_shout(install)
    with pytest.raises(
        ConfigError, match=r"^aggregator 'shout': option 'volume' = 12: input should be less than or equal to 11$"
    ):
        Registry.discover().build("aggregators", "shout", {"volume": 12})


def test_an_options_class_that_breaks_is_the_plugins_fault(install: Install) -> None:
    install_shout(install)
    with pytest.raises(
        PluginError, match=r"^aggregator 'shout' of x-shout 1.0 cannot check its options: KeyError: 'sad'$"
    ):
        Registry.discover().options("aggregators", "shout", {"mood": "sad"})


def test_a_missing_package_says_what_to_install(install: Install) -> None:
    install_shout(install, ", ('absent_package',), 'pip install x-shout[loud]'")
    registry = Registry.discover()
    component = registry.get("aggregators", "shout")
    assert registry.missing(component) == ["absent_package"]
    with pytest.raises(
        MissingPackage,
        match=r"^aggregator 'shout' needs the package 'absent_package', which is not installed; "
        r"run: pip install x-shout\[loud\]$",
    ):
        registry.build("aggregators", "shout", {})


def test_missing_packages_without_a_command_are_installed_by_name(install: Install) -> None:
    install_shout(install, ", ('numpy', 'absent.part', 'absent_too')")
    registry = Registry.discover()
    with pytest.raises(
        MissingPackage,
        match=r"needs the packages 'absent.part' and 'absent_too', which are not installed; "
        r"run: pip install absent absent_too$",
    ):
        registry.require(registry.get("aggregators", "shout"))


def test_a_part_of_a_package_can_be_required_and_is_not_imported(install: Install) -> None:
    install(
        "shout",
        PLUGIN.replace("SPEC", ", ('harness_parent.child', 'harness_parent.other', 'harness_shout.voice.deeper')"),
        {"harness_shout/voice.py": VOICE, "harness_parent/__init__.py": "1 / 0", "harness_parent/child.py": ""},
    )
    registry = Registry.discover()
    missing = registry.missing(registry.get("aggregators", "shout"))
    assert missing == ["harness_parent.other", "harness_shout.voice.deeper"]
    assert "harness_parent" not in sys.modules


def test_bad_options_are_told_before_missing_packages(install: Install) -> None:
    install_shout(install, ", ('absent_package',)")
    with pytest.raises(ConfigError, match="'volume' = 0"):
        Registry.discover().build("aggregators", "shout", {"volume": 0})


def test_a_target_whose_import_fails_names_the_distribution(install: Install) -> None:
    install_shout(install, voice="import absent_package")
    with pytest.raises(
        PluginError,
        match=r"^aggregator 'shout' of x-shout 1.0 cannot be imported from 'harness_shout.voice:Shout': "
        r"ModuleNotFoundError: No module named 'absent_package'$",
    ):
        Registry.discover().build("aggregators", "shout", {})


def test_a_target_that_is_not_there_names_the_distribution(install: Install) -> None:
    install_shout(install, voice="class Whisper: pass")
    with pytest.raises(PluginError, match=r"of x-shout 1.0 cannot be imported .*: AttributeError: .*'Shout'"):
        Registry.discover().build("aggregators", "shout", {})


def test_a_component_that_breaks_while_it_is_built_names_the_distribution(install: Install) -> None:
    install_shout(install, voice="def Shout(options): return [][options.volume]")
    with pytest.raises(PluginError, match=r"of x-shout 1.0 cannot be built: IndexError: list index out of range$"):
        Registry.discover().build("aggregators", "shout", {})


@pytest.mark.parametrize("where", ["def Shout(options):\n    ", ""])
def test_a_deliberate_error_of_a_component_passes_unchanged(install: Install, where: str) -> None:
    install_shout(install, voice=f"from harness.errors import DataError\n{where}raise DataError('no such clip')")
    with pytest.raises(DataError, match="^no such clip$"):
        Registry.discover().build("aggregators", "shout", {})


def test_context_reaches_the_target() -> None:
    spec = ComponentSpec("pair", "", Options, "builtins:dict.fromkeys")
    registry = Registry([Component("losses", spec, Origin("x", "1"))], [Failure("p", "d", "1", "text")])
    with pytest.raises(PluginError, match=r"loss 'pair' of x 1 cannot be built: TypeError: .*keyword arguments"):
        registry.build("losses", "pair", {}, class_counts=1)


def test_every_built_in_target_can_be_imported() -> None:
    registry = Registry.discover(third_party=False)
    for component in registry.components():
        if not registry.missing(component):
            module, _, attribute = component.spec.target.partition(":")
            assert hasattr(importlib.import_module(module), attribute), component.spec.target


def test_hookimpl_is_the_marker_of_our_group() -> None:
    assert hookimpl.project_name == "harness"


def test_importing_the_built_in_components_changes_no_announcement() -> None:
    """A name bound in harness.builtins that is also a module there would be replaced by that module's import."""
    before = Registry.discover(third_party=False)
    for module in pkgutil.iter_modules(harness.builtins.__path__):
        importlib.import_module(f"harness.builtins.{module.name}")
    after = Registry.discover(third_party=False)
    assert after.failures == ()
    assert after.components() == before.components()
