import pytest
from pydantic import ValidationError

from harness.datasets.synthetic.options import SyntheticOptions
from harness.datasets.synthetic.prototypes import PROTOTYPES


def test_all_classes_are_rendered_unless_some_are_named() -> None:
    assert SyntheticOptions().names == tuple(PROTOTYPES)
    assert SyntheticOptions(classes=("Sadly Angry",)).names == ("Sadly Angry",)


def test_an_unknown_class_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(ValidationError, match=r"class 'Sadly Angri' has no prototype; did you mean 'Sadly Angry'\?"):
        SyntheticOptions(classes=("Sadly Angri",))


def test_a_class_named_twice_is_refused() -> None:
    with pytest.raises(ValidationError, match="a class is named twice"):
        SyntheticOptions(classes=("Sadly Angry", "Sadly Angry"))


def test_sizes_in_the_wrong_order_are_refused() -> None:
    with pytest.raises(ValidationError, match="largest_still 100 is below smallest_still 160"):
        SyntheticOptions(largest_still=100)
