"""The hooks' examples run, and docs/plugins.md documents every hook and prints a plugin that works."""

from __future__ import annotations

import doctest
import inspect
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness import hookspecs
from harness.components import KINDS, ComponentSpec
from harness.config import parse
from harness.plugins import Registry
from harness.testing import fake_distribution, installed

PAGE = (Path(__file__).parents[1] / "docs" / "plugins.md").read_text(encoding="utf-8")
HOOKS = [f"harness_{kind}" for kind in KINDS]


def printed() -> dict[str, str]:
    """The files of the page: path -> text."""
    return dict(re.findall(r"^\*\*`([^`]+)`\*\*.*?^```\w+\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE))


@pytest.fixture
def trimmed(tmp_path: Path) -> Iterator[Registry]:
    """The page's plugin, installed."""
    files = printed()
    project = tomllib.loads(files["pyproject.toml"])["project"]
    modules = {path: text for path, text in files.items() if path.startswith("harness_trimmed/")}
    fake_distribution(
        tmp_path, project["name"], project["version"], entry_points=project["entry-points"]["harness"], modules=modules
    )
    with installed(tmp_path):
        yield Registry.discover()


def test_the_examples_in_the_hooks_run() -> None:
    result = doctest.testmod(hookspecs)
    assert result.failed == 0
    assert result.attempted >= 2 * len(HOOKS)


@pytest.mark.parametrize("hook", HOOKS)
def test_every_hook_has_a_runnable_example_that_announces(hook: str) -> None:
    (example,) = doctest.DocTestFinder(recurse=False).find(getattr(hookspecs, hook), hook, module=hookspecs)
    names = dict(vars(hookspecs))
    for step in example.examples:
        exec(compile(step.source, hook, "exec"), names)
    announced = list(names[hook]())
    assert announced
    assert all(isinstance(one, ComponentSpec) for one in announced)


@pytest.mark.parametrize("hook", HOOKS)
def test_the_page_documents_every_hook_with_its_exact_signature_and_call(hook: str) -> None:
    function = getattr(hookspecs, hook)
    signature = f"{hook}{inspect.signature(function)}".replace("'", "")
    assert f"| `{signature}` |" in PAGE
    row = next(line for line in PAGE.splitlines() if line.startswith(f"| `{hook}("))
    for call in re.findall(r"target\([^()]*(?:\([^()]*\)[^()]*)*\)", function.__doc__ or ""):
        assert call in row, call


def test_the_page_names_no_hook_and_no_check_that_does_not_exist() -> None:
    from harness import testing

    assert set(re.findall(r"\bharness_\w+(?=\()", PAGE)) == set(HOOKS)
    assert set(re.findall(r"\| `(check_\w+)", PAGE)) == {name for name in testing.__all__ if name.startswith("check_")}


def test_the_page_explains_every_field_of_an_announcement() -> None:
    for field in ComponentSpec.__dataclass_fields__:
        assert f"| `{field}` |" in PAGE


def test_the_printed_plugin_is_found_and_built(trimmed: Registry) -> None:
    assert [one for one in trimmed.failures if one.distribution == "harness-trimmed"] == []
    component = trimmed.get("aggregators", "trimmed-mean")
    assert str(component.origin) == "harness-trimmed 1.0"
    assert trimmed.build("aggregators", "trimmed-mean", {"trim": 0.25}).trim == 0.25


def test_the_printed_plugins_own_tests_pass(trimmed: Registry) -> None:
    names: dict[str, Any] = {}
    path = "tests/test_fusion.py"
    exec(compile(printed()[path], path, "exec"), names)
    tests = [value for name, value in names.items() if name.startswith("test_")]
    assert len(tests) == 2
    for test in tests:
        test()


def test_the_printed_configuration_is_accepted(trimmed: Registry) -> None:
    (snippet,) = re.findall(r"^```toml\n(\[fusion\].*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    data = {"name": "x", "benchmark": "y", "data": {"target": "synthetic"}, **tomllib.loads(snippet)}
    component = parse(data, "the page").fusion.aggregator
    assert trimmed.options("aggregators", component.use, component.options).model_dump() == {"trim": 0.25}


# --- the labeler that is asked in words


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Registry]:
    """The page's vision-language labeler, installed."""
    modules = {path: text for path, text in printed().items() if path.startswith("harness_house/")}
    assert len(modules) == 3
    fake_distribution(tmp_path, "harness-house", "1.0", entry_points={"house": "harness_house"}, modules=modules)
    with installed(tmp_path):
        yield Registry.discover()


def test_the_printed_language_labelers_own_tests_pass(house: Registry) -> None:
    assert [one for one in house.failures if one.distribution == "harness-house"] == []
    names: dict[str, Any] = {}
    path = "tests/test_labeler.py"
    exec(compile(printed()[path], path, "exec"), names)
    names["test_it_keeps_the_contract"]()
    errors = names["test_errors_have_their_kind"]
    (mark,) = errors.pytestmark
    for answer, kind in mark.args[1]:
        errors(answer, kind)


def test_the_printed_language_labeler_labels_faces(house: Registry, tmp_path: Path) -> None:
    """Through the engine: prompts, cache and parsing work for a provider that nobody knows."""
    import numpy as np

    from harness.expressions import ABAW_COMPOUND_7
    from harness.faces.artifact import CROPS, TableWriter
    from harness.labeling.stage import run
    from harness.labeling.votes import read_votes
    from harness.stage import StageContext
    from harness.testing.language import _noise
    from harness.testing.providers import ProviderServer

    for name in ("faces", "votes"):
        (tmp_path / name).mkdir()
    with TableWriter(tmp_path / "faces", CROPS) as writer:
        row = {"face": [0], "clip": ["a"], "frame": [0], "subject": ["a"], "image": [_noise()], "sha256": [""]}
        writer.append(row)
    with ProviderServer(label="Sadly Angry") as server:
        params = {
            "labeler": {"use": "house", "options": {"url": server.openai_url}},
            "label_space": ABAW_COMPOUND_7.as_dict(),
            "sample": {"rule": "all"},
        }
        inputs = {"faces": tmp_path / "faces"}
        run(StageContext(tmp_path / "votes", params, inputs, house, caches=tmp_path))
        assert len(server.replies) == 2
    voters = read_votes(tmp_path / "votes")
    assert [one.voter for one in voters] == ["house/P1", "house/P2"]
    assert {one for voter in voters for one in voter.frame["label"]} == {ABAW_COMPOUND_7.find("Sadly Angry")}
    assert not np.isnan(voters[0].probabilities).any()
