"""A model and its processor, loaded from a folder onto a device; what is wrong with the folder, in one line."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
import transformers
from transformers.models.auto import modeling_auto

from harness.errors import ConfigError, MissingPackage, WeightsError
from harness_transformers.folder import require
from harness_transformers.options import LocalModelOptions

Family = Literal["vision-language", "contrastive"]
AutoConfig: Any = transformers.AutoConfig  # their methods have no types
AutoProcessor: Any = transformers.AutoProcessor
hf_logging: Any = transformers.utils.logging
UNUSABLE = (OSError, ValueError, KeyError, TypeError, RuntimeError, AttributeError)
LOCAL = {"local_files_only": True, "trust_remote_code": False}


@dataclass(frozen=True)
class Loaded:
    """A model in evaluation mode on its device, and its processor; name: without the path of this machine."""

    name: str
    model: Any
    processor: Any

    @property
    def device(self) -> torch.device:
        """Where the model lies, and its inputs must."""
        device: torch.device = self.model.device
        return device


def load(options: LocalModelOptions, family: Family) -> Loaded:
    """The model of these options. WeightsError, MissingPackage or ConfigError if there is none of that family."""
    place = require(options.model, options.revision)
    name = options.model if place.commit else place.folder.resolve().name
    device = device_of(options.device)
    hf_logging.disable_progress_bar()  # the harness has its own
    try:
        config = AutoConfig.from_pretrained(place.folder, **LOCAL)
        _expect_family(options.model, config, family)
        processor = _processor(options.model, place.folder)
        model, report = _auto_class(family).from_pretrained(
            place.folder, dtype=dtype_of(options.dtype, device), use_safetensors=True, output_loading_info=True, **LOCAL
        )
    except ImportError as error:  # some models need a package of their own
        raise MissingPackage(
            f"model {options.model!r} needs a package that is not installed: {_line(error)}"
        ) from error
    except UNUSABLE as error:
        raise WeightsError(f"model {options.model!r} cannot be loaded: {_line(error)}") from error
    _expect_all_weights(options.model, place.folder, report)
    return Loaded(name, model.to(device).eval(), processor)


def device_of(name: str) -> torch.device:
    """The device of an option: auto takes a CUDA GPU if torch sees one; ConfigError if the device is not there."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    device = torch.device(name)
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        count = torch.cuda.device_count()
        raise ConfigError(f"device {name!r} is not there ({count} CUDA devices); use auto or cpu")
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise ConfigError("device 'mps' is not there; use auto or cpu")
    return device


def dtype_of(name: str, device: torch.device) -> torch.dtype:
    """The number format of an option: auto is bfloat16 on a CUDA GPU that computes it, float32 elsewhere."""
    if name == "auto":
        fast = device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
        return torch.bfloat16 if fast else torch.float32
    dtype: torch.dtype = getattr(torch, name)
    return dtype


def _auto_class(family: Family) -> Any:
    if family == "vision-language":
        return transformers.AutoModelForImageTextToText
    return transformers.AutoModelForZeroShotImageClassification


def _expect_family(model: str, config: Any, family: Family) -> None:
    """ConfigError unless a model of this configuration answers (vision-language) or compares (contrastive)."""
    kind = config.model_type
    answers = kind in modeling_auto.MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES and not config.is_encoder_decoder
    compares = kind in modeling_auto.MODEL_FOR_ZERO_SHOT_IMAGE_CLASSIFICATION_MAPPING_NAMES
    if family == "vision-language" and not answers:
        hint = (
            "; the labeler 'clip' takes it" if compares else "; choose one whose class is an image-text-to-text model"
        )
        raise ConfigError(f"model {model!r} is of type {kind!r}, which is no vision-language model that chats{hint}")
    if family == "contrastive" and not compares:
        hint = "; the labelers 'transformers' and 'transformers-generate' take it" if answers else ""
        raise ConfigError(f"model {model!r} is of type {kind!r}, which is no CLIP or SigLIP{hint}")


def _processor(model: str, folder: Path) -> Any:
    """The processor of text and images, with a token to pad with; WeightsError if the folder has none."""
    try:
        processor = AutoProcessor.from_pretrained(folder, **LOCAL)
        tokenizer, _ = processor.tokenizer, processor.image_processor
    except UNUSABLE as error:
        raise WeightsError(
            f"model {model!r} has no processor of text and images ({_line(error)}); its folder must also hold "
            "processor_config.json or preprocessor_config.json, and tokenizer.json"
        ) from error
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    return processor


def _expect_all_weights(model: str, folder: Path, report: Any) -> None:
    """WeightsError if parts of the network were not in the files: transformers fills them with random numbers."""
    wrong = sorted({*_names(report["missing_keys"]), *_names(report["mismatched_keys"])})
    if wrong:
        raise WeightsError(
            f"model {model!r}: the files in {folder} lack {len(wrong)} of its tensors (first: {wrong[0]}); "
            "they are of another model or incomplete"
        )


def _names(keys: Iterable[Any]) -> list[str]:
    return [str(key[0] if isinstance(key, tuple) else key) for key in keys]


def _line(error: BaseException) -> str:
    """The first sentence of an error's text, in one line of bearable length."""
    text = " ".join(str(error).split()) or type(error).__name__
    sentence = re.split(r"(?<=[.!?]) (?=[A-Z])", text)[0]
    return sentence if len(sentence) <= 300 else f"{sentence[:300]}..."


def one_line(error: BaseException) -> str:
    """An error's type and text in one line."""
    return f"{type(error).__name__}: {_line(error)}"


def require_chat(name: str, processor: Any) -> None:
    """ConfigError unless the model comes with a chat template."""
    if not (getattr(processor, "chat_template", None) or getattr(processor.tokenizer, "chat_template", None)):
        raise ConfigError(
            f"model {name!r} has no chat template, so it is no model that answers questions; take another"
        )


def stop_tokens(loaded: Loaded) -> list[int]:
    """Token ids at which the model stops."""
    stops = loaded.model.generation_config.eos_token_id
    if stops is None:
        stops = loaded.processor.tokenizer.eos_token_id
    return [stops] if isinstance(stops, int) else list(stops or ())
