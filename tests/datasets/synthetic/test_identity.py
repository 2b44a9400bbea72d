import numpy as np

from harness.datasets.synthetic.action_units import UNITS
from harness.datasets.synthetic.geometry import INDEX, REST
from harness.datasets.synthetic.identity import Identity, draw_identity

PEOPLE = [draw_identity(np.random.default_rng(seed)) for seed in range(200)]


def test_the_same_seed_gives_the_same_person() -> None:
    first, second = (draw_identity(np.random.default_rng(7)) for _ in range(2))
    np.testing.assert_array_equal(first.shape, second.shape)
    assert (first.skin, first.style, first.habits) == (second.skin, second.style, second.habits)


def test_people_differ_in_skin_hair_beard_and_glasses() -> None:
    def kinds(of: str) -> set[object]:
        return {getattr(who, of) for who in PEOPLE}

    assert kinds("style") == {"none", "short", "side", "long", "bob", "afro", "bun"}
    assert kinds("glasses") == {"none", "round", "square"}
    brightness = [sum(who.skin) for who in PEOPLE]
    assert max(brightness) > 3 * min(brightness)
    assert 0.1 < np.mean([who.beard > 0 for who in PEOPLE]) < 0.3


def test_people_differ_in_proportions_but_stay_human() -> None:
    eyes = np.array([who.shape[INDEX["irisR"], 0] - who.shape[INDEX["irisL"], 0] for who in PEOPLE])
    average = REST[INDEX["irisR"], 0] - REST[INDEX["irisL"], 0]
    assert 0.02 < eyes.std() < 0.1
    assert (abs(eyes / average - 1) < 0.2).all()


def test_colours_stay_within_the_range_of_images() -> None:
    def colours(who: Identity) -> list[float]:
        return [*who.skin, *who.hair, *who.brow, *who.lips, *who.clothes, *who.glasses_colour, *who.iris]

    assert all(0 <= value <= 255 for who in PEOPLE for value in colours(who))


def test_a_person_has_a_habit_for_every_class_and_a_strength_for_every_unit() -> None:
    for who in PEOPLE[:5]:
        assert set(who.strengths) >= set(UNITS)
        assert all(units for units in who.habits.values())
