"""Where models are found, what identifies them, and what is said of folders that cannot be used."""

import json
import socket
import subprocess
import sys

import numpy as np
import pytest
import torch
from harness_transformers.clip import ClipScorer
from harness_transformers.folder import hub_cache, identity
from harness_transformers.generator import LocalModel
from harness_transformers.loading import device_of, dtype_of, load
from harness_transformers.options import ClipOptions, GenerateOptions, LikelihoodOptions
from harness_transformers.scorer import LikelihoodScorer
from safetensors.torch import load_file, save_file

from harness.errors import ConfigError, MissingPackage, WeightsError
from harness.expressions import ABAW_COMPOUND_7
from harness.plugins import Registry


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """An empty cache of the hub, and a function that puts a model into it."""
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))

    def put(name, commit, folder, reference="main"):
        repository = tmp_path / "hub" / f"models--{name.replace('/', '--')}"
        (repository / "refs").mkdir(parents=True)
        (repository / "refs" / reference).write_text(commit)
        (repository / "snapshots").mkdir()
        (repository / "snapshots" / commit).symlink_to(folder)

    return put


def vision_language(model, **options):
    return load(LikelihoodOptions(model=str(model), **options), "vision-language")


def edit(path, **changes):
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


# --- where a model is found


def test_announcing_the_labelers_imports_neither_torch_nor_transformers():
    code = (
        "import sys, harness_transformers as plugin; list(plugin.harness_labelers());"
        "print([name for name in ('torch', 'transformers', 'numpy', 'PIL') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_package_does_not_shadow_transformers():
    import harness_transformers
    import transformers

    assert transformers.__file__ != harness_transformers.__file__
    assert Registry.discover().get("labelers", "transformers").spec.options is LikelihoodOptions


def test_a_folder_is_used_without_any_connection(llava, clip, faces, monkeypatch):
    def refuse(*_):
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    LikelihoodScorer(LikelihoodOptions(model=str(llava)), ABAW_COMPOUND_7).score(faces[:1])
    ClipScorer(ClipOptions(model=str(clip)), ABAW_COMPOUND_7).score(faces[:1])
    LocalModel(GenerateOptions(model=str(llava)))


def test_a_hub_id_is_found_in_the_hubs_cache_and_known_by_its_commit(hub, llava):
    hub("lab/tiny", "c0ffee", llava)
    options = LikelihoodOptions(model="lab/tiny")
    assert options.facts() == {"model": "lab/tiny@c0ffee"}
    assert options.sources() == []
    assert load(options, "vision-language").name == "lab/tiny"
    pinned = LikelihoodOptions(model="lab/tiny", revision="c0ffee")
    assert pinned.facts() == options.facts()


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"HF_HUB_CACHE": "/a"}, "/a"),
        ({"HF_HOME": "/b"}, "/b/hub"),
        ({"XDG_CACHE_HOME": "/c"}, "/c/huggingface/hub"),
    ],
)
def test_the_hubs_cache_is_where_the_hubs_own_variables_say(monkeypatch, variables, expected):
    for name in ("HF_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert str(hub_cache()) == expected


# --- what identifies a model


@pytest.mark.parametrize("options", [LikelihoodOptions, GenerateOptions, ClipOptions])
def test_a_folder_is_known_by_its_contents_and_not_by_its_name(options, llava, copied):
    moved = copied(llava)
    here, there = options(model=str(llava)), options(model=str(moved))
    assert here.sources() == [llava]
    assert here.facts() == there.facts() == {"model": "folder"}
    assert "model" in options.without_effect
    before = identity(str(moved), "main")
    assert before == identity(str(llava), "main")
    (moved / ".cache").mkdir()
    (moved / ".cache" / "log").write_text("downloaded")
    assert identity(str(moved), "main") == before
    edit(moved / "generation_config.json", repetition_penalty=1.1)
    assert identity(str(moved), "main") != before


def test_replies_are_kept_under_the_weights_and_what_changes_an_answer(llava, copied):
    def key(**options):
        return GenerateOptions(**{"model": str(llava), **options}).asking()

    assert key() == key(model=str(copied(llava)), device="cpu", batch_size=2, wait=1.0, limits={"connections": 3})
    changes = ({"max_tokens": 9}, {"temperature": 0.5}, {"dtype": "bfloat16"}, {"template_options": {"a": 1}})
    assert all(key(**change) != key() for change in changes)


# --- what cannot be used


def test_a_folder_that_is_not_there_is_one_clear_line(tmp_path):
    options = LikelihoodOptions(model=str(tmp_path / "nowhere"))
    assert options.sources() == [tmp_path / "nowhere"]
    with pytest.raises(WeightsError, match=r"nowhere': no such folder; give the folder that holds its config.json$"):
        load(options, "vision-language")


def test_a_hub_id_that_is_not_here_says_how_to_fetch_it(hub):
    options = LikelihoodOptions(model="lab/absent", revision="v2")
    assert options.facts() == {"model": "lab/absent@missing"}
    assert options.sources() == []
    with pytest.raises(WeightsError, match="not on this machine: .* fetch it once with: hf download lab/absent --rev"):
        load(options, "vision-language")


def test_a_folder_without_a_model_says_so(tmp_path):
    with pytest.raises(WeightsError, match=r"holds no config.json, so it is no transformers model"):
        vision_language(tmp_path)


def test_a_clip_is_no_vision_language_model_and_the_other_way_round(clip, llava):
    with pytest.raises(
        ConfigError, match="is of type 'clip', which is no vision-language .*; the labeler 'clip' takes"
    ):
        vision_language(clip)
    with pytest.raises(ConfigError, match="'llava', which is no CLIP or SigLIP; the labelers 'transformers' and"):
        ClipScorer(ClipOptions(model=str(llava)), ABAW_COMPOUND_7)


def test_a_language_model_is_neither(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "llama"}))
    with pytest.raises(
        ConfigError, match="'llama', which is no vision-language .*; choose one whose class is an image"
    ):
        vision_language(tmp_path)
    with pytest.raises(ConfigError, match="'llama', which is no CLIP or SigLIP$"):
        ClipScorer(ClipOptions(model=str(tmp_path)), ABAW_COMPOUND_7)


