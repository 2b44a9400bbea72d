import numpy as np
import pytest

from harness.datasets.synthetic.geometry import Pose
from harness.datasets.synthetic.identity import draw_identity
from harness.datasets.synthetic.relief import Light
from harness.datasets.synthetic.scene import Camera, Grain, Person, add_person, background
from harness.datasets.synthetic.strokes import Image

PLAIN = np.full((120, 120, 3), 128, np.uint8)


def portrait(centre: tuple[float, float] = (60, 70), units: dict[int, float] | None = None, light: float = 0) -> Image:
    who = draw_identity(np.random.default_rng(4))
    return add_person(PLAIN, Person(who, units or {}, Pose(), centre, 28), Light(light, -0.5, 1.0))


def test_a_person_covers_the_background_and_leaves_the_rest() -> None:
    image = portrait()
    assert abs(image[60:80, 50:70].astype(int) - 128).max() > 20
    np.testing.assert_array_equal(image[:20, :10], PLAIN[:20, :10])
    assert (PLAIN == 128).all()


@pytest.mark.parametrize("centre", [(-300, 60), (60, 500), (0, 0), (119, 119), (60, -40)])
def test_a_face_may_lie_partly_or_wholly_outside(centre: tuple[float, float]) -> None:
    assert portrait(centre).shape == PLAIN.shape


@pytest.mark.parametrize("unit", [1, 2, 4, 5, 6, 7, 9, 10, 11, 12, 15, 17, 20, 23, 24, 25, 26])
def test_every_unit_is_visible(unit: int) -> None:
    change = abs(portrait(units={unit: 1.0}).astype(int) - portrait().astype(int))
    assert change.max() > 15


def test_the_side_towards_the_light_is_brighter() -> None:
    left, right = (portrait(light=side).astype(float).mean(2) for side in (-1, 1))
    assert (left - right)[60:90, 40:52].mean() > 5
    assert (right - left)[60:90, 68:80].mean() > 5


@pytest.mark.parametrize("kind", ["studio", "room"])
def test_backgrounds_have_the_size_asked_for(kind: str) -> None:
    image = background(90, 60, np.random.default_rng(0), kind)  # type: ignore[arg-type]
    assert image.shape == (60, 90, 3)
    assert image.dtype == np.uint8


def test_noise_has_the_strength_asked_for() -> None:
    noisy = Grain(0).add(np.full((200, 200, 3), 128, np.uint8), 6.0, np.random.default_rng(0))
    assert noisy.astype(float).std() == pytest.approx(6, rel=0.05)


def test_noise_reaches_images_larger_than_its_store() -> None:
    noisy = Grain(0, side=32).add(np.full((50, 90, 3), 128, np.uint8), 6.0, np.random.default_rng(0))
    assert noisy[-8:, -8:].std() > 3


def test_a_camera_without_faults_changes_nothing() -> None:
    camera = Camera(blur=0, noise=0, gain=(1, 1, 1), gamma=1)
    scene = background(64, 64, np.random.default_rng(0), "room")
    np.testing.assert_array_equal(camera.expose(scene, Grain(0), np.random.default_rng(0)), scene)


def test_gamma_above_one_darkens_the_middle_and_gain_scales_channels() -> None:
    table = Camera(blur=0, noise=0, gain=(1, 0.5, 1), gamma=2).table()[0]
    assert table[128, 0] < 70
    assert table[255].tolist() == [255, 127, 255]
