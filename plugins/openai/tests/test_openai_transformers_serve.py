"""A real compatible server, `transformers serve`, with a tiny model of random weights: what it says means nothing."""

import asyncio
import io
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from importlib.util import find_spec
from pathlib import Path

import pytest
from harness_openai.labeler import OpenAI
from harness_openai.options import OpenAIOptions

from harness.vlm import Message, Prompt

pytestmark = pytest.mark.slow

BUILD = """
import sys, torch, transformers as hf
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

byte_level = pre_tokenizers.ByteLevel
words = Tokenizer(models.BPE(unk_token="<unk>"))
words.pre_tokenizer, words.decoder = byte_level(add_prefix_space=False), decoders.ByteLevel()
special = ["<unk>", "<s>", "</s>", "<pad>", "<image>"]
words.train_from_iterator(
    ["USER: ASSISTANT: SYSTEM: Which one: 'Happily Surprised' or 'Sadly Angry'?"] * 4,
    trainers.BpeTrainer(vocab_size=500, special_tokens=special, initial_alphabet=byte_level.alphabet()),
)
words = hf.PreTrainedTokenizerFast(
    tokenizer_object=words, unk_token="<unk>", bos_token="<s>", eos_token="</s>", pad_token="<pad>",
    padding_side="left", extra_special_tokens={"image_token": "<image>"},
)
torch.manual_seed(0)
shape = dict(intermediate_size=64, num_hidden_layers=2)
model = hf.LlavaForConditionalGeneration(hf.LlavaConfig(
    vision_config=hf.CLIPVisionConfig(
        hidden_size=32, num_attention_heads=2, image_size=32, patch_size=8, projection_dim=32, **shape),
    text_config=hf.LlamaConfig(
        vocab_size=len(words), hidden_size=48, num_attention_heads=4, num_key_value_heads=2,
        max_position_embeddings=512, bos_token_id=1, eos_token_id=2, pad_token_id=3, **shape),
    image_token_index=words.convert_tokens_to_ids("<image>"), vision_feature_layer=-1,
))
chat = (
    "{% for m in messages %}{{ m['role'].upper() + ': ' }}{% if m['content'] is string %}{{ m['content'] }}{% else %}"
    "{% for c in m['content'] %}{{ '<image>' if c['type'] == 'image' else c['text'] }}{% endfor %}{% endif %}{{ ' ' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ 'ASSISTANT:' }}{% endif %}"
)
processor = hf.LlavaProcessor(
    image_processor=hf.CLIPImageProcessor(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32}),
    tokenizer=words, patch_size=8, vision_feature_select_strategy="default", num_additional_image_tokens=1,
    chat_template=chat,
)
model.save_pretrained(sys.argv[1]); processor.save_pretrained(sys.argv[1])
"""


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """(base URL, model) of a running `transformers serve`."""
    pytest.importorskip("transformers")
    command = shutil.which("transformers", path=str(Path(sys.executable).parent))
    if command is None or not all(find_spec(name) for name in ("fastapi", "uvicorn", "accelerate")):
        pytest.skip("transformers serve is not installed")
    folder = tmp_path_factory.mktemp("served") / "tiny-llava"
    environment = os.environ | {"HF_HUB_OFFLINE": "1"}
    subprocess.run([sys.executable, "-c", BUILD, str(folder)], check=True, env=environment, capture_output=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with (folder.parent / "log.txt").open("wb") as log:
        serve = [command, "serve", str(folder), "--host", "127.0.0.1", "--port", str(port), "--device", "cpu"]
        process = subprocess.Popen(serve, stdout=log, stderr=log, env=environment)
        try:
            wait_until_up(f"http://127.0.0.1:{port}/health", process)
            yield f"http://127.0.0.1:{port}/v1", str(folder)
        finally:
            process.terminate()
            process.wait(timeout=30)


def wait_until_up(url, process, seconds=120):
    for _ in range(seconds * 4):
        assert process.poll() is None, "transformers serve ended by itself"
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            time.sleep(0.25)
    raise AssertionError("transformers serve does not answer")


def face(shade):
    from PIL import Image

    file = io.BytesIO()
    Image.new("RGB", (48, 48), (shade, 90, 120)).save(file, "JPEG")
    return file.getvalue()


@pytest.mark.parametrize("api", ["chat", "responses"])
def test_transformers_serve_answers_through_this_labeler(served, api):
    url, model = served
    prompt = Prompt(
        "Which one: 'Happily Surprised' or 'Sadly Angry'?", system="You are terse.",
        before=(Message("user", "Which one?", face(10)), Message("assistant", "Sadly Angry")),
    )  # fmt: skip
    schema = {"type": "object", "properties": {}, "required": [], "additionalProperties": False}

    async def asked():
        options = OpenAIOptions(model=model, preset="transformers-serve", base_url=url, api=api, max_tokens=8)
        labeler = OpenAI(options.model_copy(update={"sampling_seed": 3 if api == "chat" else None}))
        try:
            await labeler.check()  # this server fails at its list of models where it has no cache
            return await asyncio.gather(*(labeler.reply(face(shade), prompt, schema) for shade in (50, 200)))
        finally:
            await labeler.close()

    for reply in asyncio.run(asked()):
        assert reply.stop_reason in ("end", "length")
        assert reply.usage.input_tokens > 50  # two images of 17 tokens and the texts
        assert 0 < reply.usage.output_tokens <= 8
        assert reply.logprob is None
        assert reply.model.startswith(model)
