"""Use of a component fails loudly: what is unknown, wrong or missing is named."""

from __future__ import annotations

import importlib
import pkgutil
import sys

import pytest
from plugin_packages import PLUGIN, VOICE, Install, install_shout

import harness.builtins
from harness.components import ComponentSpec, Options
from harness.discovery import Component, Failure, Origin
from harness.errors import ConfigError, DataError, MissingPackage, PluginError, UnknownComponent
from harness.hookspecs import hookimpl
from harness.plugins import Registry

# --- use fails loudly -------------------------------------------------------------------------------------------------


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
