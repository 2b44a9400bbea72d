"""What replies cost: prices by model from prices.toml and the user's own file, and tokens estimated beforehand.

Only tokens cost here. That a model on this machine costs nothing (`destination()` is None, or a loopback address) is
for the caller to decide: a model id alone does not tell where the model runs.
"""

from __future__ import annotations

import datetime
import json
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from harness.errors import ConfigError
from harness.labeling.images import size_of
from harness.validation import explain
from harness.vlm import Prompt, Usage

T = TypeVar("T", bound=BaseModel)

BUILT_IN = Path(__file__).parent / "prices.toml"
BYTES_A_TOKEN = 3
TOKENS_A_MESSAGE = 8  # roles and marks around a message, about

# The dates that providers put behind a model id: -20251001 (Anthropic), -2025-08-07 (OpenAI).
_DATED = re.compile(r"-20\d\d(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])$|-20\d\d-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$")


@dataclass(frozen=True)
class Rates:
    """US dollars per million tokens, of one kind each."""

    input: float
    output: float
    cache_read: float
    cache_write: float


@dataclass(frozen=True)
class Price:
    """What a model costs. batch: factor of its batch API; above: tokens of a prompt from which on a whole request
    costs `longer`, if there is such a limit; source, date: where the price stands, and when it was known to (ISO)."""

    model: str
    provider: str
    rates: Rates
    batch: float = 1.0
    above: int | None = None
    longer: Rates | None = None
    source: str = ""
    date: str = ""


def cost(usage: Usage, price: Price, *, batch: bool = False) -> float:
    """US dollars for the tokens of one request: some models cost more by the token when a prompt is long, so costs
    are to be added up, not tokens. batch: asked through the batch API."""
    prompt = usage.input_tokens + usage.cache_read_tokens + usage.cache_write_tokens
    long = price.longer is not None and price.above is not None and prompt > price.above
    rates = price.longer if long and price.longer is not None else price.rates
    millionths = (
        usage.input_tokens * rates.input
        + usage.output_tokens * rates.output
        + usage.cache_read_tokens * rates.cache_read
        + usage.cache_write_tokens * rates.cache_write
    )
    return millionths / 1e6 * (price.batch if batch else 1.0)


class Prices:
    """Prices by model id."""

    def __init__(self, *tables: Mapping[str, Price]) -> None:
        """tables: the one that goes first, first."""
        self._tables = tables

    @classmethod
    def load(cls, path: Path | None = None) -> Prices:
        """The built-in prices, behind those of a user's file if one is named; ConfigError if it cannot be used."""
        return cls(*(read(one) for one in (path, BUILT_IN) if one is not None))

    def of(self, model: str) -> Price | None:
        """The price of a model id as it stands in a file, or of the id without the date at its end; None if unknown.

        Nothing else is guessed: the price of "claude-haiku-4-5" is that of "claude-haiku-4-5-20251001", never that of
        "claude-haiku-4-5-fast". An entry for the dated id itself goes first; the user's file goes before ours.
        """
        undated = _DATED.sub("", model)
        return next((table[name] for table in self._tables for name in (model, undated) if name in table), None)


# --- the file -----------------------------------------------------------------------------------------------------


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class _Rates(_Table):
    input: float = Field(ge=0)
    output: float = Field(ge=0)
    cache_read: float | None = Field(None, ge=0)
    cache_write: float | None = Field(None, ge=0)

    def rates(self) -> Rates:
        """A cache without a price of its own costs what input does: never too little, where caches are cheaper."""
        reading = self.input if self.cache_read is None else self.cache_read
        return Rates(self.input, self.output, reading, self.input if self.cache_write is None else self.cache_write)


class _Longer(_Rates):
    above: int = Field(gt=0)


class _Model(_Rates):
    batch: float | None = Field(None, gt=0, le=1)
    longer: _Longer | None = None


class _Provider(_Table):
    source: str = ""
    date: datetime.date | None = None
    batch: float = Field(1.0, gt=0, le=1)
    models: dict[str, Any] = Field(min_length=1)


def read(path: Path) -> dict[str, Price]:
    """The prices of one file by model id; ConfigError, one line with the file and the key, if it cannot be used."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"prices {path}: cannot be read: {error.strerror or error}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"prices {path}: not valid TOML: {error}") from error
    prices: dict[str, Price] = {}
    for name, table in data.items():
        where = f"prices {path}: [{name}]"
        provider = _checked(_Provider, table, where)
        for model, entry in provider.models.items():
            if model in prices:
                raise ConfigError(f"{where}: model {model!r} has a price under [{prices[model].provider}] already")
            prices[model] = _price(name, provider, model, _checked(_Model, entry, f"{where} {model!r}"))
    return prices


def _checked(kind: type[T], table: object, where: str) -> T:
    try:
        return kind.model_validate(table)
    except ValidationError as error:
        raise ConfigError(f"{where}: {explain(error, kind)}") from error


def _price(name: str, provider: _Provider, model: str, entry: _Model) -> Price:
    return Price(
        model=model,
        provider=name,
        rates=entry.rates(),
        batch=provider.batch if entry.batch is None else entry.batch,
        above=entry.longer.above if entry.longer else None,
        longer=entry.longer.rates() if entry.longer else None,
        source=provider.source,
        date=provider.date.isoformat() if provider.date else "",
    )


# --- before asking ------------------------------------------------------------------------------------------------


def text_tokens(text: str) -> int:
    """Tokens of a text, by a rule of thumb: one for each three bytes of its UTF-8 form, rounded up.

    English runs at three to four and a half characters a token, depending on the model; other scripts have more bytes
    a character, and more tokens too. So this is rather too many than too few.
    """
    return -(-len(text.encode("utf-8", "surrogatepass")) // BYTES_A_TOKEN)


def estimated_usage(
    prompt: Prompt,
    size: tuple[int, int],
    image_tokens: Callable[[int, int], int | None],
    *,
    reply_tokens: int,
    schema: Mapping[str, Any] | None = None,
) -> Usage | None:
    """Tokens of one request, estimated before asking, as if nothing were read from a prompt cache.

    size: width and height of the face as sent; image_tokens(width, height): what an image costs, the labeler's
    options know; reply_tokens: what a reply will have. None if nobody knows what an image costs.
    """
    tokens = text_tokens(prompt.system) + (text_tokens(json.dumps(schema)) if schema else 0)
    for message in prompt.messages(b""):
        tokens += text_tokens(message.text) + TOKENS_A_MESSAGE
        if message.image is not None:
            image = image_tokens(*(size_of(message.image) if message.image else size))
            if image is None:
                return None
            tokens += image
    return Usage(tokens, reply_tokens)
