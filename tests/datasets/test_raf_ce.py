"""RAF-CE in its published layout."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.datasets.options import RafCeOptions
from harness.datasets.raf_ce import NAMES, RafCe, parse_units
from harness.errors import DataError
from harness.expressions import ABAW_COMPOUND_7
from harness.testing import check_dataset

ROWS = {"0001": (0, "1+4+25", 0), "0002": (8, "null", 1), "0003": (13, "L12+26", 2), "0004": (2, "T4", 0)}
Build = Callable[..., Path]


def load(root: Path, **options: object) -> RafCe:
    return RafCe(RafCeOptions(root=root, **options), root)


def test_splits_and_names(tmp_path: Path, raf_ce: Build) -> None:
    raf_ce(tmp_path, ROWS)
    check_dataset(load(tmp_path))
    chosen = {
        split: load(tmp_path, split=split).annotations()["label"].tolist()
        for split in ("train", "test", "validation", "all")
    }
    assert chosen["train"] == ["Happily Surprised", "Sadly Fearful"]
    assert chosen["test"] == ["Fearfully Disgusted"]
    assert chosen["validation"] == ["Happily Sad"]
    assert len(chosen["all"]) == 4
    assert load(tmp_path).clips()[0].source == tmp_path / "aligned/0001_aligned.jpg"


def test_ids_lead_to_the_official_classes_as_the_method_says() -> None:
    found = {number: ABAW_COMPOUND_7.find(name) for number, name in NAMES.items()}
    official = {number: place for number, place in found.items() if place is not None}
    assert official == {"7": 0, "0": 1, "4": 2, "11": 3, "9": 4, "2": 5, "3": 6}


def test_action_units_of_the_split_with_their_sides(tmp_path: Path, raf_ce: Build) -> None:
    raf_ce(tmp_path, ROWS)
    table = load(tmp_path).action_units()
    assert table.to_dict("list") == {
        "clip": ["0001", "0001", "0001", "0004"],
        "unit": [1, 4, 25, 4],
        "side": ["", "", "", "T"],
    }
    assert load(tmp_path, split="test").action_units().empty


def test_images_may_lie_elsewhere(tmp_path: Path, raf_ce: Build) -> None:
    raf_ce(tmp_path / "lists", ROWS)
    (tmp_path / "photos/RAF-AU/aligned").mkdir(parents=True)
    (tmp_path / "lists/aligned").rename(tmp_path / "photos/RAF-AU/aligned/aligned")
    clips = load(tmp_path / "lists", images_root=tmp_path / "photos").clips()
    assert clips[0].source == tmp_path / "photos/RAF-AU/aligned/aligned/0001_aligned.jpg"
    with pytest.raises(DataError, match=r"lists/aligned: no such folder; is the archive unpacked\?"):
        load(tmp_path / "lists")


def test_the_survey_names_images_without_units_and_units_without_image(tmp_path: Path, raf_ce: Build) -> None:
    raf_ce(tmp_path, ROWS)
    assert load(tmp_path).survey({}).problems == []
    (tmp_path / "RAFCE_AUlabel.txt").write_text("0001.jpg 1\n0002.jpg\n0003.jpg 2\n0009.jpg 4\n")
    assert load(tmp_path).survey({}).problems == [
        "no line in RAFCE_AUlabel.txt: 1 image: 0004",
        "no image of the other lists in RAFCE_AUlabel.txt: 1 image: 0009",
    ]
    (tmp_path / "RAFCE_AUlabel.txt").write_text("0001.jpg 1+x\n")
    assert "1 line not of the form 'image units': line 1 '0001.jpg 1+x'" in load(tmp_path).survey({}).problems[0]


def test_lists_that_disagree(tmp_path: Path, raf_ce: Build) -> None:
    raf_ce(tmp_path, ROWS)
    (tmp_path / "RAFCE_partition.txt").write_text("0001.jpg 0\n0002.jpg 1\n0003.jpg 2\n")
    with pytest.raises(DataError, match=r"no split in RAFCE_partition\.txt: 1 image: 0004\.jpg"):
        load(tmp_path)
    (tmp_path / "RAFCE_partition.txt").write_text("".join(f"000{n}.jpg 0\n" for n in range(1, 7)))
    with pytest.raises(DataError, match=r"no label in RAFCE_emolabel\.txt: 2 images: 0005\.jpg, 0006\.jpg"):
        load(tmp_path)
    (tmp_path / "RAFCE_partition.txt").write_text("0001.jpg 3\n")
    with pytest.raises(DataError, match=r"unknown split of 1 image: 0001\.jpg 3 \(known: 0, 1, 2\)"):
        load(tmp_path)


def test_a_wrong_root(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no such folder; root is the folder of RAFCE_emolabel\.txt"):
        load(tmp_path / "nowhere")
    with pytest.raises(DataError, match=r"RAFCE_emolabel\.txt: no such file"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("text", "units"),
    [
        ("null", ()),
        ("1+4+25", ((1, ""), (4, ""), (25, ""))),
        ("R12", ((12, "R"),)),
        ("12b", ((12, "B"),)),
        ("AU9", ((9, ""),)),
    ],
)
def test_units_are_read(text: str, units: tuple[tuple[int, str], ...]) -> None:
    assert parse_units(text) == units


@pytest.mark.parametrize("text", ["", "+", "1+", "x", "L12R", "1,2", "123"])
def test_what_is_no_unit_is_not_guessed(text: str) -> None:
    assert parse_units(text) is None


@given(st.lists(st.tuples(st.integers(1, 99), st.sampled_from(["", "L", "R", "T", "B"])), min_size=1, max_size=8))
def test_units_survive_writing_and_reading(units: list[tuple[int, str]]) -> None:
    assert parse_units("+".join(f"{side}{unit}" for unit, side in units)) == tuple(units)


@given(st.text(max_size=20))
def test_any_text_is_read_or_refused(text: str) -> None:
    found = parse_units(text)
    assert found is None or all(0 <= unit <= 99 for unit, _ in found)
