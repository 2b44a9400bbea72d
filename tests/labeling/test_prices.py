import datetime
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import ConfigError
from harness.expressions import RAF_DB_BASIC_7
from harness.labeling.prices import BUILT_IN, Price, Prices, Rates, cost, estimated_usage, read, text_tokens
from harness.labeling.prompts import load_prompt_set
from harness.vlm import Message, Prompt, Usage

PRICES = Prices.load()
tokens = st.integers(0, 10**6)


# --- the file that comes with the harness -------------------------------------------------------------------------


def test_every_provider_says_where_and_when():
    for provider in tomllib.loads(BUILT_IN.read_text()).values():
        assert provider["source"].startswith("https://")
        assert datetime.date(2026, 1, 1) <= provider["date"] <= datetime.date(2026, 11, 22)


def test_prices_are_plausible():
    for model, price in read(BUILT_IN).items():
        rates = price.rates
        assert price.model == model
        assert 0 < rates.cache_read <= rates.input < rates.output < 100
        assert rates.input <= rates.cache_write < 2 * rates.input
        assert price.batch == 0.5
        if price.longer:
            assert price.above >= 100_000
            assert price.longer.input > rates.input
            assert price.longer.output > rates.output


@pytest.mark.parametrize(
    ("model", "rates"),
    [
        ("claude-haiku-4-5", (1, 5, 0.1, 1.25)),
        ("claude-sonnet-4-5", (3, 15, 0.3, 3.75)),
        ("claude-sonnet-4-6", (3, 15, 0.3, 3.75)),
        ("claude-sonnet-5-5", (2, 10, 0.1, 2.5)),
        ("claude-opus-4-5", (5, 25, 0.5, 6.25)),
        ("claude-opus-5-5", (4, 20, 0.2, 5)),
        ("gpt-4o-mini", (0.15, 0.6, 0.075, 0.15)),
        ("gpt-6-luna", (0.1, 0.5, 0.01, 0.125)),
    ],
)
def test_models_cost_what_their_providers_publish(model, rates):
    assert PRICES.of(model).rates == Rates(*rates)


# --- finding a model ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "known"),
    [
        ("claude-haiku-4-5-20251001", "claude-haiku-4-5"),
        ("claude-sonnet-4-5-20250929", "claude-sonnet-4-5"),
        ("gpt-5-nano-2025-08-07", "gpt-5-nano"),
        ("gpt-4o-2024-08-06", "gpt-4o"),
    ],
)
def test_a_dated_id_costs_what_the_model_does(model, known):
    assert PRICES.of(model) == PRICES.of(known) is not None


def test_a_dated_id_with_a_price_of_its_own_has_that():
    assert PRICES.of("gpt-4o-2024-05-13").rates.input == 5
    assert PRICES.of("gpt-4o").rates.input == 2.5


@pytest.mark.parametrize(
    "model",
    [
        "", "claude", "claude-haiku", "claude-haiku-4", "claude-haiku-4-5-fast", "claude-haiku-4-5-2025",
        "claude-haiku-4-5-20251301", "claude-haiku-4-5-20251032", "claude-haiku-4-5-20251001-v1", "gpt-5-2025-8-7",
        "Claude-Haiku-4-5", "-20251001", "gpt-4o-audio", "claude-haiku-4-5-20251001-20251001",
    ],
)  # fmt: skip
def test_nothing_else_is_guessed(model):
    assert PRICES.of(model) is None


# --- the user's file ----------------------------------------------------------------------------------------------


@pytest.fixture
def own(tmp_path):
    """Reads prices from a text."""

    def load(text):
        (tmp_path / "own.toml").write_text(text, encoding="utf-8")
        return Prices.load(tmp_path / "own.toml")

    return load


def test_the_users_prices_go_before_ours(own):
    prices = own(
        '[mine]\nsource = "contract"\ndate = 2026-11-01\n[mine.models]\nclaude-haiku-4-5 = {input=7, output=8}\n'
    )
    price = prices.of("claude-haiku-4-5-20251001")
    assert price == Price("claude-haiku-4-5", "mine", Rates(7, 8, 7, 7), source="contract", date="2026-11-01")
    assert prices.of("claude-opus-5") == PRICES.of("claude-opus-5")


