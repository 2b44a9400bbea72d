"""`harness report`: the page of a finished run, and what it says of what is not there any more."""

from __future__ import annotations

import base64
import json
import re
import shutil
import zlib

import pandas as pd
import pytest
from click.testing import CliRunner

from harness.cli import main
from harness.documents import write_atomically

SECTIONS = ("about", "scores", "classes", "confusion", "timelines", "worst", "labels", "training", "stages")


@pytest.fixture
def home(finished, tmp_path, monkeypatch):
    """A copy of the finished runs, to be damaged."""
    for name in ("runs", ".harness"):
        shutil.copytree(finished / name, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def report(home):
    """report("networks", ...): the command's result; without arguments of its own it writes page.html."""

    def run(*arguments):
        return CliRunner().invoke(main, ["report", *map(str, arguments), "--out", "page.html"])

    return run


def page(home):
    return (home / "page.html").read_text(encoding="utf-8")


def data_of(html):
    packed = re.search(r'id="timelines-data">([^<]*)<', html)[1]
    return json.loads(zlib.decompress(base64.b64decode(packed)))


def permit(home, licence="CC0"):
    """The data's licence lets faces leave, in the store's own words."""
    for data in (home / ".harness" / "store" / "data").iterdir():
        allowed = json.dumps({"licence": licence, "faces_may_leave": True})
        write_atomically(data / "summary.json", allowed)
        manifest = json.loads((data / "manifest.json").read_text())
        manifest["files"]["summary.json"]["size"] = len(allowed)
        (data / "manifest.json").write_text(json.dumps(manifest))


def refused(result):
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1), result.output
    return result.stderr


def test_the_page_lies_in_the_runs_folder_and_has_every_section(home):
    result = CliRunner().invoke(main, ["report", "networks"])
    assert result.exit_code == 0, result.output
    assert re.search(r"page +runs/networks/report.html \([0-9]+ kB, no faces\)\n$", result.output)
    html = (home / "runs" / "networks" / "report.html").read_text()
    for name in SECTIONS:
        assert f'<section id="{name}"' in html
    for text in (
        "mobilenet_v2",
        "resnet18",
        "replay",
        "cer-harness-torchvision",
        "validation macro-F1",
        "box over 3 frames",
    ):
        assert text in html
    assert not re.search(r"(src|href|action)=\"(?!data:|#)", html)
    assert " style=" not in html


@pytest.mark.parametrize("name", ["networks", "labels"])
def test_timelines_hold_what_the_run_decided(report, home, name):
    assert report(name).exit_code == 0
    found = data_of(page(home))
    table = pd.read_csv(home / "runs" / name / "predictions.csv", dtype=str, keep_default_na=False)
    names = list(table.columns[8:])
    networks = ["mobilenet_v2", "resnet18"] if name == "networks" else []
    final = [row for row in found["rows"] if row.startswith(("fused", "decision"))]
    assert found["rows"] == ["truth", "labeler", *networks, *final]
    assert found["final"] == final[-1]
    for clip in found["clips"]:
        mine = table[table["clip"] == clip["name"]]
        assert clip["frames"] == len(mine)
        assert clip["knots"][-1] == [len(mine) - 1, pytest.approx(float(mine["time"].iloc[-1]), abs=1e-3)]
        for title, column in zip((final[0], final[-1]), ("unsmoothed", "label"), strict=True):
            codes = re.findall(r"([^0-9])([0-9]*)", clip["runs"][found["rows"].index(title)])
            said = [
                names[ord(one) - 65] if one.isalpha() else "" for one, length in codes for _ in range(int(length or 1))
            ]
            assert said == mine[column].tolist()


def test_a_run_without_networks_says_so(report, home):
    assert report("labels").exit_code == 0
    assert "none: labels alone" in page(home)
    assert "No training: the run has no network" in page(home)


def test_faces_are_on_the_page_where_the_licence_lets_them(report, home):
    assert "no faces" in report("networks").output
    assert "No pictures: the licence of the data (unknown) does not let faces leave the machine." in page(home)
    assert "data:image" not in page(home)
    permit(home)
    assert re.search(r"kB, [0-9]+ faces\)", report("networks").output)
    assert "data:image/jpeg;base64," in page(home)
    report("networks", "--no-thumbnails")
    assert "asked for without pictures" in page(home)
    assert "data:image" not in page(home)


