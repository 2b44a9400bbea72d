"""What an error, Ctrl-C, another run or a wish for anew leaves of several lanes. Stages here are a few bytes."""

from __future__ import annotations

import contextlib
import threading
import time

import pytest
from lanes_of_bytes import (
    Bench,
    Heard,
    OneByOne,
    SideBySide,
    ensemble,
    plan_of,
    write,
)

from harness.errors import StageError
from harness.run import execute
from harness.store import Store

PLUGINS = {"third_party": False, "blocked": []}
OF_NETWORKS = ("train", "predict")


def threads_of_lanes():
    return [thread for thread in threading.enumerate() if thread.name.startswith("lane")]


def until_stopped(lane):
    assert lane.stopped.wait(10)
    raise StageError("the worker process died (SIGKILL)")


def test_the_first_error_stops_the_trainings_beside_it_and_what_is_finished_is_kept(tmp_path):
    begun = threading.Event()

    def act(lane, job):
        if job.title == "fine-tune b":
            begun.set()
            until_stopped(lane)
        if job.title == "fine-tune a":
            begun.wait(10)
            raise StageError("fine-tune a: no luck")

    plan, store, bench = ensemble("abc"), Store(tmp_path), Bench(act)
    with pytest.raises(StageError, match="fine-tune a: no luck"):
        execute(plan, store, SideBySide(bench, 2), Heard(), PLUGINS)
    kept = ["faces", "pre-train a", "pre-train b", "predict a", "predict b"]
    assert sorted(bench.order) == sorted([*kept, "fine-tune a", "fine-tune b"])  # c was never begun
    assert not list((tmp_path / ".work").iterdir())
    again = Bench()
    execute(plan, store, SideBySide(again, 2), Heard(), PLUGINS)
    assert sorted(again.order) == sorted({one.title for one in plan.ordered()} - set(kept))


def test_a_prediction_under_way_is_let_finish_when_another_network_fails(tmp_path):
    begun, failed = threading.Event(), threading.Event()

    def act(lane, job):
        if job.title == "predict b":
            begun.set()
            failed.wait(10)
            time.sleep(0.05)
            assert not lane.stopped.is_set()
        if job.title == "pre-train a":
            begun.wait(10)
            failed.set()
            raise StageError("pre-train a: no luck")

    store, bench, heard = Store(tmp_path), Bench(act), Heard()
    with pytest.raises(StageError, match="pre-train a: no luck"):
        execute(ensemble("ab"), store, SideBySide(bench, 2), heard, PLUGINS)
    assert heard.events[-1] == ("finished", "predict b", True)
    assert "fine-tune b" not in bench.order


def test_ctrl_c_stops_every_lane_at_once_predictions_too(tmp_path):
    class Impatient(Heard):
        def progress(self, stage, text, done, total):
            if stage.title == "pre-train a":
                raise KeyboardInterrupt  # where the signal finds the thread that runs the plan

    def act(lane, job):
        if job.title in ("predict a", "pre-train b"):
            until_stopped(lane)

    store, bench = Store(tmp_path), Bench(act)
    with pytest.raises(KeyboardInterrupt):
        execute(ensemble("abc"), store, SideBySide(bench, 2), Impatient(), PLUGINS)
    assert threads_of_lanes() == []
    assert {kind for kind, _ in store.artifacts()} == {"faces", "train"}
    assert bench.under_way == set()
    assert not list((tmp_path / ".work").iterdir())


def test_a_lane_waits_for_another_run_takes_its_result_and_can_be_stopped_meanwhile(tmp_path):
    plan, store = ensemble("ab"), Store(tmp_path)
    taken = plan.stages["pre-train a"]

    def act(lane, job):
        if job.title == "pre-train b":
            time.sleep(0.3)
            raise StageError("pre-train b: no luck")

    heard = Heard()
    with store.lock(taken.fingerprint), pytest.raises(StageError, match="pre-train b: no luck"):
        execute(plan, store, SideBySide(Bench(act), 2), heard, PLUGINS)
    assert ("waiting", "pre-train a") in heard.events
    assert threads_of_lanes() == []

    held, released = threading.Event(), threading.Event()

    def another_run():
        with store.lock(taken.fingerprint):
            held.set()
            released.wait(10)
            execute(plan_of([plan.stages["faces"], taken]), Lockless(tmp_path), OneByOneAnywhere(), Quiet(), PLUGINS)

    class Releasing(Heard):
        def waiting(self, stage):
            super().waiting(stage)
            released.set()

    other, heard, bench = threading.Thread(target=another_run), Releasing(), Bench()
    other.start()
    held.wait(10)
    execute(plan, store, SideBySide(bench, 2), heard, PLUGINS)
    other.join()
    assert ("waiting", "pre-train a") in heard.events
    assert ("finished", "pre-train a", False) in heard.events
    assert "pre-train a" not in bench.order


class Lockless(Store):
    """The store of a run that holds the lock already."""

    def lock(self, fingerprint, waiting=None, patience=None):
        return contextlib.nullcontext()


class OneByOneAnywhere(OneByOne):
    def __init__(self):
        super().__init__(Bench())

    def run(self, job, progress):
        return write(job)


class Quiet(Heard):
    def _note(self, *event):
        pass


def test_what_is_wanted_anew_is_replaced_on_a_lane(tmp_path):
    plan, store = ensemble("ab"), Store(tmp_path)
    execute(plan, store, SideBySide(Bench(), 2), Heard(), PLUGINS)
    again = {plan.stages["fine-tune a"].fingerprint, plan.stages["fine-tune b"].fingerprint}
    before = {one: store.folder("train", one).stat().st_ino for one in again}
    bench = Bench()
    outcome = execute(plan, store, SideBySide(bench, 2), Heard(), PLUGINS, again)
    assert sorted(bench.order) == ["fine-tune a", "fine-tune b"]
    assert None not in bench.at.values()
    assert outcome.computed == again
    assert all(store.folder("train", one).stat().st_ino != before[one] for one in again)
