"""Real networks on two lanes of the local executor: the same as one after another, also after kill -9 and Ctrl-C."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("harness_torchvision")

# bfloat16 leaves nothing to a probe, whose choice of memory format would change the last bits.
EXPERIMENT = """
name = "lanes"
benchmark = "lanes"
executor = { use = "local", threads = 1 }
[data.target]
use = "synthetic"
part = "clips"
clips = 2
seconds = 0.5
[faces]
detector = "whole-frame"
align = "box"
size = 32
[labeling.labelers]
use = "simulated"
accuracy = 0.9
[training]
backbones = [{ use = "mobilenet_v2", weights = "none" }, { use = "resnet18", weights = "none" }]
image_size = 32
precision = "bfloat16"
device = "cpu"
finetune = { epochs = 1, batch_size = 8, validation = 0 }
"""
# Runs the stages up to the predictions, and prints a line for each one that ends.
RUN = """
import json, sys
from pathlib import Path
from harness.config import load
from harness.contents import Contents
from harness.layout import experiment_plan
from harness.plan import Plan
from harness.plugins import Registry
from harness.run import execute
from harness.store import Store

class Told:
    def begin(self, todo): print("todo", len(todo.missing), flush=True)
    def started(self, stage, number, total): print("started", stage.title, flush=True)
    def progress(self, stage, text, done, total): print("progress", stage.title, text, done, flush=True)
    def waiting(self, stage): pass
    def finished(self, stage, artifact, *, computed): print("finished", stage.title, flush=True)

config, folder, *overrides = sys.argv[1:]
registry, experiment, store = Registry.discover(), load(config, overrides), Store(Path(folder))
with Contents(store.root / "contents.sqlite") as contents:
    whole = experiment_plan(experiment, registry, contents.digest)
stages = {role: one for role, one in whole.stages.items() if one.kind not in ("fuse", "score")}
with registry.build("executors", "local", experiment.executor.options) as executor:
    execute(Plan(stages, (), whole=True), store, executor, Told(), registry.settings)
"""


@pytest.fixture
def begin(tmp_path):
    """begin("store", "executor.parallel=2"): the run as a process."""
    config = tmp_path / "lanes.toml"
    config.write_text(EXPERIMENT)
    (tmp_path / "run.py").write_text(RUN)

    def start(name, *overrides):
        command = [sys.executable, str(tmp_path / "run.py"), str(config), str(tmp_path / name), *overrides]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    return start


def finish(process):
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 0, output
    return output.splitlines()


def results(folder):
    """What the networks are and say, bit by bit, and where each artifact lies on the disk."""
    import numpy as np
    from safetensors.numpy import load_file

    found, places = {}, {}
    for manifest in folder.glob("*/*/manifest.json"):
        name = str(manifest.parent.relative_to(folder))
        places[name] = manifest.stat().st_ino
        if manifest.parent.parent.name == "train":
            tensors = load_file(manifest.parent / "model.safetensors")
            found[name] = {key: one.tobytes() for key, one in tensors.items()}
        elif manifest.parent.parent.name == "predict":
            found[name] = np.load(manifest.parent / "probabilities.npy").tobytes()
        else:
            found[name] = sorted(one["sha256"] for one in json.loads(manifest.read_text())["files"].values())
    return found, places


def workers_of(pid):
    """Processes that this one started."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = stat.read_text().rsplit(")", 1)[1].split()[1]
        except OSError:
            continue
        if int(parent) == pid:
            found.append(int(stat.parent.name))
    return found


def gone(pids, within=10.0):
    deadline = time.monotonic() + within
    while any(Path(f"/proc/{pid}").exists() for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not any(Path(f"/proc/{pid}").exists() for pid in pids)


def under_way(line, trained):
    """Keep in `trained` which trainings have begun and not ended."""
    event, _, title = line.strip().partition(" ")
    if title.startswith("fine-tune") and event in ("started", "finished"):
        (trained.add if event == "started" else trained.discard)(title)


def until_both_train(process):
    trained, seen = set(), ""
    for line in process.stdout:
        seen += line
        under_way(line, trained)
        if len(trained) == 2:
            return
    raise AssertionError(f"two networks were never trained at once: {seen}")


@pytest.mark.slow
def test_two_lanes_train_the_networks_that_one_trains_bit_by_bit(begin, tmp_path):
    finish(begin("alone", "executor.parallel=1"))
    process = begin("spread", "executor.parallel=2")
    until_both_train(process)
    lines = finish(process)
    assert "finished predict resnet18 (fine-tuned)" in lines
    assert results(tmp_path / "spread")[0] == results(tmp_path / "alone")[0]


LONGER = ("executor.parallel=2", "training.finetune.epochs=4", "data.target.seconds=2.0", "data.target.clips=4")


@pytest.mark.slow
def test_a_run_on_two_lanes_killed_again_and_again_ends_as_one_that_was_not(begin, tmp_path):
    chance = random.Random(3)
    finish(begin("quiet", *LONGER[1:], "executor.parallel=1"))
    before = {}
    for _ in range(6):
        process = begin("killed", *LONGER)
        until = chance.choice([12, 18, 24])
        for number, _line in enumerate(process.stdout):
            if number >= until:
                break
        workers = workers_of(process.pid)
        process.kill()
        process.communicate()
        assert gone(workers)
        _, after = results(tmp_path / "killed")
        assert before.items() <= after.items()  # nothing that was finished was made again
        before = after
    finish(begin("killed", *LONGER))
    ended, after = results(tmp_path / "killed")
    assert before.items() <= after.items()
    assert ended == results(tmp_path / "quiet")[0]
    assert not list((tmp_path / "killed" / ".work").iterdir())


@pytest.mark.slow
def test_ctrl_c_ends_both_lanes_and_the_same_command_goes_on(begin, tmp_path):
    longer = ("executor.parallel=2", "training.finetune.epochs=12")
    process = begin("store", *longer)
    until_both_train(process)
    for line in process.stdout:
        if line.startswith("progress fine-tune") and " training " in line:
            break
    workers = workers_of(process.pid)
    assert len(workers) == 2
    pressed = time.monotonic()
    os.kill(process.pid, signal.SIGINT)
    output, _ = process.communicate(timeout=30)
    assert time.monotonic() - pressed < 10
    assert "KeyboardInterrupt" in output
    assert gone(workers)
    _, before = results(tmp_path / "store")
    assert not list((tmp_path / "store" / ".work").iterdir())
    lines = finish(begin("store", *longer))
    assert f"todo {9 - len(before)}" in lines
    _, after = results(tmp_path / "store")
    assert before.items() <= after.items()
    assert len(before) < len(after) == 9
