import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.evaluation.scores import Calibration
from harness.leaderboard import cells


@given(st.text())
def test_names_become_one_printable_line(text):
    found = cells.plain(text)
    assert found.isprintable()
    assert found == cells.plain(found)


@pytest.mark.parametrize(
    ("text", "shown"), [("a\n\tb", "a b"), ("\x1b[31mred", "\ufffd[31mred"), ("a\u202eb", "a\ufffdb")]
)
def test_breaks_terminal_codes_and_turned_writing_are_taken_out(text, shown):
    assert cells.plain(text) == shown


@pytest.mark.parametrize(
    ("p", "text"), [(None, "–"), (1e-9, "<0.001"), (0.0012, "0.001"), (0.049, "0.049"), (0.2345, "0.23"), (1.0, "1.00")]
)
def test_probabilities_keep_the_digits_that_matter(p, text):
    assert cells.probability(p) == text


def test_calibration_is_read_from_its_bins():
    known = Calibration(bins=[(4, 2.0, 3), (0, 0.0, 0), (6, 5.4, 3)], brier=2.5, frames=10)
    assert cells.expected_calibration_error(known) == pytest.approx((1 + 2.4) / 10)
    assert cells.brier(known) == 0.25
    nothing = Calibration(bins=[], brier=0, frames=0)
    assert [of(one) for of in (cells.brier, cells.expected_calibration_error) for one in (None, nothing)] == [None] * 4
