"""Discovery never raises. Every failure comes from a distribution as pip would have installed it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from plugin_packages import Install, announcing, failures, install_shout

from harness.discovery import CORE, Origin
from harness.errors import AmbiguousComponent, UnknownComponent
from harness.plugins import Registry
from harness.testing import fake_distribution, installed

# --- what works -------------------------------------------------------------------------------------------------------


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


# --- failures as data -------------------------------------------------------------------------------------------------


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


# --- two announcements of one name ------------------------------------------------------------------------------------


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
