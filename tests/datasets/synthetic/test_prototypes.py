import numpy as np
import pytest

from harness.datasets.synthetic.action_units import UNITS
from harness.datasets.synthetic.prototypes import PROTOTYPES, Prototype
from harness.expressions import ABAW_COMPOUND_7


def test_every_class_of_the_challenge_has_a_prototype() -> None:
    assert set(PROTOTYPES) == set(ABAW_COMPOUND_7.names)


@pytest.mark.parametrize("name", PROTOTYPES)
def test_every_unit_of_a_prototype_can_be_rendered(name: str) -> None:
    assert {*PROTOTYPES[name].always, *PROTOTYPES[name].sometimes} <= set(UNITS)


def test_subjects_use_the_optional_units_as_often_as_published() -> None:
    random = np.random.default_rng(0)
    drawn = [PROTOTYPES["Disgustedly Surprised"].draw(random) for _ in range(4000)]
    for unit, share in {4: 0.45, 9: 0.37, 17: 0.66, 24: 0.33}.items():
        assert np.mean([unit in units for units in drawn]) == pytest.approx(share, abs=0.03)


def test_units_that_define_an_expression_are_never_left_out() -> None:
    random = np.random.default_rng(1)
    assert all({4, 15} <= set(PROTOTYPES["Sadly Angry"].draw(random)) for _ in range(50))


def test_units_are_drawn_in_ascending_order() -> None:
    assert Prototype((25, 1), {4: 1.0}).draw(np.random.default_rng(0)) == (1, 4, 25)
