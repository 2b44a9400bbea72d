"""Tiny models with random weights, built on the spot: no download, under a second each."""

import shutil

import numpy as np
import pytest

WORDS = (
    "USER: ASSISTANT: SYSTEM: Which of the following expressions is the expression in the image? Answer with one word: "
    "'Fearfully Surprised', 'Happily Surprised', 'Sadly Angry', a photo of a happy face. neutral afraid"
)
PIXELS = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2,
          "image_size": 32, "patch_size": 8}  # fmt: skip
LANGUAGE = {"hidden_size": 48, "intermediate_size": 96, "num_hidden_layers": 2, "num_attention_heads": 4,
            "num_key_value_heads": 2, "max_position_embeddings": 1024}  # fmt: skip
# Roles in capitals and one space before an answer, as LLaVA 1.5 was trained; the end token closes an answer.
CHAT = (
    "{% for m in messages %}{{ m['role'].upper() + ': ' }}{% for c in m['content'] %}{% if c['type'] == 'image' %}"
    "{{ '<image>\n' }}{% else %}{{ c['text'] }}{% endif %}{% endfor %}{% if m['role'] == 'assistant' %}{{ '</s>' }}"
    "{% endif %}{{ '\n' }}{% endfor %}{% if add_generation_prompt %}{{ 'ASSISTANT:' }}{% endif %}"
)


def tokenizer(special, extra, model_max_length=1024):
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    made = Tokenizer(models.BPE(unk_token="<unk>"))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=500, special_tokens=[*special, *extra.values()], initial_alphabet=alphabet)
    made.train_from_iterator([WORDS] * 4, trainer)
    ends = [(token, made.token_to_id(token)) for token in ("<s>", "</s>")]
    if not extra:
        made.post_processor = processors.TemplateProcessing(single="<s> $A </s>", special_tokens=ends)
    return PreTrainedTokenizerFast(
        tokenizer_object=made, unk_token="<unk>", bos_token="<s>", eos_token="</s>", pad_token="<pad>",
        padding_side="right", model_max_length=model_max_length, **({"extra_special_tokens": extra} if extra else {}),
    )  # fmt: skip


def image_processor(kind, side=32):
    import transformers

    return getattr(transformers, kind)(
        size={"shortest_edge": side} if kind.startswith("CLIP") else {"height": side, "width": side},
        **({"crop_size": {"height": side, "width": side}} if kind.startswith("CLIP") else {}),
    )


def ids(words):
    return {"bos_token_id": words.bos_token_id, "eos_token_id": words.eos_token_id, "pad_token_id": words.pad_token_id}


@pytest.fixture(scope="session")
def one_thread():
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def llava(tmp_path_factory, one_thread):
    """The folder of a tiny LLaVA; its tokenizer pads on the right, which the labelers must not mind."""
    import torch
    import transformers as hf

    words = tokenizer(["<unk>", "<s>", "</s>", "<pad>"], {"image_token": "<image>"})
    torch.manual_seed(0)
    model = hf.LlavaForConditionalGeneration(
        hf.LlavaConfig(
            vision_config=hf.CLIPVisionConfig(**PIXELS, projection_dim=32),
            text_config=hf.LlamaConfig(vocab_size=len(words), **LANGUAGE, **ids(words), initializer_range=0.3),
            image_token_index=words.convert_tokens_to_ids("<image>"),
            vision_feature_layer=-1,
        )
    )
    model.generation_config.eos_token_id = words.eos_token_id
    processor = hf.LlavaProcessor(
        image_processor=image_processor("CLIPImageProcessor"), tokenizer=words, patch_size=8,
        vision_feature_select_strategy="default", num_additional_image_tokens=1, chat_template=CHAT,
    )  # fmt: skip
    return saved(tmp_path_factory.mktemp("models") / "tiny-llava", model, processor)


