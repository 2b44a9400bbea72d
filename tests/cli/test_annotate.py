"""`harness annotate` on small real runs."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from harness.expressions import ABAW_COMPOUND_7
from harness.media import iter_frames, write_video


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    """A video that no run has seen: 30 frames of 64 x 48."""
    frames = np.random.default_rng(9).integers(0, 255, (30, 48, 64, 3), dtype=np.uint8)
    path = tmp_path_factory.mktemp("video") / "new.mp4"
    write_video(path, frames, 12.5)
    return path


@pytest.fixture(scope="module")
def annotated(finished, video, tmp_path_factory):
    """The results of the run with two networks for the video, and what the command said."""
    from click.testing import CliRunner

    from harness.cli import main

    out = tmp_path_factory.mktemp("out") / "results"
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(finished)
        result = CliRunner().invoke(main, ["annotate", str(video), "--run", "networks", "--out", str(out)])
    assert result.exit_code == 0, result.output
    return out, result.output


def test_every_frame_has_a_row_with_a_face_a_label_and_probabilities(annotated):
    table = pd.read_csv(annotated[0] / "frames.csv")
    assert table["frame"].tolist() == list(range(30))
    assert table["time"].to_numpy() == pytest.approx(np.arange(30) / 12.5, abs=1e-4)
    assert (table["status"] == "detected").all()
    assert table[["x0", "y0", "x1", "y1"]].drop_duplicates().to_numpy().tolist() == [[0, 0, 64, 48]]
    assert set(table["label"]) <= set(ABAW_COMPOUND_7.names)
    assert table[list(ABAW_COMPOUND_7.names)].sum(axis=1).to_numpy() == pytest.approx(1, abs=1e-3)


def test_the_video_has_the_frames_and_times_of_the_original_larger_where_it_is_tiny(annotated, video):
    before, after = (list(iter_frames(path)) for path in (video, annotated[0] / "annotated.mp4"))
    assert [frame.time for frame in after] == pytest.approx([frame.time for frame in before], abs=1e-3)
    assert after[0].pixels.shape == (7 * 48, 7 * 64, 3)


def test_there_is_a_chart_and_nothing_else(annotated):
    assert sorted(path.name for path in annotated[0].iterdir()) == ["annotated.mp4", "frames.csv", "probabilities.png"]
    with Image.open(annotated[0] / "probabilities.png") as chart:
        assert chart.size[0] > 800


def test_nothing_is_trained_or_labelled(annotated):
    stages = [line.split()[1].rstrip(":") for line in annotated[1].splitlines() if "/5 " in line]
    assert list(dict.fromkeys(stages)) == ["data", "faces", "predict", "fuse"]


def test_the_summary_says_who_labelled_how_fast_and_that_the_sound_is_gone(annotated):
    text = " ".join(annotated[1].split())
    assert "labelled by mobilenet_v2 + resnet18 of run networks" in text
    assert "for 30 frames" in text
    assert "annotated.mp4 has no sound and is enlarged 7 times" in text


def test_a_second_time_all_stages_come_from_the_store(annotated, at_runs, video, tmp_path):
    result = at_runs("annotate", video, "--run", "networks", "--out", tmp_path / "again")
    assert "nothing to do" in result.output
    first, second = (pd.read_csv(folder / "frames.csv") for folder in (annotated[0], tmp_path / "again"))
    pd.testing.assert_frame_equal(first, second)


def test_a_video_that_the_run_has_seen_gets_the_run_s_own_decisions(at_runs, finished, tmp_path):
    result = at_runs("annotate", "clips/02.mp4", "--run", "networks", "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    decided = pd.read_csv(finished / "runs" / "networks" / "predictions.csv", dtype={"clip": str})
    expected = decided[decided["clip"] == "02"].reset_index(drop=True)
    found = pd.read_csv(tmp_path / "out" / "frames.csv")
    assert found["label"].tolist() == expected["label"].tolist()
    columns = list(ABAW_COMPOUND_7.names)
    assert found[columns].to_numpy() == pytest.approx(expected[columns].to_numpy(), abs=2e-4)


def test_a_run_without_networks_labels_with_its_labeler(at_runs, finished, tmp_path):
    # the labels of clip 02 are in a file, which a replay looks up by the video's name
    result = at_runs("annotate", "clips/02.mp4", "--run", "labels", "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert "labelled by replay of run labels" in " ".join(result.output.split())
    decided = pd.read_csv(finished / "runs" / "labels" / "predictions.csv", dtype={"clip": str})
    found = pd.read_csv(tmp_path / "out" / "frames.csv", keep_default_na=False)
    assert found["label"].tolist() == decided[decided["clip"] == "02"]["label"].tolist()


def test_the_results_go_beside_where_one_stands_by_default(at_runs, finished, tmp_path):
    video = shutil.copy(finished / "clips" / "02.mp4", tmp_path / "my clip.mp4")
    result = at_runs("annotate", video, "--run", "networks")
    assert result.exit_code == 0, result.output
    assert (finished / "my clip-annotated" / "annotated.mp4").is_file()


@pytest.fixture
def other_run(finished, tmp_path):
    """other_run(**changes): a copy of the run without networks, its configuration changed."""

    def make(**changes):
        folder = shutil.copytree(finished / "runs" / "labels", tmp_path / "other")
        path = folder / "experiment.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
        return folder

    return make


def refused(result, text):
    assert (result.exit_code, result.output.count("\n")) == (2, 1), result.output
    assert result.output.startswith("error: ")
    assert text in result.output


def test_a_labeler_that_needs_annotations_is_refused(at_runs, other_run, video, tmp_path):
    run = other_run(labeling={"labelers": ["simulated"]})
    result = at_runs("annotate", video, "--run", run, "--out", tmp_path / "out")
    refused(result, "its labeler 'simulated' makes labels from annotations, which a new video does not have")


def test_that_faces_may_leave_must_be_said_for_the_new_video(at_runs, other_run, video, tmp_path):
    pytest.importorskip("harness_claude")
    labeler = {"use": "claude", "model": "a-model", "base_url": "https://example.invalid"}
    run = other_run(
        labeling={"labelers": [labeler]}, data={"target": {"use": "videos", "root": "clips"}, "allow_remote": True}
    )
    result = at_runs("annotate", video, "--run", run, "--out", tmp_path / "out")
    refused(result, "allow")


def test_a_class_without_a_name_is_refused(at_runs, other_run, video):
    run = other_run(label_space={"name": "mine", "labels": [{"name": "one"}, {"name": " "}]})
    refused(at_runs("annotate", video, "--run", run), "label space 'mine': class 1 has an empty name")


def test_networks_that_are_not_in_the_store_any_more_are_named(at_runs, video, tmp_path):
    result = at_runs("annotate", video, "--run", "networks", "--store", tmp_path / "empty", "--out", tmp_path / "out")
    refused(result, "run 'networks' needs its 'fine-tune:mobilenet_v2', but the store")
    assert "harness run" in result.output


@pytest.mark.parametrize(
    ("name", "content", "text"),
    [
        ("none.mp4", None, "none.mp4: no such file or folder"),
        ("empty.mp4", b"", "empty.mp4: the file is empty"),
        ("text.mp4", b"this is no video", "text.mp4: not a video or image that can be read"),
        ("face.png", b"\x89PNG", "face.png: not a video but an image; harness label takes it"),
        (".", None, "not a video but a folder; harness label takes it"),
    ],
)
def test_what_is_no_video_is_refused_in_one_line(at_runs, tmp_path, name, content, text):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    refused(at_runs("annotate", tmp_path / name, "--run", "networks", "--out", tmp_path / "out"), text)


def test_results_never_take_the_video_s_own_place(at_runs, video, tmp_path):
    mine = shutil.copy(video, tmp_path / "annotated.mp4")
    refused(
        at_runs("annotate", mine, "--run", "networks", "--out", tmp_path), "annotated.mp4 there is the video itself"
    )


def test_a_folder_that_cannot_be_made_is_told_before_the_work(at_runs, video, tmp_path):
    (tmp_path / "file").write_text("")
    refused(at_runs("annotate", video, "--run", "networks", "--out", tmp_path / "file" / "out"), "cannot be written")


def test_without_matplotlib_there_is_a_note_instead_of_a_chart(at_runs, video, tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "matplotlib", None)
    result = at_runs("annotate", video, "--run", "networks", "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert "no chart: charts need the package matplotlib" in result.output
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["annotated.mp4", "frames.csv"]
