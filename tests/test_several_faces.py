"""Two rendered people side by side, from the command line: judged by the larger face, or by the maximum over both."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from harness.cli import main
from harness.datasets.synthetic.clips import plan_clips, render_clip
from harness.datasets.synthetic.options import SyntheticOptions
from harness.datasets.synthetic.scene import Grain
from harness.errors import WeightsError
from harness.expressions import ABAW_COMPOUND_7
from harness.faces.artifact import CROPS, OTHERS, read_crops, read_faces, read_index
from harness.media import write_video
from harness.plugins import Registry
from harness.store import Store

CONFIG = """
name = "pair"
benchmark = "pair"
executor = "inline"
[data.target]
use = "videos"
root = "clips"
[faces]
detector = "retinaface"
align = "box"
size = 96
others = true
[labeling]
labelers = ["fer2013"]
threshold = 0.0
[training]
backbones = [NETWORKS]
image_size = 32
precision = "float32"
device = "cpu"
finetune = { epochs = 1, batch_size = 8, validation = 0 }
[fusion]
aggregator = "mean-probability"
[evaluation]
resamples = 100
"""
FRAMES, EMPTY, SINGLE = 16, range(5, 8), range(12, 16)
STORE = Path(".harness", "store")
NAMES = list(ABAW_COMPOUND_7.names)


def pair() -> list[np.ndarray]:
    """Frames of two people, the right one three quarters as large; some show nobody, the last ones the left one."""
    plans = [
        plan for plan in plan_clips(SyntheticOptions(part="clips", clips=6, seconds=6, seed=3)) if plan.number in (0, 2)
    ]
    people = [itertools.islice(render_clip(plan, Grain(3)), 0, 4 * FRAMES, 4) for plan in plans]
    frames = []
    for number, (left, right) in enumerate(zip(*people, strict=True)):
        small = cv2.resize(right, None, fx=0.75, fy=0.75, interpolation=cv2.INTER_AREA)
        beside = np.full((300, 300, 3), 90, np.uint8)
        if number not in SINGLE:
            beside[: len(small), : small.shape[1]] = small[:, :300]
        frames.append(np.full((300, 700, 3), 90, np.uint8) if number in EMPTY else np.hstack([left, beside]))
    return frames


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the clip and the runs chosen and maximum of a labeler alone."""
    pytest.importorskip("harness_retinaface")
    pytest.importorskip("harness_hsemotion")
    pytest.importorskip("ai_edge_litert")
    home = tmp_path_factory.mktemp("pair")
    (home / "clips").mkdir()
    write_video(home / "clips" / "pair.mp4", pair(), 12, 18)
    (home / "labels.toml").write_text(CONFIG.replace("NETWORKS", ""))
    networks = '{ use = "mobilenet_v2", weights = "none" }, { use = "resnet18", weights = "none" }'
    (home / "networks.toml").write_text(CONFIG.replace("NETWORKS", networks))
    try:
        Registry.discover().build("labelers", "fer2013", {}, label_space=ABAW_COMPOUND_7)
        Registry.discover().build("face_detectors", "retinaface", {})
    except WeightsError as error:
        pytest.skip(str(error))
    for mode in ("chosen", "maximum"):
        harness(home, "run", "labels.toml", "--name", mode, "--set", f"fusion.faces={mode}")
    return home


def harness(home: Path, *arguments: str) -> str:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(home)
        result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    return result.output


def artifact(home: Path, run: str, role: str) -> Path:
    kind = role.partition(":")[0]
    fingerprint = json.loads((home / "runs" / run / "run.json").read_text())["fingerprints"][role]
    return Store(home / STORE).find(kind, fingerprint).folder


def decisions(home: Path, run: str) -> np.ndarray:
    table = pd.read_parquet(artifact(home, run, "fuse") / "decisions.parquet")
    return np.stack(table["probabilities"])


def oracle(faces: Path, chosen: np.ndarray, others: np.ndarray) -> np.ndarray:
    """What every frame of a faces artifact should be judged by, one after another."""
    index, beside = read_index(faces), read_faces(faces, OTHERS)["beside"].to_numpy()
    rows = []
    for face, status in zip(index["face"], index["status"], strict=True):
        seen = [chosen[face], *(others[beside == face] if status == "detected" else [])]
        highest = np.max(seen, axis=0)
        rows.append(highest / highest.sum())
    return np.array(rows)