@pytest.fixture(scope="session")
def qwen(tmp_path_factory, one_thread):
    """The folder of a tiny Qwen2.5-VL: its image tokens have a height and a width among their positions."""
    import torch
    import transformers as hf

    special = {"image_token": "<|image_pad|>", "video_token": "<|video_pad|>", "end": "<|im_end|>"}
    words = tokenizer(
        ["<unk>", "<s>", "</s>", "<pad>"], {**special, "from": "<|vision_start|>", "to": "<|vision_end|>"}
    )
    number = words.convert_tokens_to_ids
    rotary = {"rope_type": "default", "rope_theta": 1e4, "mrope_section": [2, 2, 2]}
    pixels = {"depth": 2, "hidden_size": 32, "intermediate_size": 64, "num_heads": 2, "out_hidden_size": 48,
              "patch_size": 8, "window_size": 32, "fullatt_block_indexes": [1]}  # fmt: skip
    torch.manual_seed(4)
    model = hf.Qwen2_5_VLForConditionalGeneration(
        hf.Qwen2_5_VLConfig(
            text_config={"vocab_size": len(words), **LANGUAGE, **ids(words), "initializer_range": 0.3,
                         "rope_parameters": rotary},
            vision_config=pixels, image_token_id=number("<|image_pad|>"), video_token_id=number("<|video_pad|>"),
            vision_start_token_id=number("<|vision_start|>"), vision_end_token_id=number("<|vision_end|>"),
        )
    )  # fmt: skip
    model.generation_config.eos_token_id = [number("<|im_end|>"), words.eos_token_id]
    chat = CHAT.replace("<image>\n", "<|vision_start|><|image_pad|><|vision_end|>").replace("</s>", "<|im_end|>")
    processor = hf.Qwen2_5_VLProcessor(
        image_processor=hf.Qwen2VLImageProcessor(patch_size=8, min_pixels=32 * 32, max_pixels=64 * 64),
        video_processor=hf.Qwen2VLVideoProcessor(patch_size=8), tokenizer=words, chat_template=chat,
    )  # fmt: skip
    return saved(tmp_path_factory.mktemp("models") / "tiny-qwen", model, processor)


@pytest.fixture(scope="session")
def clip(tmp_path_factory, one_thread):
    """The folder of a tiny CLIP; its end token is not 2, a number at which CLIP pools in another way."""
    import torch
    import transformers as hf

    words = tokenizer(["<unk>", "<pad>", "<s>", "</s>"], {}, 32)
    torch.manual_seed(1)
    text = {**{name: PIXELS[name] for name in list(PIXELS)[:4]}, "max_position_embeddings": 32}
    model = hf.CLIPModel(
        hf.CLIPConfig(
            text_config={"vocab_size": len(words), **text, **ids(words)}, vision_config=PIXELS, projection_dim=24
        )
    )
    processor = hf.CLIPProcessor(image_processor=image_processor("CLIPImageProcessor"), tokenizer=words)
    return saved(tmp_path_factory.mktemp("models") / "tiny-clip", model, processor)


@pytest.fixture(scope="session")
def siglip(tmp_path_factory, one_thread):
    """The folder of a tiny SigLIP."""
    import torch
    import transformers as hf

    words = tokenizer(["<unk>", "<pad>", "<s>", "</s>"], {}, 64)
    torch.manual_seed(2)
    text = {**{name: PIXELS[name] for name in list(PIXELS)[:4]}, "max_position_embeddings": 64}
    model = hf.SiglipModel(
        hf.SiglipConfig(text_config={"vocab_size": len(words), **text, **ids(words)}, vision_config=PIXELS)
    )
    torch.nn.init.constant_(model.logit_scale, 2.0)
    torch.nn.init.constant_(model.logit_bias, -1.0)
    processor = hf.SiglipProcessor(image_processor=image_processor("SiglipImageProcessor"), tokenizer=words)
    return saved(tmp_path_factory.mktemp("models") / "tiny-siglip", model, processor)


@pytest.fixture(scope="session")
def align(tmp_path_factory, one_thread):
    """The folder of a tiny ALIGN: it compares texts and images too, but without CLIP's logit scale."""
    import torch
    import transformers as hf

    words = tokenizer(["<unk>", "<pad>", "<s>", "</s>"], {}, 64)
    torch.manual_seed(3)
    text = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 1}
    network = {"width_coefficient": 0.1, "depth_coefficient": 0.1, "hidden_dim": 16, "image_size": 32}
    model = hf.AlignModel(
        hf.AlignConfig(
            text_config={"vocab_size": len(words), **text, "max_position_embeddings": 64}, vision_config=network,
            projection_dim=16,
        )
    )  # fmt: skip
    processor = hf.AlignProcessor(image_processor=image_processor("EfficientNetImageProcessor"), tokenizer=words)
    return saved(tmp_path_factory.mktemp("models") / "tiny-align", model, processor)


def saved(folder, model, processor):
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


@pytest.fixture
def copied(tmp_path):
    """Copies a model's folder without some of its files, to damage it."""

    def copy(folder, without=()):
        target = tmp_path / folder.name
        shutil.copytree(folder, target)
        for name in without:
            (target / name).unlink()
        return target

    return copy


@pytest.fixture(scope="session")
def faces():
    """(4, 40, 40, 3) noise."""
    return np.random.default_rng(0).integers(0, 256, (4, 40, 40, 3), dtype=np.uint8)
