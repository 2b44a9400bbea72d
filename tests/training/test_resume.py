"""A training that is cut off and goes on ends with the same weights, bit for bit."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from harness.store import UNFINISHED
from harness.training import resume, stage
from harness.training.arithmetic import Arithmetic
from harness.training.data import TrainingSet
from harness.training.loop import fit
from harness.training.network import make_classifier
from harness.training.options import FineTuning, HeadOptions
from harness.training.resume import Progress, Unfinished

LABELS = [0, 1, 2, 0, 1, 2] * 4
TEACHER = {"mean_teacher": {"decay": 0.9, "weight": 1.0}}


class CutOff(Exception):
    """Stands for kill -9: nothing is tidied up."""


def train(registry, path, cut_off_after=None, channels_last=True, **recipe):
    """One training of 4 epochs, written down after each; cut off in the middle of the epoch after `cut_off_after`."""
    torch.manual_seed(0)
    network = make_classifier(registry.build("backbones", "tiny", {}), HeadOptions(width=8, dropout=0.3), 3)
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (40, 16, 16, 3), generator=generator).to(torch.uint8)
    rows = torch.arange(40)
    data = TrainingSet(images, rows % 3, rows[:24], rows[24:32], rows[32:])
    unfinished = Unfinished(path)
    unfinished.due = lambda: True

    def progress(done, total):
        if cut_off_after is not None and done == cut_off_after * total // 4 + 2:
            raise CutOff

    settings = {"epochs": 4, "batch_size": 8, "learning_rate": 0.02, "patience": None, "schedule": "cosine"} | recipe
    arithmetic = Arithmetic(torch.device("cpu"), bfloat16=False, channels_last=channels_last)
    return fit(
        network, nn.CrossEntropyLoss(), data, FineTuning.model_validate(settings), arithmetic,
        seed=0, keep_start=True, progress=progress, unfinished=unfinished, earlier=unfinished.read(),
    )  # fmt: skip


@pytest.mark.parametrize("cut_off_after", [1, 2, 3])
@pytest.mark.parametrize(
    "recipe",
    [
        {},
        {"optimizer": "sgd"},
        {"checkpoint": "last"},
        {"sampling": "balanced"},
        {"micro_batch": 3},
        TEACHER,
        {"learning_rate": 3.0},  # the best epoch lies behind
    ],
    ids=["adam", "sgd", "last", "balanced", "micro", "teacher", "best behind"],
)
def test_a_training_that_was_cut_off_ends_as_one_that_was_not(registry, tmp_path, recipe, cut_off_after):
    whole = train(registry, None, **recipe)
    with pytest.raises(CutOff):
        train(registry, tmp_path / "unfinished", cut_off_after, **recipe)
    again = train(registry, tmp_path / "unfinished", **recipe)
    assert all(torch.equal(whole.state[key], again.state[key]) for key in whole.state)
    assert (whole.kept_epoch, whole.validation_macro_f1) == (again.kept_epoch, again.validation_macro_f1)
    assert [row["train_loss"] for row in whole.history[1:]] == [row["train_loss"] for row in again.history[1:]]


@pytest.mark.parametrize("channels_last", [True, False])
def test_moments_come_back_in_the_memory_format_that_fused_optimizers_walk_through(registry, tmp_path, channels_last):
    with pytest.raises(CutOff):
        train(registry, tmp_path / "unfinished", 2, channels_last)
    again, whole = (
        train(registry, tmp_path / "unfinished", None, channels_last),
        train(registry, None, None, channels_last),
    )
    assert torch.equal(whole.state["backbone.layers.0.weight"], again.state["backbone.layers.0.weight"])


def test_patience_that_ran_out_before_the_cut_is_still_out(registry, tmp_path):
    recipe = {"patience": 1, "learning_rate": 1e-12, "augmentation": {"flip": 0}, "epochs": 4}
    whole = train(registry, tmp_path / "unfinished", **recipe)
    again = train(registry, tmp_path / "unfinished", **recipe)
    assert len(whole.history) == len(again.history) < 5


def test_what_was_written_is_read_again(tmp_path):
    unfinished = Unfinished(tmp_path / "new" / "file")
    assert unfinished.read() is None
    unfinished.write(Progress({"a/b": torch.arange(3), "c/d/e": torch.ones(2)}, {"epoch": 4, "score": [-1.0, -1e400]}))
    found = unfinished.read()
    assert found.part("a")["b"].tolist() == [0, 1, 2]
    assert list(found.part("c")) == ["d/e"]
    assert found.facts == {"epoch": 4, "score": [-1.0, -1e400]}
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["file"]
    unfinished.remove()
    unfinished.remove()
    assert unfinished.read() is None


def test_what_cannot_be_read_counts_as_nothing(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"half of it")
    assert Unfinished(path).read() is None
    save_file({"a": torch.zeros(1)}, path)
    assert Unfinished(path).read() is None
    save_file({"a": torch.zeros(1)}, path, metadata={"format": resume.FORMAT, "facts": "{"})
    assert Unfinished(path).read() is None


def test_a_disk_that_refuses_costs_the_safety_and_not_the_training(tmp_path):
    (tmp_path / "file").write_text("in the way")
    unfinished = Unfinished(tmp_path / "file" / "below")
    unfinished.write(Progress({"a": torch.zeros(1)}, {}))
    assert unfinished.read() is None


def test_short_trainings_are_not_written_and_long_ones_seldom(tmp_path, monkeypatch):
    now = [100.0]
    monkeypatch.setattr(resume.time, "monotonic", lambda: now[0])
    unfinished = Unfinished(tmp_path / "file")
    assert not unfinished.due()
    now[0] += 11
    assert unfinished.due()
    unfinished._took, unfinished._last = 3.0, now[0]  # as if writing had taken 3 s
    now[0] += 59
    assert not unfinished.due()
    now[0] += 2
    assert unfinished.due()
    assert not Unfinished(None).due()
    now[0] += 1000
    assert not Unfinished(None).due()


# --- a real process, really killed ----------------------------------------------------------------------------------

WORKER = """
import sys, time
from pathlib import Path
import torch
from harness.store import UNFINISHED
from harness.training import resume, stage
from harness.stage import StageContext
sys.path.insert(0, sys.argv[1])
import conftest
torch.set_num_threads(1)
resume.SECONDS, resume.SHARE = 0.0, 1.0
stage.fastest = lambda network, choices, *rest, **more: (choices[0], {})  # a probe may choose otherwise each time
def progress(text, done, total):
    print(text, done, total, flush=True)
    if text == "training":
        time.sleep(float(sys.argv[5]))
