import subprocess
import sys

import harness_claude
import pytest
from harness_claude.options import ClaudeOptions
from pydantic import ValidationError

from harness.components import ComponentSpec
from harness.vlm import BatchModel, BatchOptions, VisionLanguageModel


def test_the_labeler_is_announced_with_its_package():
    (spec,) = harness_claude.harness_labelers()
    assert isinstance(spec, ComponentSpec)
    assert (spec.name, spec.requires, spec.install) == ("claude", ("anthropic",), "pip install cer-harness-claude")
    assert issubclass(spec.options, BatchOptions)


def test_announcing_loads_no_sdk():
    code = "import harness_claude, sys; list(harness_claude.harness_labelers()); harness_claude.ClaudeOptions(); "
    code += "sys.exit(bool({'anthropic', 'httpx2', 'aiohttp', 'torch', 'pandas'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_labeler_fulfils_the_contract():
    from harness_claude.labeler import Claude

    claude = Claude(ClaudeOptions())
    assert isinstance(claude, VisionLanguageModel)
    assert isinstance(claude, BatchModel)


def test_faces_go_to_anthropic_unless_told_otherwise(monkeypatch):
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "http://elsewhere.example")
    assert ClaudeOptions().destination() == "https://api.anthropic.com"
    assert ClaudeOptions().remote
    assert not ClaudeOptions(base_url="http://127.0.0.1:8000").remote


@pytest.mark.parametrize("url", ["http://localhost:1", "http://localhost:1/", "http://localhost:1/v1/"])
def test_an_address_is_kept_in_one_spelling(url):
    assert ClaudeOptions(base_url=url).base_url == "http://localhost:1"


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("localhost:8000", "must be an http:// or https:// address with a host"),
        ("ftp://host", "must be an http:// or https:// address with a host"),
        ("https://me:secret@host", "must not hold a user name or password"),
        ("https://host/?a=b", "must have no query and no fragment"),
    ],
)
def test_an_address_that_cannot_be_used_is_refused(url, message):
    with pytest.raises(ValidationError, match=message):
        ClaudeOptions(base_url=url)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"effort": "max"}, "effort = 'max' needs thinking = 'adaptive'"),
        ({"batch_requests": 100_001}, "Anthropic takes at most 100000 requests a batch"),
        ({"batch_megabytes": 257}, "Anthropic takes at most 256 megabytes a batch"),
    ],
)
def test_options_that_the_provider_would_refuse_are_refused_here(options, message):
    with pytest.raises(ValidationError, match=message):
        ClaudeOptions(**options)


@pytest.mark.parametrize(
    "options",
    [
        {"prompt_cache": "off"}, {"service_tier": "standard_only"}, {"http": "httpx"}, {"check_model": False},
        {"api_key_env": "OTHER"}, {"batch": True}, {"limits": {"timeout": 5}}, {"max_cost": 1.0},
        {"base_url": "https://api.anthropic.com/v1"},
    ],
)  # fmt: skip
def test_what_changes_no_answer_asks_for_none_again(options):
    assert ClaudeOptions(**options).asking() == ClaudeOptions().asking()


@pytest.mark.parametrize(
    "options",
    [
        {"model": "claude-opus-5-5"}, {"max_tokens": 64}, {"structured": "tool"}, {"thinking": "adaptive"},
        {"effort": "low"}, {"base_url": "http://127.0.0.1:1"},
    ],
)  # fmt: skip
def test_what_may_change_an_answer_is_part_of_its_key(options):
    assert ClaudeOptions(**options).asking() != ClaudeOptions().asking()


def test_the_key_holds_what_is_sent_not_how_it_was_said():
    silent = ClaudeOptions(model="claude-haiku-4-5", thinking="off")  # a model that does not think unless told to
    assert silent.asking() == ClaudeOptions(model="claude-haiku-4-5", thinking="default").asking()
    assert ClaudeOptions().asking()["thinking"] == "disabled"
