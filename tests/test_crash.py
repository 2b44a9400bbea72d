"""kill -9 at any moment, two runs at once: nothing finished is lost, nothing is half there, the result is the same."""

import json
import random
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

SMALL = """
name = "small"
benchmark = "crash"
[data.target]
use = "synthetic"
part = "clips"
clips = 4
seconds = 1.0
[data.pretrain]
use = "synthetic"
stills = 56
[faces]
detector = "whole-frame"
align = "box"
size = 32
[labeling.labelers]
use = "simulated"
accuracy = 0.9
[training]
backbones = ["resnet18", "mobilenet_v2"]
image_size = 32
precision = "float32"
pretrain = {epochs = 1}
finetune = {epochs = 1}
[evaluation]
resamples = 100
"""


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "small.toml"
    path.write_text(SMALL)
    return path


def start(config, folder, *arguments, **streams):
    command = [sys.executable, "-m", "harness", "run", str(config), *arguments]
    for option in ("store", "runs", "leaderboards"):
        command += [f"--{option}", str(folder / option)]
    return subprocess.Popen(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **streams)


def finish(process):
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 0, output
    return output


def scores(folder):
    (path,) = (folder / "leaderboards" / "results" / "crash").glob("*.json")
    return json.loads(path.read_text())["scores"]


def stages(output):
    """Titles of the stages that a run computed itself."""
    return [found[1].strip() for found in re.finditer(r"^ *\d+/\d+ (.+?) {2,}[\d.]+ s(?!.*made by)", output, re.M)]


@pytest.mark.slow
def test_a_run_killed_again_and_again_ends_with_the_result_of_a_quiet_one(config, tmp_path):
    quiet = finish(start(config, tmp_path / "quiet"))
    everything = stages(quiet)
    chance = random.Random(7)
    computed = []
    for _ in range(12):
        process = start(config, tmp_path / "killed")
        seen = []
        for line in process.stdout:
            seen.append(line)
            if stages(line) and chance.random() < 0.5:
                time.sleep(chance.uniform(0, 3))
                break
        process.kill()
        rest, _ = process.communicate()
        computed += stages("".join(seen) + rest)
    computed += stages(finish(start(config, tmp_path / "killed")))
    assert sorted(computed) == sorted(everything)  # no finished stage ran twice, none is missing
    assert scores(tmp_path / "killed") == scores(tmp_path / "quiet")
    assert not list((tmp_path / "killed" / "store" / ".work").iterdir())


@pytest.mark.slow
def test_two_runs_at_once_share_the_work_and_agree(config, tmp_path):
    first, second = (start(config, tmp_path / "both", "--name", name) for name in ("first", "second"))
    outputs = [finish(first), finish(second)]
    records = [
        json.loads((tmp_path / "both" / "leaderboards" / "results" / "crash" / f"{name}.json").read_text())
        for name in ("first", "second")
    ]
    assert records[0]["scores"] == records[1]["scores"]
    computed = [stages(output) for output in outputs]
    assert not set(computed[0]) & set(computed[1])
    table = (tmp_path / "both" / "leaderboards" / "crash.md").read_text()
    assert "first" in table
    assert "second" in table


@pytest.mark.slow
def test_a_second_run_has_nothing_to_do_and_a_damaged_table_is_made_again(config, tmp_path):
    finish(start(config, tmp_path))
    again = finish(start(config, tmp_path))
    assert "nothing to do" in again
    assert stages(again) == []
    (decisions,) = (tmp_path / "store" / "fuse").glob("*/decisions.parquet")
    good = decisions.read_bytes()
    decisions.write_bytes(good[:-20] + bytes(20))
    mended = finish(start(config, tmp_path, "--set", "evaluation.resamples=200"))
    assert "damaged" in mended
    assert "it is made again" in mended
    assert stages(mended) == ["fuse", "score"]
    assert Path(decisions).read_bytes() == good


@pytest.mark.slow
def test_another_aggregator_runs_fusion_and_score_alone(config, tmp_path):
    finish(start(config, tmp_path))
    other = finish(start(config, tmp_path, "--set", "fusion.aggregator=mean-probability"))
    assert stages(other) == ["fuse", "score"]
