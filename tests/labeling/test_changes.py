import io
import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from harness.errors import StoreError
from harness.faces.artifact import CROPS, TableWriter
from harness.labeling.changes import SIDE, changed, dissimilarity, small_crops, small_grey, summary


def noise(seed, low=0, high=256):
    return np.random.default_rng(seed).integers(low, high, (SIDE, SIDE), dtype=np.uint8)


def textbook(one, two):
    """DSSIM window by window, with population variances (Wang et al. 2004, eq. 13)."""
    one, two = one.astype(float), two.astype(float)
    values = []
    for y in range(0, SIDE - 7, 4):
        for x in range(0, SIDE - 7, 4):
            a, b = one[y : y + 8, x : x + 8].ravel(), two[y : y + 8, x : x + 8].ravel()
            covariance = np.cov(a, b, bias=True)
            c1, c2 = 2.55**2, 7.65**2
            top = (2 * a.mean() * b.mean() + c1) * (2 * covariance[0, 1] + c2)
            values.append(top / ((a.mean() ** 2 + b.mean() ** 2 + c1) * (covariance[0, 0] + covariance[1, 1] + c2)))
    return (1 - np.mean(values)) / 2


@given(st.integers(0, 50), st.integers(0, 50), st.sampled_from([2, 40, 256]))
def test_dissimilarity_is_the_textbook_formula(one, two, high):
    a, b = noise(one), noise(two + 100, high=high)
    assert dissimilarity(summary(a), summary(b)) == pytest.approx(textbook(a, b), abs=1e-4)
    assert dissimilarity(summary(b), summary(a)) == dissimilarity(summary(a), summary(b))


@given(st.integers(0, 50))
def test_a_crop_does_not_differ_from_itself_and_most_from_its_negative(seed):
    crop = noise(seed)
    assert dissimilarity(summary(crop), summary(crop)) == pytest.approx(0, abs=1e-5)
    assert 0.9 < dissimilarity(summary(crop), summary(255 - crop)) <= 1


def test_a_little_more_light_is_less_of_a_change_than_another_texture():
    crop = noise(0, high=200)
    brighter = dissimilarity(summary(crop), summary(crop + 20))
    assert brighter < 0.05 < 0.3 < dissimilarity(summary(crop), summary(noise(1, high=200)))


def test_a_face_is_compared_with_the_last_one_taken():
    base, other = noise(0).astype(float), noise(1).astype(float)
    # a slow change: each step is small, the sum is not
    crops = [np.uint8(base + (other - base) * step / 10) for step in range(11)]
    steps = [dissimilarity(summary(a), summary(b)) for a, b in itertools.pairwise(crops)]
    threshold = 2.5 * max(steps)
    taken = list(changed(crops, threshold))
    assert taken[0]
    assert 1 < sum(taken) < 11
    last = 0
    for number in range(1, 11):
        assert taken[number] == (dissimilarity(summary(crops[last]), summary(crops[number])) >= threshold)
        last = number if taken[number] else last


def test_a_threshold_of_zero_takes_every_face_and_equal_faces_are_taken_once():
    assert list(changed([noise(0)] * 3, 0.0)) == [True] * 3
    assert list(changed([noise(0)] * 3, 0.01)) == [True, False, False]
    assert list(changed([], 0.1)) == []


def encoded(form, seed=0, size=100):
    buffer = io.BytesIO()
    colour = np.random.default_rng(seed).integers(0, 256, (4, 4, 3), dtype=np.uint8)
    Image.fromarray(colour).resize((size, size), Image.Resampling.BICUBIC).save(buffer, form)
    return buffer.getvalue()


def test_small_grey_crops_are_alike_whatever_the_encoding():
    crop = small_grey(encoded("PNG"))
    assert (crop.shape, crop.dtype) == ((SIDE, SIDE), np.uint8)
    assert dissimilarity(summary(crop), summary(small_grey(encoded("JPEG")))) < 0.01
    assert small_grey(encoded("PNG", size=16)).shape == (SIDE, SIDE)


@pytest.fixture
def crops_file(tmp_path):
    def write(*images):
        with TableWriter(tmp_path, CROPS) as writer:
            for face, image in enumerate(images):
                row = {"face": face, "clip": "a", "frame": face, "subject": "a", "image": image, "sha256": ""}
                writer.append({name: [value] for name, value in row.items()})
        return tmp_path / CROPS

    return write


def test_crops_are_read_in_the_order_asked_for_across_row_groups(crops_file):
    kinds = [encoded("PNG", seed, 16) for seed in range(3)]
    path = crops_file(*[kinds[face % 3] for face in range(600)])
    wanted = np.array([599, 0, 256, 255, 1])
    found = list(small_crops(path)(wanted))
    assert [crop.tolist() for crop in found] == [small_grey(kinds[face % 3]).tolist() for face in wanted]


def test_a_damaged_image_names_the_face(crops_file):
    path = crops_file(encoded("JPEG"), b"\xff\xd8\xff no more")
    with pytest.raises(StoreError, match="the image of face 1 is damaged; delete the artifact's folder"):
        list(small_crops(path)(np.array([0, 1])))
