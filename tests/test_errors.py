"""The exception tree and the two ends of messages."""

from __future__ import annotations

import inspect

import pytest

from harness import errors
from harness.errors import HarnessError, listed, nearest, one_line

CLASSES = [value for value in vars(errors).values() if inspect.isclass(value) and issubclass(value, HarnessError)]


@pytest.mark.parametrize("error", CLASSES, ids=lambda one: one.__name__)
def test_every_error_is_a_harness_error_and_drawn_in_the_tree(error: type[HarnessError]) -> None:
    assert error.__doc__
    assert error.__name__ in (errors.__doc__ or "")


def test_the_nearest_name_is_suggested_with_all_choices_sorted() -> None:
    text = nearest("retnia", ["whole-frame", "retinaface", "haar"])
    assert text == "; did you mean 'retinaface'? (known: haar, retinaface, whole-frame)"


def test_a_name_like_no_other_gets_the_choices_alone() -> None:
    assert nearest("xyz", ["haar"]) == " (known: haar)"


def test_without_choices_there_is_nothing_to_suggest() -> None:
    assert nearest("haar", []) == " (known: none)"


def test_culprits_are_listed_up_to_a_limit() -> None:
    assert listed(range(3)) == "0, 1, 2"
    assert listed(range(12), most=2) == "0, 1 and 10 more"
    assert listed([]) == ""


@pytest.mark.parametrize(
    ("text", "shown"), [("a\n\tb", "a b"), ("\x1b[31mred", "\ufffd[31mred"), ("a\u202eb", "a\ufffdb"), ("ä 中", "ä 中")]
)
def test_breaks_terminal_codes_and_turned_writing_are_taken_out(text: str, shown: str) -> None:
    assert one_line(text) == shown