def test_a_missing_processor_is_named(llava, copied):
    alone = copied(llava, without=["processor_config.json"])
    with pytest.raises(WeightsError, match=r"has no processor of text and images \(Can't load image.*must also hold"):
        vision_language(alone)


def test_a_model_without_a_chat_template_is_refused(llava, copied):
    silent = copied(llava, without=["chat_template.jinja"])
    for build in (lambda: LikelihoodScorer(LikelihoodOptions(model=str(silent)), ABAW_COMPOUND_7),
                  lambda: LocalModel(GenerateOptions(model=str(silent)))):  # fmt: skip
        with pytest.raises(ConfigError, match="has no chat template, so it is no model that answers questions"):
            build()


def test_missing_weights_are_one_clear_line(llava, copied):
    empty = copied(llava, without=["model.safetensors"])
    with pytest.raises(WeightsError, match=r"cannot be loaded: .*model.safetensors") as caught:
        vision_language(empty)
    assert "\n" not in str(caught.value)


def test_weights_that_lack_a_tensor_are_not_filled_with_random_numbers(llava, copied):
    partial = copied(llava)
    tensors = load_file(partial / "model.safetensors")
    removed = next(name for name in tensors if name.endswith("q_proj.weight"))
    del tensors[removed]
    save_file(tensors, partial / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(WeightsError, match=r"lack 1 of its tensors \(first: .*q_proj.weight\); they are of another"):
        vision_language(partial)


def test_weights_of_another_size_are_refused(llava, copied):
    other = copied(llava)
    tensors = load_file(other / "model.safetensors")
    name = next(name for name in tensors if name.endswith("q_proj.weight"))
    tensors[name] = torch.zeros(3, 3)
    save_file(tensors, other / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(WeightsError) as caught:
        vision_language(other)
    assert "\n" not in str(caught.value)


def test_a_package_that_a_processor_needs_is_named(llava, copied, monkeypatch):
    from transformers.models.smolvlm import processing_smolvlm

    monkeypatch.setattr(processing_smolvlm, "num2words", None)  # as on a machine without it
    special = copied(llava)
    video = {"video_processor_type": "SmolVLMVideoProcessor"}
    edit(special / "processor_config.json", processor_class="SmolVLMProcessor", video_processor=video)
    edit(special / "tokenizer_config.json", processor_class="SmolVLMProcessor")
    with pytest.raises(MissingPackage, match="needs a package that is not installed: .*num2words"):
        vision_language(special)


# --- options


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("transformers", {"prompt": "Which of {choices}?"}, "placeholder {choices}; only {options} is known"),
        ("transformers", {"prompt": ["One?", "Which of {options"]}, "is no template: .*; write {{ and }} for braces"),
        ("clip", {"templates": ["a face"]}, "has no {label}: it would say the same of every class"),
        ("clip", {"templates": []}, "templates"),
        ("transformers", {"device": "tpu"}, "device"),
        ("transformers-generate", {"batch": 4}, "batch"),
    ],
)
def test_options_that_make_no_sense_are_refused(name, options, message):
    with pytest.raises(ConfigError, match=message):
        Registry.discover().options("labelers", name, {"model": "lab/tiny", **options})


def test_braces_and_a_lone_prompt_are_taken():
    assert LikelihoodOptions(model="a", prompt="As {{JSON}}?").prompt == ("As {{JSON}}?",)


def test_auto_is_the_gpu_with_bfloat16_if_there_is_one():
    device = device_of("auto")
    assert device.type == ("cuda" if torch.cuda.is_available() else "cpu")
    assert dtype_of("auto", torch.device("cpu")) == torch.float32
    assert dtype_of("float16", device) == torch.float16


@pytest.mark.parametrize("device", ["cuda:99", "mps"])
def test_a_device_that_is_not_there_is_named(llava, device):
    if device == "mps" and torch.backends.mps.is_available():
        pytest.skip("this machine has it")
    with pytest.raises(ConfigError, match=f"device '{device}' is not there"):
        vision_language(llava, device=device)


def test_weights_of_16_bit_give_nearly_the_same_probabilities(llava, faces):
    exact, short = (
        LikelihoodScorer(LikelihoodOptions(model=str(llava), dtype=dtype, normalize="mean"), ABAW_COMPOUND_7)
        for dtype in ("float32", "bfloat16")
    )
    assert short.loaded.model.dtype == torch.bfloat16
    found = short.score(faces).probabilities
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, exact.score(faces).probabilities, atol=0.05)