def test_a_licence_that_keeps_faces_here_cannot_be_overruled(report, home):
    message = refused(report("networks", "--thumbnails"))
    assert "--thumbnails: the licence of the data (unknown) does not let faces leave this machine" in message
    assert not (home / "page.html").exists()


def test_without_a_record_the_page_says_that_scores_are_missing(report, home):
    (home / "runs" / "networks" / "record.json").unlink()
    for scores in (home / ".harness" / "store" / "score").iterdir():
        shutil.rmtree(scores)
    result = report("networks")
    assert result.exit_code == 0
    assert "missing     not in the store any more: coverage and predicted classes" in result.output
    assert "There is no record of this run" in page(home)
    assert "No scores" in page(home)
    assert "fine-tune:resnet18" in page(home)  # stages and their times, from the manifests


def test_without_a_record_scores_come_from_the_store(report, home):
    (home / "runs" / "networks" / "record.json").unlink()
    assert report("networks").exit_code == 0
    assert "resnet18 (fine-tuned)" in page(home)


def test_a_run_without_annotations_has_a_page(finished, report, home):
    shutil.copytree(finished / "clips", home / "clips")
    shutil.copy(finished / "labels.csv", home)
    (home / "bare.toml").write_text((finished / "labels.toml").read_text().replace('annotations = "truth.csv"', ""))
    assert CliRunner().invoke(main, ["run", "bare.toml", "--name", "bare"]).exit_code == 0
    result = report("bare")
    assert result.exit_code == 0, result.output
    assert "Nothing was scored: no frame of the target data is annotated" in page(home)
    assert "Without annotations nothing is known to be wrong" in page(home)
    assert "coverage" in page(home)
    assert data_of(page(home))["rows"][0] == "labeler"


def test_a_pruned_store_leaves_gaps_that_are_told(report, home):
    permit(home)
    for kind in ("train", "predict", "label", "faces"):
        shutil.rmtree(home / ".harness" / "store" / kind)
    result = report("networks")
    assert result.exit_code == 0, result.output
    for line in (
        "answers of mobilenet_v2, resnet18", "learning curves of fine-tune:mobilenet_v2, fine-tune:resnet18",
        "votes of replay", "pictures of faces",
    ):  # fmt: skip
        assert f"missing     not in the store any more: {line}" in result.output
        assert line in page(home)
    assert data_of(page(home))["rows"][:2] == ["truth", "labeler"]


def test_no_store_is_made_by_looking_for_one(report, home):
    result = report("networks", "--store", home / "elsewhere")
    assert result.exit_code == 0
    assert "there is no store at" in result.output
    assert str(home) not in page(home)
    assert not (home / "elsewhere").exists()


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("predictions.csv", "clip,frame\n", "predictions.csv cannot be read as a table of a run"),
        ("labels.csv", b"\xff\xfe\x00", "labels.csv cannot be read as a table of a run"),
        ("record.json", "{", "record 'record.json' in 'runs/networks' is not JSON"),
        ("record.json", '{"schema_version": 99}', "schema"),
        ("run.json", "[]", "no finished run"),
    ],
)
def test_a_damaged_file_of_the_run_is_one_line(report, home, file, content, message):
    path = home / "runs" / "networks" / file
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    assert message in refused(report("networks"))


def test_predictions_that_skip_a_frame_or_name_an_unknown_class_are_refused(report, home):
    path = home / "runs" / "networks" / "predictions.csv"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[:3] + lines[4:]))
    assert "does not number the frames of its clips 0, 1, 2, ..., first in line 4" in refused(report("networks"))
    table = pd.read_csv("runs/networks/predictions.csv", dtype=str)
    table.assign(frame=range(len(table)), clip="one", label="Gladly Bored").to_csv(path, index=False)
    assert "label 'Gladly Bored' is not in label space" in refused(report("networks"))


@pytest.mark.parametrize("kind", ["predict", "train", "truth"])
def test_a_damaged_artifact_is_one_line(report, home, kind):
    for folder in (home / ".harness" / "store" / kind).iterdir():
        for file in folder.iterdir():
            if file.name != "manifest.json":
                file.write_bytes(bytes(file.stat().st_size))
    message = refused(report("networks"))
    assert "is damaged (its sha256 is wrong)" in message
    assert "compute it again: harness run runs/networks/experiment.json" in message


def test_an_unknown_run_gets_help(report):
    assert "did you mean 'networks'?" in refused(report("network"))
