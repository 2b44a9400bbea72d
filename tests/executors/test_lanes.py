"""The local executor's lanes: how many there are, what each worker is told, how one is stopped from outside."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest

from harness.builtins.executor_options import InlineOptions, LocalOptions
from harness.components import Job, LanedExecutor
from harness.errors import ConfigError, StageError
from harness.executors import lanes as module
from harness.executors import local
from harness.executors.inline import InlineExecutor
from harness.executors.lanes import WorkerLane, lane_environments
from harness.executors.local import LocalExecutor

PLUGINS = {"third_party": False, "blocked": []}


def render(folder, stills=3, **options):
    folder.mkdir(parents=True, exist_ok=True)
    dataset = {"use": "synthetic", "options": {"part": "stills", "stills": stills, **options}}
    return Job("data", "data (pretrain)", {"dataset": dataset}, {}, str(folder), PLUGINS)


def silent(text, done, total):
    pass


@pytest.fixture
def two_gpus(tmp_path, monkeypatch):
    """A machine whose driver lists two GPUs, a torch that would use them, eight cores."""
    for bus in ("0000:17:00.0", "0000:65:00.0"):
        (tmp_path / "gpus" / bus).mkdir(parents=True)
    for name in ("CUDA_VISIBLE_DEVICES", "OMP_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(local, "torch_computes_on_them", lambda: True)
    monkeypatch.setattr(module, "cores", lambda: 8)
    return tmp_path / "gpus"


@pytest.fixture
def no_gpu(tmp_path, monkeypatch):
    for name in ("CUDA_VISIBLE_DEVICES", "OMP_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(module, "cores", lambda: 8)
    return tmp_path / "gpus"


def told(driver, device="auto", networks=5, **options):
    """What each lane's worker finds in its environment: (CUDA_VISIBLE_DEVICES, OMP_NUM_THREADS)."""
    with LocalExecutor(LocalOptions(**options), driver) as executor:
        environments = [lane.environment for lane in executor.lanes(device, networks)]
    assert all("GOMP_SPINCOUNT" in one and "GLIBC_TUNABLES" in one for one in environments)
    return [(one.get("CUDA_VISIBLE_DEVICES"), one["OMP_NUM_THREADS"]) for one in environments]


@pytest.mark.parametrize("device", ["auto", "cuda"])
def test_there_is_a_lane_for_each_gpu_and_its_worker_sees_that_one_alone(two_gpus, device):
    assert told(two_gpus, device) == [("0", "4"), ("1", "4")]


def test_the_lanes_are_the_gpus_that_are_visible(two_gpus, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1,0")
    assert told(two_gpus) == [("1", "4"), ("0", "4")]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "GPU-a,GPU-b,GPU-c")
    assert [gpu for gpu, _ in told(two_gpus)] == ["GPU-a", "GPU-b", "GPU-c"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    assert told(two_gpus) == []
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert told(two_gpus) == []


def test_there_are_no_more_lanes_than_networks(two_gpus, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "GPU-a,GPU-b,GPU-c")
    assert [gpu for gpu, _ in told(two_gpus, networks=2)] == ["GPU-a", "GPU-b"]


@pytest.mark.parametrize("device", ["cuda:1", "cuda:0", "cpu", "mps"])
def test_a_device_that_is_named_is_the_only_one(two_gpus, device):
    assert told(two_gpus, device) == []


def test_a_numbered_device_is_one_however_many_are_asked_for(two_gpus):
    assert told(two_gpus, "cuda:1", parallel=2) == []


def test_one_at_a_time_can_be_asked_for(two_gpus):
    assert told(two_gpus, parallel=1) == []


def test_more_workers_than_gpus_take_them_in_turn(two_gpus):
    assert told(two_gpus, parallel=3) == [("0", "2"), ("1", "2"), ("0", "2")]


def test_on_a_cpu_there_are_lanes_only_on_demand_and_they_share_the_cores(no_gpu):
    assert told(no_gpu) == []
    assert told(no_gpu, parallel=2) == [(None, "4"), (None, "4")]
    assert told(no_gpu, "cpu", parallel=3) == [(None, "2")] * 3


def test_threads_and_the_user_s_own_variable_are_a_worker_s(no_gpu, monkeypatch):
    assert told(no_gpu, parallel=2, threads=3) == [(None, "3")] * 2
    monkeypatch.setenv("OMP_NUM_THREADS", "5")
    assert told(no_gpu, parallel=2) == [(None, "5")] * 2


def test_a_worker_has_a_thread_even_with_more_workers_than_cores(no_gpu):
    assert lane_environments(20, (), {}, None)[0] == {"OMP_NUM_THREADS": "1"}


def test_a_torch_for_cpus_alone_is_not_spread_over_gpus(two_gpus, monkeypatch):
    monkeypatch.setattr(local, "torch_computes_on_them", lambda: False)
    assert told(two_gpus) == []


def test_cores_are_those_that_this_process_may_use():
    assert 1 <= module.cores() <= (os.cpu_count() or 1)


def test_the_inline_executor_has_no_lanes():
    assert isinstance(LocalExecutor(LocalOptions()), LanedExecutor)
    assert not isinstance(InlineExecutor(InlineOptions()), LanedExecutor)


def test_two_lanes_work_at_once_and_keep_their_workers(tmp_path):
    with LocalExecutor(LocalOptions(parallel=2)) as executor:
        lanes = executor.lanes("auto", 2)
        workers = [[], []]

        def follow(number):
            for job in range(2):
                result = lanes[number].run(render(tmp_path / f"{number}-{job}"), silent)
                assert result.peak_memory > 10_000_000
                workers[number].append(lanes[number]._worker.pid)

        threads = [threading.Thread(target=follow, args=(number,)) for number in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        first, second = workers
        assert len(set(first)) == len(set(second)) == 1
        assert first != second
        executor.run(render(tmp_path / "then"), silent)
        assert not any(Path(f"/proc/{pid}").exists() for pid in (*first, *second))


def test_a_lane_that_is_stopped_from_outside_raises_and_begins_nothing_more(tmp_path):
    lane = WorkerLane(dict(os.environ))
    raised = []

    def follow():
        try:
            lane.run(render(tmp_path / "long", stills=100_000), silent)
        except StageError as error:
            raised.append(str(error))

    thread = threading.Thread(target=follow)
    thread.start()
    while not list(tmp_path.glob("long/*")):
        time.sleep(0.01)
    lane.stop()
    thread.join(10)
    assert "the worker process died (SIGKILL" in raised[0]
    with pytest.raises(StageError, match=r"data \(pretrain\): not begun, the run is stopping"):
        lane.run(render(tmp_path / "more"), silent)


def test_after_an_error_a_lane_gets_a_new_worker(tmp_path):
    lane = WorkerLane(dict(os.environ))
    with pytest.raises(ConfigError, match="'stlils' is not known"):
        lane.run(render(tmp_path / "wrong", stlils=3), silent)
    assert lane._worker is None
    lane.run(render(tmp_path / "right"), silent)
    lane.leave()
    assert (tmp_path / "right" / "summary.json").exists()


def test_a_worker_that_died_between_two_jobs_is_reported_like_any_other(tmp_path):
    with LocalExecutor(LocalOptions()) as running:
        running.run(render(tmp_path / "first"), silent)
        worker = running._workers["other"]
        worker.kill()
        worker._process.wait()
        with pytest.raises(StageError, match="the worker process died"):
            running.run(render(tmp_path / "second"), silent)