def test_a_labeler_judges_each_frame_by_the_maximum_over_its_faces(home: Path) -> None:
    faces = artifact(home, "maximum", "faces:target")
    index = read_index(faces)
    assert len(index) == FRAMES
    several = (index["faces_found"] == 2).to_numpy()
    assert several.sum() == FRAMES - len(EMPTY) - len(SINGLE)
    fer = Registry.discover().build("labelers", "fer2013", {}, label_space=ABAW_COMPOUND_7)
    chosen, others = (fer.score(read_crops(faces, table=table)).probabilities for table in (CROPS, OTHERS))
    found = decisions(home, "maximum")
    np.testing.assert_allclose(found, oracle(faces, chosen, others), atol=1e-5)
    before = decisions(home, "chosen")
    np.testing.assert_allclose(before, chosen[index["face"]], atol=1e-5)
    np.testing.assert_array_equal(found[~several], before[~several])
    assert (found.argmax(1) != before.argmax(1))[several].any(), "this pair should make a difference"


def test_labels_of_the_chosen_faces_stay_as_they_are(home: Path) -> None:
    for file in ("labels.csv", "faces.png"):
        assert (home / "runs" / "chosen" / file).read_bytes() == (home / "runs" / "maximum" / file).read_bytes()
    assert artifact(home, "chosen", "label:0") == artifact(home, "maximum", "label:0")


def test_off_all_tables_but_the_one_of_further_faces_are_the_same_to_the_byte(home: Path) -> None:
    harness(home, "run", "labels.toml", "--name", "off", "--set", "faces.others=false")
    for role in ("faces:target", "label:0", "pseudo-label", "fuse"):
        with_them, without = (artifact(home, run, role) for run in ("chosen", "off"))
        names = {path.name for path in without.iterdir()} - {"manifest.json"}
        assert {path.name for path in with_them.iterdir()} - names - {"manifest.json"} <= {OTHERS}
        for name in names:
            assert (with_them / name).read_bytes() == (without / name).read_bytes(), f"{role}: {name}"
    assert not (artifact(home, "off", "faces:target") / OTHERS).exists()


def test_a_new_video_is_judged_as_the_run_judged_its_own(home: Path) -> None:
    harness(home, "annotate", "clips/pair.mp4", "--run", "maximum", "--out", "annotated")
    table = pd.read_csv(home / "annotated" / "frames.csv")
    np.testing.assert_allclose(table[NAMES], decisions(home, "maximum"), atol=1e-4)


def test_a_damaged_table_is_named_and_made_again(home: Path) -> None:
    path = artifact(home, "maximum", "faces:target") / OTHERS
    whole = path.read_bytes()
    path.chmod(0o644)
    path.write_bytes(whole[:-9] + b"x" * 9)
    for stage in ("label", "fuse"):
        for folder in (home / STORE / stage).iterdir():
            folder.rename(folder.with_name(f"{folder.name}.aside"))
    output = harness(home, "run", "labels.toml", "--name", "maximum", "--set", "fusion.faces=maximum")
    assert "others.parquet" in output
    assert (artifact(home, "maximum", "faces:target") / OTHERS).read_bytes() == whole


@pytest.mark.slow
def test_networks_judge_each_frame_by_the_maximum_over_its_faces(home: Path) -> None:
    pytest.importorskip("harness_torchvision")
    pytest.importorskip("torch").set_num_threads(1)  # networks as small as these lose by more
    harness(home, "run", "networks.toml", "--name", "networks", "--set", "fusion.faces=maximum")
    faces = artifact(home, "networks", "faces:target")
    wanted = []
    for name in ("mobilenet_v2", "resnet18"):
        folders = [artifact(home, "networks", f"predict:{name}:{of}") for of in ("fine-tuned", "further faces")]
        wanted.append(oracle(faces, *(np.load(folder / "probabilities.npy") for folder in folders)))
    np.testing.assert_allclose(decisions(home, "networks"), np.mean(wanted, axis=0), atol=1e-5)
    harness(home, "annotate", "clips/pair.mp4", "--run", "networks", "--out", "annotated-by-networks")
    table = pd.read_csv(home / "annotated-by-networks" / "frames.csv")
    np.testing.assert_allclose(table[NAMES], decisions(home, "networks"), atol=1e-3)