faces, labels, caches, folder = map(Path, sys.argv[2:5] + sys.argv[6:7])
folder.mkdir()
recipe = {"epochs": 6, "patience": None}
context = StageContext(folder, conftest.parameters(recipe=recipe, head={"width": 8, "dropout": 0.3}),
    {"faces": faces, "labels": labels}, conftest.registry.__wrapped__(), progress, caches=caches)
stage.run(context)
"""


def start(made, truth, caches, folder, pause=0.0):
    command = [sys.executable, "-c", WORKER, str(Path(__file__).parent), str(made.faces), str(truth), str(caches)]
    return subprocess.Popen([*command, str(pause), str(folder)], stdout=subprocess.PIPE, text=True)


def kept(caches):
    return sorted((caches / UNFINISHED).glob("*")) if (caches / UNFINISHED).is_dir() else []


def test_a_process_that_is_killed_in_the_middle_goes_on_and_ends_with_the_same_weights(
    artifacts, run_stage, tmp_path, monkeypatch
):
    made = artifacts(LABELS)
    truth = made.truth()
    recipe, inputs = {"epochs": 6, "patience": None}, {"faces": made.faces, "labels": truth}
    monkeypatch.setattr(stage, "fastest", lambda _network, choices, *_rest, **_more: (choices[0], {}))
    run_stage(stage.run, "whole", inputs, recipe=recipe, head={"width": 8, "dropout": 0.3})

    killed = start(made, truth, tmp_path / "caches", tmp_path / "cut", pause=0.05)
    for line in killed.stdout:
        if line.startswith("training 8 "):  # the second step of epoch 3 of 6; 3 steps an epoch
            os.kill(killed.pid, signal.SIGKILL)
            break
    killed.communicate(timeout=60)
    assert killed.returncode == -signal.SIGKILL
    assert not (tmp_path / "cut" / stage.MODEL).exists()
    assert len(kept(tmp_path / "caches")) == 1

    again = start(made, truth, tmp_path / "caches", tmp_path / "again")
    lines = again.communicate(timeout=120)[0].splitlines()
    assert again.returncode == 0
    assert "training 7 18" in lines  # the third epoch is trained again,
    assert "training 6 18" not in lines  # the second is not
    whole, resumed = (load_file(tmp_path / name / stage.MODEL) for name in ("whole", "again"))
    assert all(torch.equal(whole[key], resumed[key]) for key in whole)
    records = [json.loads((tmp_path / name / stage.RECORD).read_text()) for name in ("whole", "again")]
    assert [one["resumed_after_epochs"] for one in records] == [[], [2]]
    assert records[0]["validation_macro_f1"] == records[1]["validation_macro_f1"]
    losses = [pd.read_csv(tmp_path / name / stage.HISTORY)["train_loss"].tolist() for name in ("whole", "again")]
    assert losses[0] == losses[1]
    assert kept(tmp_path / "caches") == []


def test_another_recipe_does_not_go_on_from_it(artifacts, run_stage, tmp_path, monkeypatch):
    monkeypatch.setattr(resume, "SECONDS", 0.0)
    made, begin = artifacts(LABELS), time.monotonic()
    inputs = {"faces": made.faces, "labels": made.truth()}

    def cut_off(text, done, _total):
        if (text, done) == ("training", 5):
            raise CutOff

    with pytest.raises(CutOff):
        run_stage(stage.run, "first", inputs, cut_off, caches=tmp_path / "caches")
    (left,) = kept(tmp_path / "caches")
    assert left.stat().st_mtime > 0
    other = run_stage(stage.run, "other", inputs, caches=tmp_path / "caches", seed=1)
    assert json.loads((other.folder / stage.RECORD).read_text())["resumed_after_epochs"] == []
    assert kept(tmp_path / "caches") == [left]
    same = run_stage(stage.run, "same", inputs, caches=tmp_path / "caches")
    assert json.loads((same.folder / stage.RECORD).read_text())["resumed_after_epochs"] == [1]
    assert kept(tmp_path / "caches") == []
    assert time.monotonic() - begin < 60


def test_a_training_goes_on_in_the_arithmetic_that_it_began_with(artifacts, run_stage, tmp_path, monkeypatch):
    """What a probe finds fastest may be otherwise the second time; the result must not be."""
    monkeypatch.setattr(resume, "SECONDS", 0.0)
    made = artifacts(LABELS)
    inputs, found = {"faces": made.faces, "labels": made.truth()}, []

    def fastest(_network, choices, *_args, **_kwargs):
        found.append(choices[0])
        return choices[len(found) - 1], {}

    monkeypatch.setattr(stage, "fastest", fastest)

    def cut_off(text, done, _total):
        if (text, done) == ("training", 5):
            raise CutOff

    with pytest.raises(CutOff):
        run_stage(stage.run, "first", inputs, cut_off, caches=tmp_path)
    again = run_stage(stage.run, "again", inputs, caches=tmp_path)
    assert len(found) == 1
    assert json.loads((again.folder / stage.RECORD).read_text())["arithmetic"]["channels_last"] is False
