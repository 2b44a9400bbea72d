"""`harness data list`, `harness data show` and `harness data check`."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from harness.cli import main
from harness.cli.data_report import print_about
from harness.components import ComponentSpec, Options
from harness.discovery import Component, Origin


def harness_data(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["data", *(str(one) for one in arguments)])


@pytest.fixture
def faces(tmp_path: Path) -> Path:
    """faces/Happy/0.png ... faces/Sad/2.png, of two sizes."""
    for label, count in (("Happy", 2), ("Sad", 3)):
        for number in range(count):
            path = tmp_path / "faces" / label / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            pixels = np.random.default_rng(number).integers(0, 256, (20 + number, 30, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(path)
    return tmp_path / "faces"


def test_list_shows_the_data_sets_and_nothing_else() -> None:
    result = harness_data("list", "--json")
    assert result.exit_code == 0
    names = {one["name"] for one in json.loads(result.output)["components"]}
    assert {"c-expr-db", "folder", "raf-ce", "raf-db", "synthetic", "videos"} <= names
    assert {one["kind"] for one in json.loads(result.output)["components"]} == {"datasets"}
    assert "raf-db" in harness_data("list").output


@pytest.mark.parametrize("name", ["c-expr-db", "raf-ce", "raf-db"])
def test_show_tells_options_licence_source_and_layout(name: str) -> None:
    output = " ".join(harness_data("show", name).output.split())
    assert "root" in output
    assert "licence" in output
    assert "Where to get it:" in output
    assert "Layout:" in output
    assert "Identities:" in output


def test_a_data_set_whose_packages_are_missing_is_shown_without_its_page(capsys: pytest.CaptureFixture[str]) -> None:
    spec = ComponentSpec("lost", "lost", Options, "no_such_package.lost:Lost")
    print_about(Component("datasets", spec, Origin("lost", "1.0")))
    assert capsys.readouterr().out == ""


def test_show_of_a_name_that_is_not_known() -> None:
    result = harness_data("show", "raf")
    assert result.exit_code == 2
    assert "data set 'raf' is not known; did you mean" in result.output


def test_a_whole_data_set_exits_with_0(faces: Path) -> None:
    result = harness_data("check", "folder", "--root", faces, "--set", "licence=mine")
    assert result.exit_code == 0, result.output
    assert "5 files, headers read" in result.output
    assert "licence: mine" in result.output
    assert "Happy" in result.output
    assert "30 x 20" in result.output
    assert result.output.rstrip().endswith("OK")


def test_something_wrong_exits_with_1(faces: Path) -> None:
    (faces / "Sad" / "1.png").write_bytes(b"")
    result = harness_data("check", "folder", "--root", faces, "--deep")
    assert result.exit_code == 1
    assert "5 files, decoded" in result.output
    assert "wrong  not readable, 1 of 5 files: 1.png (the file is empty (0 bytes))" in result.output
    assert result.output.rstrip().endswith("1 wrong")


def test_a_wrong_root_is_one_line_and_exits_with_1(tmp_path: Path) -> None:
    result = harness_data("check", "raf-db", "--root", tmp_path / "nowhere")
    assert result.exit_code == 1
    (line,) = [line for line in result.output.splitlines() if line.startswith("wrong")]
    assert line.endswith("nowhere: no such folder; root is the folder that holds compound/ and basic/ of RAF-DB")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["raf-db"], "option 'root' is missing"),
        (["raf-db", "--set", "root=x", "--set", "split=dev"], "option 'split' = 'dev'"),
        (["raf-db", "--set", "roof=x"], "option 'roof' is not known; did you mean 'root'?"),
        (["folder", "--set", "root"], "write key=value"),
        (["c-expr-db"], "root (the videos) or frame_list (clips without media) is needed"),
        (["raf"], "data set 'raf' is not known"),
    ],
)
def test_wrong_options_exit_with_2(arguments: list[str], message: str) -> None:
    result = harness_data("check", *arguments)
    assert result.exit_code == 2
    assert message in result.output


def test_json_for_programs(faces: Path) -> None:
    result = harness_data("check", "folder", "--root", faces, "--json")
    assert result.exit_code == 0
    report = json.loads(result.output)
    assert (report["data_set"], report["whole"], report["licence"], report["deep"]) == (
        "folder",
        True,
        "unknown",
        False,
    )
    assert {"part": "", "class": "Sad", "found": 3, "published": None} in report["counts"]
    assert report["problems"] == []


def test_published_counts_stand_beside_the_found_ones(tmp_path: Path, faces: Path) -> None:
    place = tmp_path / "raf/compound"
    (place / "EmoLabel").mkdir(parents=True)
    (place / "EmoLabel/list_patition_label.txt").write_text("train_0001.jpg 4\n")
    (place / "Image").mkdir()
    (faces / "Sad").rename(place / "Image/aligned")
    (place / "Image/aligned/0.png").rename(place / "Image/aligned/train_0001_aligned.jpg")
    result = harness_data("check", "raf-db", "--root", tmp_path / "raf")
    assert result.exit_code == 1
    (row,) = [line.split() for line in result.output.splitlines() if line.startswith("Sadly Angry")]
    assert row == ["Sadly", "Angry", "1", "130", "differs", "0", "33", "differs"]


def test_a_generated_data_set_is_generated_aside_and_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = harness_data("check", "synthetic", "--set", "part=stills", "--set", "stills=7")
    assert result.exit_code == 0, result.output
    assert "faces may leave" in result.output
    assert list(tmp_path.iterdir()) == []


def test_real_lists_if_they_are_at_hand() -> None:
    data = Path(__file__).parents[3] / "shared" / "data"
    if not (data / "livia_annotations").is_dir():
        pytest.skip("the challenge's list and a third party's annotation lie outside the repository")
    result = harness_data(
        "check", "c-expr-db", "--set", f"frame_list={data}/abaw_ce_frames.txt",
        "--set", f"annotations={data}/livia_annotations", "--json",
    )  # fmt: skip
    report = json.loads(result.output)
    assert report["whole"]
    assert report["totals"] == [{"part": "annotated", "found": 23_270, "published": None}]
