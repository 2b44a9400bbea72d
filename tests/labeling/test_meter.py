import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.labeling.meter import Meter, dollars
from harness.vlm import Usage


def test_tokens_and_money_add_up():
    meter = Meter()
    meter.count(Usage(1, 2, 3, 4), "a", 0.5, cached=False)
    meter.count(Usage(10, 20, 30, 40), "b", 0.25, cached=True)
    assert (meter.input_tokens, meter.output_tokens, meter.cache_read_tokens, meter.cache_write_tokens) == (
        11, 22, 33, 44,
    )  # fmt: skip
    assert (meter.cost, meter.requests, meter.cached) == (0.75, 1, 1)
    assert meter.models == {"a": 1, "b": 1}


def test_one_reply_of_unknown_price_makes_the_cost_unknown_for_good():
    meter = Meter()
    meter.count(Usage(), "a", None, cached=False)
    meter.count(Usage(), "a", 1.0, cached=False)
    assert meter.cost is None
    assert "cost unknown" in meter.line()


def test_the_line_says_what_there_is_to_say():
    meter = Meter(total=100)
    assert meter.line() == ""
    meter.began -= 2
    meter.cached, meter.in_flight, meter.requests, meter.cost = 40, 3, 20, 1.234
    meter.outcomes.update(
        {"label": 50, "refused_text": 2, "refused_provider": 1, "abstain": 4, "unparsed": 1, "truncated": 1, "error": 6}
    )
    assert meter.line() == (
        "40 cached, 3 in flight, 3 refused, 4 abstained, 2 unparsed, 6 failed, 10 requests/s, $1.23"
    )


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (None, "cost unknown"), (0, "$0.00"), (1, "$1.00"), (12345.678, "$12,345.68"), (0.12345, "$0.12"),
        (0.000123, "$0.00012"), (0.00009, "under $0.0001"), (0.999, "$1"),
    ],
)  # fmt: skip
def test_money_is_written_for_people(amount, text):
    assert dollars(amount) == text


@given(st.floats(0, 1e9))
def test_money_is_never_written_with_an_exponent(amount):
    assert "e" not in dollars(amount).removeprefix("under ")
