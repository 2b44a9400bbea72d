import subprocess
import sys
from pathlib import Path

import pytest
from harness_openai.options import OpenAIOptions
from harness_openai.presets import PRESETS
from pydantic import ValidationError

from harness.vlm import Limits


def options(**values):
    return OpenAIOptions(**{"model": "gpt-4.1-mini"} | values)


def test_announcing_the_labeler_loads_no_sdk():
    code = (
        "import sys, harness_openai as one; list(one.harness_labelers()); print({'openai', 'aiohttp'} & {*sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_faces_go_to_openai_unless_told_otherwise():
    assert options().destination() == "https://api.openai.com/v1"
    assert options().remote


def test_environment_variables_redirect_no_face(monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", "http://elsewhere.example/v1")
    assert options().destination() == "https://api.openai.com/v1"


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_is_complete(name):
    made = options(preset=name)
    assert made.destination().startswith("http")
    assert made.remote == made.destination().startswith("https")
    assert made.key_variable.endswith("_API_KEY")
    assert made.structured == PRESETS[name].json_schema


def test_what_is_set_goes_before_the_preset():
    made = options(preset="tgi", base_url="http://10.0.0.7:3000/v1/", api_key_env="MY_KEY", json_schema=True)
    assert made.destination() == "http://10.0.0.7:3000/v1"
    assert made.remote
    assert made.key_variable == "MY_KEY"
    assert made.structured


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"preset": "olama"}, "preset 'olama' is not known; did you mean 'ollama'?"),
        ({"base_url": "api.openai.com"}, "base_url must look like https://host/v1"),
        ({"base_url": "https://me:word@host/v1"}, "base_url must hold no user, password or query"),
        ({"base_url": "https://host/v1?key=abc"}, "name the key's variable in api_key_env"),
        ({"preset": "gemini", "logprobs": True}, "servers of preset 'gemini' give no log-probabilities"),
        ({"preset": "gemini", "sampling_seed": 1}, "servers of preset 'gemini' take no seed"),
        ({"api": "responses", "sampling_seed": 1}, "the responses API takes no seed"),
        ({"preset": "vllm", "batch": True}, "servers of preset 'vllm' have no batch API"),
        ({"batch_requests": 60_000}, "a batch holds at most 50000 requests and 200 MB"),
        ({"batch_megabytes": 201.0}, "a batch holds at most 50000 requests and 200 MB"),
        ({"extra_body": {"model": "x", "n": 2}}, "extra_body may not set model, n"),
        ({"api_key": "sk-1"}, "Extra inputs are not permitted"),
    ],
)
def test_what_cannot_be_is_refused_with_the_reason(values, message):
    with pytest.raises(ValidationError) as caught:
        options(**values)
    assert message in str(caught.value)


def test_a_message_about_a_base_url_with_a_password_is_about_that_alone():
    with pytest.raises(ValidationError) as caught:
        options(base_url="https://me:word@host/v1")
    assert "word@" not in caught.value.errors()[0]["msg"]


@pytest.mark.parametrize(
    "values",
    [
        {"api_key_env": "OTHER"}, {"http": "httpx"}, {"limits": Limits(timeout=1, connections=2)}, {"max_cost": 1.0},
        {"batch": True}, {"batch_poll": 1.0}, {"votes": 3}, {"base_url": "https://api.openai.com/v1/"},
    ],
)  # fmt: skip
def test_keys_transport_limits_and_batching_never_ask_again(values):
    assert options(**values).asking() == options().asking()


@pytest.mark.parametrize(
    "values",
    [
        {"model": "gpt-4.1"}, {"base_url": "https://eu.api.openai.com/v1"}, {"api": "responses"}, {"detail": "low"},
        {"max_tokens": 9}, {"temperature": 0.0}, {"sampling_seed": 0}, {"reasoning_effort": "low"}, {"logprobs": True},
        {"json_schema": False}, {"extra_body": {"top_p": 0.5}},
    ],
)  # fmt: skip
def test_whatever_changes_the_answer_asks_again(values):
    assert options(**values).asking() != options().asking()


def test_a_preset_is_what_it_stands_for():
    spelt = options(preset="sglang", base_url="http://127.0.0.1:8000/v1")
    assert spelt.asking() == options(preset="vllm").asking()


def test_a_level_of_detail_that_is_not_sent_asks_nobody_again():
    assert options(preset="vllm", detail="low").asking() == options(preset="vllm", detail="high").asking()


def test_image_tokens_are_known_for_openai_alone():
    assert options(detail="high").image_tokens(224, 224) == 80  # 49 patches x 1.62, rounded up
    assert options(base_url="http://127.0.0.1:8000/v1").image_tokens(224, 224) is None
    assert options(base_url="https://notopenai.com/v1").image_tokens(224, 224) is None
    assert options(model="gpt-77").image_tokens(224, 224) is None


def test_no_value_of_a_key_can_stand_in_the_options(key):
    assert key not in repr(options()) + str(options().model_dump()) + str(options().facts())


def test_the_readme_has_the_presets_as_they_are():
    rows = {}
    for line in (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8").splitlines():
        cells = [cell.strip(" `") for cell in line.split("|")[1:-1]]
        if len(cells) == 8:
            rows[cells[0]] = cells[1:]
    for name, preset in PRESETS.items():
        flags = (preset.json_schema, preset.logprobs, preset.seed, preset.detail, preset.batch)
        assert rows[name] == [preset.base_url, preset.key, *("yes" if flag else "" for flag in flags)]
    assert len(rows) == len(PRESETS) + 2  # head and rule
