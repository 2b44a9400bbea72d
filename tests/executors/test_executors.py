"""The executors run real stages: the synthetic data set's, small."""

import dataclasses
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from harness.builtins.executor_options import InlineOptions, LocalOptions
from harness.components import Job
from harness.errors import ConfigError, StageError
from harness.executors.inline import InlineExecutor
from harness.executors.local import LocalExecutor
from harness.expressions import ABAW_COMPOUND_7

PLUGINS = {"third_party": False, "blocked": []}
EXECUTORS = [InlineExecutor(InlineOptions()), LocalExecutor(LocalOptions(threads=1))]


def render(folder, stills=3, **options):
    folder.mkdir(parents=True, exist_ok=True)
    dataset = {"use": "synthetic", "options": {"part": "stills", "stills": stills, **options}}
    return Job("data", "data (pretrain)", {"dataset": dataset}, {}, str(folder), PLUGINS)


def silent(text, done, total):
    pass


@pytest.mark.parametrize("executor", EXECUTORS, ids=["inline", "local"])
def test_a_stage_runs_and_reports_progress_memory_and_time(executor, tmp_path):
    told = []
    with executor as running:
        result = running.run(render(tmp_path / "data"), lambda *event: told.append(event))
    assert told[-1][1:] == (3, 3)
    assert result.seconds > 0
    assert result.peak_memory > 10_000_000
    assert json.loads((tmp_path / "data" / "summary.json").read_text())["clips"] == 3


@pytest.mark.parametrize("executor", EXECUTORS, ids=["inline", "local"])
def test_notices_of_a_stage_arrive(executor, tmp_path):
    data = render(tmp_path / "data")
    (tmp_path / "truth").mkdir()
    labels = [{"name": "Happily Surprised"}, {"name": "Nobody"}]
    params = {**data.params, "label_space": {"name": "narrow", "labels": labels}}
    truth = Job("truth", "annotations", params, {"data": data.folder}, str(tmp_path / "truth"), PLUGINS)
    with executor as running:
        running.run(data, silent)
        result = running.run(truth, silent)
    (notice,) = result.notices
    assert notice.startswith("annotations outside label space 'narrow' are left out:")


@pytest.mark.parametrize("executor", EXECUTORS, ids=["inline", "local"])
def test_an_error_for_the_user_keeps_its_type_and_text(executor, tmp_path):
    with executor as running, pytest.raises(ConfigError, match="'stlils' is not known; did you mean 'stills'"):
        running.run(render(tmp_path / "data", stlils=3), silent)


def test_a_crash_in_the_code_is_one_line_and_a_traceback_in_a_file(tmp_path):
    job = dataclasses.replace(render(tmp_path / "data"), params={})
    with LocalExecutor(LocalOptions()) as running, pytest.raises(StageError, match="KeyError: 'dataset'") as caught:
        running.run(job, silent)
    log = Path(str(caught.value).split("the traceback is in ")[1].rstrip(")"))
    assert "Traceback" in log.read_text()
    log.unlink()


def _kill_when_seen(worker, folder):
    while not any(folder.iterdir()):
        time.sleep(0.01)
    os.kill(worker, signal.SIGKILL)


def test_a_killed_worker_is_reported_with_its_signal_and_the_next_stage_gets_a_new_one(tmp_path):
    with LocalExecutor(LocalOptions()) as running:
        running.run(render(tmp_path / "first"), silent)
        job = render(tmp_path / "second", stills=100_000)
        worker = running._workers["other"]._process.pid
        killer = threading.Thread(target=_kill_when_seen, args=(worker, tmp_path / "second"))
        killer.start()
        with pytest.raises(StageError, match=r"data \(pretrain\): the worker process died \(SIGKILL, most often"):
            running.run(job, silent)
        killer.join()
        running.run(render(tmp_path / "third"), silent)
    assert (tmp_path / "third" / "summary.json").exists()


PARENT = """
import json, sys
from harness.builtins.executor_options import LocalOptions
from harness.components import Job
from harness.executors.local import LocalExecutor
with LocalExecutor(LocalOptions()) as running:
    worker = lambda: running._workers["other"]._process.pid
    running.run(Job(**json.loads(sys.argv[1])), lambda *event: print(worker(), flush=True))
"""


def test_a_worker_does_not_outlive_a_killed_parent(tmp_path):
    job = render(tmp_path / "data", stills=100_000)
    command = [sys.executable, "-c", PARENT, json.dumps(dataclasses.asdict(job))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        worker = int(parent.stdout.readline())
        parent.kill()
    deadline = time.monotonic() + 10
    while Path(f"/proc/{worker}").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not Path(f"/proc/{worker}").exists()


def test_the_peak_memory_of_a_stage_is_its_own(tmp_path):
    large = render(tmp_path / "large", stills=2, smallest_still=2000, largest_still=2000)
    with LocalExecutor(LocalOptions()) as running:
        first = running.run(large, silent)
        second = running.run(render(tmp_path / "small"), silent)
    assert second.peak_memory < first.peak_memory


def test_truth_keeps_frames_outside_the_space_as_minus_one(tmp_path):
    import pandas as pd

    data = render(tmp_path / "data", part="clips", clips=1, seconds=1.0)
    (tmp_path / "truth").mkdir()
    params = {**data.params, "label_space": ABAW_COMPOUND_7.as_dict()}
    job = Job("truth", "annotations", params, {"data": data.folder}, str(tmp_path / "truth"), PLUGINS)
    with InlineExecutor(InlineOptions()) as running:
        running.run(data, silent)
        running.run(job, silent)
    truth = pd.read_parquet(tmp_path / "truth" / "truth.parquet")
    assert list(truth.columns) == ["clip", "frame", "label"]
    assert set(truth["label"]) <= set(range(-1, 7))
    assert -1 in set(truth["label"])