def test_batch_is_the_models_or_else_the_providers(own):
    prices = own(
        "[mine]\nbatch = 0.5\n[mine.models]\na = {input=1, output=2, batch=0.25}\nb = {input=1, output=2}\n"
        "[other.models]\nc = {input=1, output=2}\n"
    )
    assert [prices.of(model).batch for model in "abc"] == [0.25, 0.5, 1.0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[mine", "not valid TOML: "),
        ("mine = 3\n", r"\[mine\]: input should be a valid dictionary"),
        ("[mine]\n", r"\[mine\]: key 'models' is missing"),
        ("[mine.models]\n", r"\[mine\]: key 'models' = {}: dictionary should have at least 1 item"),
        (
            "[mine]\nsorce = ''\n[mine.models]\na = {input=1, output=2}\n",
            "key 'sorce' is not known; did you mean 'source'",
        ),
        (
            "[mine]\nbatch = 2\n[mine.models]\na = {input=1, output=2}\n",
            "key 'batch' = 2: input should be less than or",
        ),
        ("[mine.models]\na = 3\n", r"\[mine\] 'a': input should be a valid dictionary"),
        ("[mine.models]\na = {input=1}\n", r"\[mine\] 'a': key 'output' is missing"),
        ("[mine.models]\na = {input=-1, output=2}\n", "'a': key 'input' = -1: input should be greater than or equal"),
        ("[mine.models]\na = {input=inf, output=2}\n", "'a': key 'input' = inf: input should be a finite number"),
        ("[mine.models]\na = {input=1, ouput=2}\n", "'a': .*key 'ouput' is not known; did you mean 'output'"),
        ("[mine.models]\ngpt-5.4 = {input=1, output=2}\n", r"\[mine\] 'gpt-5': .*key '4' is not known"),
        (
            "[mine.models]\na = {input=1, output=2, longer={input=1, output=2}}\n",
            "'a': key 'longer.above' is missing",
        ),
        (
            "[mine.models]\na = {input=1, output=2}\n[other.models]\na = {input=1, output=2}\n",
            r"\[other\]: model 'a' has a price under \[mine\] already",
        ),
    ],
)
def test_a_file_that_cannot_be_used_is_named_with_the_key(own, tmp_path, text, message):
    with pytest.raises(ConfigError, match=message) as caught:
        own(text)
    assert str(caught.value).startswith(f"prices {tmp_path / 'own.toml'}: ")
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"prices .*none.toml: cannot be read: No such file"):
        Prices.load(tmp_path / "none.toml")


# --- what a request costs -----------------------------------------------------------------------------------------


def test_a_million_tokens_of_each_kind():
    price = Price("m", "p", Rates(1, 10, 0.1, 1.25), batch=0.5)
    assert cost(Usage(10**6), price) == 1
    assert cost(Usage(0, 10**6), price) == 10
    assert cost(Usage(0, 0, 10**6), price) == pytest.approx(0.1)
    assert cost(Usage(0, 0, 0, 10**6), price) == 1.25
    assert cost(Usage(10**6, 10**6, 10**6, 10**6), price, batch=True) == pytest.approx(12.35 / 2)


def test_a_long_prompt_costs_more_on_every_token():
    price = PRICES.of("claude-haiku-5-5")
    assert cost(Usage(60_000, 10, 20_000, 20_000), price) == pytest.approx(0.006 + 5e-6 + 0.0002 + 0.0025)
    assert cost(Usage(60_001, 10, 20_000, 20_000), price) == pytest.approx(0.0300005 + 25e-6 + 0.001 + 0.0125)


@given(tokens, tokens, tokens, tokens, st.sampled_from(sorted(read(BUILT_IN))))
def test_more_tokens_never_cost_less_and_a_batch_never_more(sent, answered, cached, written, model):
    price, usage = PRICES.of(model), Usage(sent, answered, cached, written)
    paid = cost(usage, price)
    assert paid <= cost(Usage(sent + 1, answered, cached, written), price)
    assert paid <= cost(Usage(sent, answered + 1, cached, written), price)
    assert cost(usage, price, batch=True) == pytest.approx(paid / 2)


def test_the_price_of_a_thousand_faces_by_hand():
    # 1000 faces, 300 tokens in and 10 out each: 0.3 M x $1 + 0.01 M x $5
    assert 1000 * cost(Usage(300, 10), PRICES.of("claude-haiku-4-5")) == pytest.approx(0.35)


# --- before asking ------------------------------------------------------------------------------------------------


@given(st.text(), st.text())
def test_tokens_grow_with_the_text(one, other):
    assert text_tokens(one) <= text_tokens(one + other) <= text_tokens(one) + text_tokens(other)
    assert (text_tokens(one) == 0) == (one == "")


def test_english_is_three_characters_a_token_and_chinese_one():
    assert text_tokens("x" * 300) == 100
    assert text_tokens("悲伤的惊讶") == 5


def test_a_request_is_estimated_with_all_its_messages_and_images():
    image = (b"\x89PNG\r\n\x1a\n" + (13).to_bytes(4, "big") + b"IHDR") + bytes([0, 0, 0, 30, 0, 0, 0, 20]) + bytes(9)
    prompt = Prompt(
        "x" * 30,
        "y" * 60,
        (Message("user", "z" * 3, image), Message("assistant", "a")),
        (Message("assistant", "b" * 9),),
    )
    estimate = estimated_usage(prompt, (100, 50), lambda width, height: width * height, reply_tokens=7)
    assert estimate == Usage(10 + 20 + 1 + 1 + 3 + 4 * 8 + 100 * 50 + 30 * 20, 7)


def test_a_schema_is_tokens_too():
    (prompt,) = load_prompt_set("enum").render(RAF_DB_BASIC_7)
    plain, bound = (
        estimated_usage(prompt.prompt(0), (224, 224), lambda *_: 67, reply_tokens=9, schema=schema)
        for schema in (None, prompt.schema())
    )
    assert bound.input_tokens > plain.input_tokens > 67


def test_nobody_knows_what_an_image_costs():
    assert estimated_usage(Prompt("x"), (9, 9), lambda *_: None, reply_tokens=9) is None
