"""Bad input, from the command line: one line that names the culprit and exit status 2, or a fallback that is said."""

import av
import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from harness.cli import main
from harness.media import write_video

CONFIG = """
name = "own"
benchmark = "own"
executor = "inline"
[data.target]
use = "videos"
root = "{root}"
[faces]
detector = "whole-frame"
align = "box"
size = 32
[labeling.labelers]
use = "replay"
path = "{labels}"
[evaluation]
resamples = 100
"""
LABELS = "clip,frame,label\n" + "".join(f"good,{frame},{frame % 7}\n" for frame in range(8))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "clips").mkdir()
    (tmp_path / "labels.csv").write_text(LABELS)
    (tmp_path / "own.toml").write_text(CONFIG.format(root=tmp_path / "clips", labels=tmp_path / "labels.csv"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def good_clip(path, frames=8):
    noise = np.random.default_rng(0).integers(0, 255, (frames, 64, 96, 3), np.uint8)
    write_video(path, iter(noise), 8)


def run(*overrides):
    arguments = ["run", "own.toml"]
    for override in overrides:
        arguments += ["--set", override]
    return CliRunner().invoke(main, arguments)


def refused(result, *words):
    assert result.exit_code == 2, result.output
    (line,) = [line for line in result.stderr.splitlines() if line.startswith("error:")]
    for word in words:
        assert word in line
    return line


def test_a_folder_of_clips_without_annotation_gets_predictions_and_no_leaderboard_row(folder):
    good_clip(folder / "clips" / "good.mp4")
    result = run()
    assert result.exit_code == 0, result.output
    assert "no annotation" in result.output
    (written,) = (folder / "runs").iterdir()
    lines = (written / "predictions.csv").read_text().splitlines()
    assert len(lines) == 9
    assert lines[1].startswith("good,0,0.0,0,")
    assert "Fearfully Surprised" in lines[1]
    assert (written / "charts" / "clip-good.png").stat().st_size > 5000
    assert (written / "faces.png").exists()
    assert not (folder / "leaderboards").exists()


def test_no_such_file(folder):
    refused(run(f"data.target.root={folder / 'nowhere.mp4'}"), "data.target", "nowhere.mp4", "no such file or folder")


def test_a_folder_without_a_clip(folder):
    refused(run(), "clips")


def test_a_text_file_that_claims_to_be_a_video(folder):
    (folder / "clips" / "notes.mp4").write_text("not a video at all")
    refused(run(), "notes")


def test_a_video_without_a_frame(folder):
    path = folder / "clips" / "empty.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=8)
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv420p"
        container.start_encoding()
    refused(run(), "empty")


def test_an_unreadable_clip_among_good_ones_is_said_and_left_out(folder):
    good_clip(folder / "clips" / "good.mp4")
    (folder / "clips" / "notes.mp4").write_text("not a video at all")
    result = run()
    assert result.exit_code == 0, result.output
    assert "notes" in result.output


def test_a_1x1_image_beside_a_good_clip_is_no_face_and_is_said(folder):
    good_clip(folder / "clips" / "good.mp4")
    Image.new("RGB", (1, 1)).save(folder / "clips" / "dot.png")
    result = run("faces.detector=retinaface", "faces.align=five-point")
    line = refused(result, "face")  # noise holds no face either
    assert "good" in line
    result = run()
    assert result.exit_code == 0, result.output


def test_an_unknown_key_names_the_nearest(folder):
    refused(run("faces.detectr=haar"), "'faces.detectr' is not known", "did you mean 'detector'")


def test_published_labels_of_other_clips_are_refused_with_their_file(folder):
    good_clip(folder / "clips" / "good.mp4")
    (folder / "labels.csv").write_text("clip,frame,label\nother,0,1\n")
    refused(run(), "labels.csv")


@pytest.mark.slow
def test_one_class_only_in_the_training_labels_is_refused_with_its_name(folder):
    good_clip(folder / "clips" / "good.mp4")
    labels = "".join(f"good,{frame},1\n" for frame in range(8))
    (folder / "labels.csv").write_text("clip,frame,label\n" + labels)
    result = run('training.backbones=["resnet18"]', "training.image_size=32", "training.precision=float32")
    refused(result, "Happily Surprised")


def test_a_corrupt_table_in_the_store_is_said_and_made_again(folder):
    good_clip(folder / "clips" / "good.mp4")
    assert run().exit_code == 0
    (table,) = (folder / ".harness" / "store" / "pseudo-label").glob("*/labels.parquet")
    table.write_bytes(b"PAR1" + bytes(table.stat().st_size - 8) + b"PAR1")
    result = run("fusion.aggregator=median")
    assert result.exit_code == 0, result.output
    assert "damaged" in result.output
    assert "labels.parquet" in result.output


def test_an_empty_pseudo_label_set_says_how_far_the_labels_are_from_the_threshold(folder):
    good_clip(folder / "clips" / "good.mp4")
    (folder / "other.csv").write_text("clip,frame,label\n" + "".join(f"good,{n},{(n + 1) % 7}\n" for n in range(8)))
    labelers = ", ".join(f'{{use = "replay", path = "{name}.csv"}}' for name in ("labels", "other"))
    result = run(f"labeling.labelers=[{labelers}]", "labeling.threshold=0.9")
    refused(result, "no pseudo-label is left", "labeling.threshold 0.9", "highest confidence is 0.500")


def test_clips_that_hold_no_face_at_all_are_named(folder):
    good_clip(folder / "clips" / "good.mp4")
    refused(run("faces.detector=retinaface", "faces.align=five-point"), "face", "good")
