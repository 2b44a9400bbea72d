"""Whether a model can still be asked, by what the SDK and the API know of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from anthropic.resources.messages import DEPRECATED_MODELS

from harness.vlm import RequestError, is_loopback
from harness_claude.connection import Connection
from harness_claude.models import version_of
from harness_claude.options import ClaudeOptions

PASSED_AWAY = ("claude-1", "claude-2", "claude-3", "claude-instant")  # not all of them are on the SDK's list


async def check(connection: Connection) -> list[str]:
    """Warnings for the user before the first request; RequestError if the model or the key is not accepted.

    Whatever may pass (no answer, a server without a list of models) is left to the requests themselves.
    """
    options = connection.options
    known: Mapping[str, Any] = {}
    if options.check_model:
        try:
            found = await connection.get(f"/v1/models/{quote(options.model, safe='')}", about_model=True)
            known = found if isinstance(found, Mapping) else {}
        except RequestError as error:
            # Compatible servers often know no models: only an error object that speaks of one is believed.
            no_such_model = error.kind == "unknown_model" and "not_found_error" in str(error)
            if no_such_model or error.kind in ("authentication", "quota"):
                raise
    return [*_lifecycle(options.model, known), *_abilities(options, known), *_address(options)]


def _lifecycle(model: str, known: Mapping[str, Any]) -> list[str]:
    stage, date = known.get("lifecycle"), str(known.get("retires_at") or "")[:10]
    if stage == "retired":
        return [f"model {model} was retired{f' on {date}' if date else ''}: requests will fail; choose another model"]
    if stage == "deprecated":
        return [f"model {model} is deprecated and {f'ends on {date}' if date else 'will end'}; choose another model"]
    if stage == "active":
        return []
    if model in DEPRECATED_MODELS:
        return [f"model {model} is deprecated; its end of life is {DEPRECATED_MODELS[model]}; choose another model"]
    if model.startswith(PASSED_AWAY):
        return [f"model {model} is past its end of life: requests will fail; choose another model"]
    return []


def _abilities(options: ClaudeOptions, known: Mapping[str, Any]) -> list[str]:
    """What the model cannot do that the options ask for, as far as the API says so."""
    abilities = known.get("capabilities")
    abilities = abilities if isinstance(abilities, Mapping) else {}
    wanted = {"image_input": "takes no images"}
    if options.batch:
        wanted["batch"] = "is not offered by the batch API"
    if options.answer == "enum":
        wanted["structured_outputs"] = "does not bind answers to a schema"
    warnings = [
        f"model {options.model} {lacks}"
        for name, lacks in wanted.items()
        if isinstance(abilities.get(name), Mapping) and abilities[name].get("supported") is False
    ]
    version = version_of(options.model)
    if options.thinking == "off" and version and version[1] >= (5, 0) and options.thinking_type() is None:
        warnings.append(f"model {options.model} may think before each reply, at the price of output tokens: thinking "
                        "cannot be turned off for it")  # fmt: skip
    return warnings


def _address(options: ClaudeOptions) -> list[str]:
    if options.base_url.startswith("http://") and not is_loopback(options.base_url):
        return [f"faces and the API key travel unencrypted to {options.base_url}"]
    return []
