"""Runs with several lanes: what runs when, who is told, what an error or Ctrl-C leaves. Stages here are a few bytes."""

from __future__ import annotations

import contextlib
import hashlib
import random
import threading
import time
from collections import defaultdict
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.components import Executor, JobResult, LanedExecutor
from harness.errors import StageError
from harness.lanes import chains_of
from harness.making import Step
from harness.plan import Plan, Stage
from harness.run import execute
from harness.stages import STAGES
from harness.store import Store

PLUGINS = {"third_party": False, "blocked": []}
OF_NETWORKS = ("train", "predict")


def write(job):
    """An artifact that depends on the job and on every input's contents."""
    digest = hashlib.sha256(job.title.encode())
    for name in sorted(job.inputs):
        digest.update((Path(job.inputs[name]) / "out").read_bytes())
    (Path(job.folder) / "out").write_text(digest.hexdigest())
    return JobResult((), 1, 0.0)


class Bench:
    """Runs jobs, and notes what ran where and beside what."""

    def __init__(self, act=lambda lane, job: None, seed=0):
        self.act, self.chance = act, random.Random(seed)
        self.lock = threading.Lock()
        self.order, self.at, self.under_way, self.together = [], {}, set(), []

    def work(self, lane, job, progress):
        with self.lock:
            self.order.append(job.title)
            self.at[job.title] = lane
            self.under_way.add(job.title)
            self.together.append(frozenset(self.under_way))
            pause = self.chance.choice([0, 0, 0.001])
        try:
            self.act(lane, job)
            time.sleep(pause)
            progress("working", 1, 1)
            return write(job)
        finally:
            with self.lock:
                self.under_way.discard(job.title)


class OneByOne:
    """The executor of a plugin that knows nothing of lanes."""

    def __init__(self, bench):
        self.bench = bench

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        pass

    def run(self, job, progress):
        assert threading.current_thread() is threading.main_thread()
        return self.bench.work(None, job, progress)


class FakeLane:
    def __init__(self, number, bench):
        self.number, self.bench, self.stopped = number, bench, threading.Event()

    def run(self, job, progress):
        if self.stopped.is_set():
            raise StageError("stopped before")
        return self.bench.work(self, job, progress)

    def stop(self):
        self.stopped.set()


class SideBySide(OneByOne):
    def __init__(self, bench, count):
        super().__init__(bench)
        self.count, self.asked, self.given = count, [], []

    def lanes(self, device, networks):
        self.asked.append((device, networks))
        self.given = [FakeLane(number, self.bench) for number in range(min(self.count, networks))]
        return self.given


class Heard:
    """A reporter that keeps what it hears, and where."""

    def __init__(self):
        self.events = []

    def _note(self, *event):
        assert threading.current_thread() is threading.main_thread()
        self.events.append(event)

    def begin(self, todo):
        pass

    def started(self, stage, number, total):
        self._note("started", stage.title, number, total)

    def progress(self, stage, text, done, total):
        self._note("progress", stage.title)

    def waiting(self, stage):
        self._note("waiting", stage.title)

    def finished(self, stage, artifact, *, computed):
        self._note("finished", stage.title, computed)


def stage(kind, title, inputs=(), **params):
    return Stage(kind, title, params, {"title": title}, {str(number): one for number, one in enumerate(inputs)})


def plan_of(stages):
    return Plan({one.title: one for one in stages}, (), whole=True)


def network(name, faces, **params):
    """pre-train, predict, fine-tune, predict, as an experiment lays them out."""
    trained = stage("train", f"pre-train {name}", [faces], **params)
    tuned = stage("train", f"fine-tune {name}", [faces, trained], **params)
    return [
        trained, stage("predict", f"predict {name}", [trained, faces], **params), tuned,
        stage("predict", f"predict tuned {name}", [tuned, faces], **params),
    ]  # fmt: skip


def ensemble(names, **params):
    faces = stage("faces", "faces")
    networks = [network(name, faces, **params) for name in names]
    fuse = stage("fuse", "fuse", [one[-1] for one in networks])
    return plan_of([faces, *(one for stages in networks for one in stages), fuse])


def contents(store):
    """Everything in a store that says what was computed, by fingerprint."""
    found = {}
    for kind, fingerprint in store.artifacts():
        manifest = store.find(kind, fingerprint, deep=True).manifest
        found[fingerprint] = (kind, manifest.key, manifest.files)
    return found


@st.composite
def plans(draw):
    """Random stages of networks and others, each with inputs among those before it."""
    stages = []
    for number in range(draw(st.integers(1, 12))):
        kind = draw(st.sampled_from(["train", "predict", "train", "predict", "faces", "fuse"]))
        inputs = draw(st.lists(st.sampled_from(stages), unique_by=id, max_size=3)) if stages else []
        stages.append(stage(kind, f"{kind} {number}", inputs))
    wanted = draw(st.permutations(stages))
    return plan_of(wanted)


@settings(deadline=None, max_examples=30)
@given(plans(), st.integers(1, 4), st.integers(0, 99))
def test_every_stage_runs_once_after_its_inputs_never_too_many_at_once_and_others_alone(plan, lanes, seed):
    with TemporaryDirectory() as folder:
        alone, spread = Store(Path(folder) / "alone"), Store(Path(folder) / "spread")
        quiet, bench = Bench(), Bench(seed=seed)
        execute(plan, alone, OneByOne(quiet), Heard(), PLUGINS)
        heard = Heard()
        outcome = execute(plan, spread, SideBySide(bench, lanes), heard, PLUGINS)
        assert contents(spread) == contents(alone)
    assert sorted(bench.order) == sorted(quiet.order)
    assert quiet.order == [one.title for one in plan.ordered()]
    assert list(outcome.artifacts) == [one.fingerprint for one in plan.ordered()]
    kinds = {one.title: one.kind for one in plan.ordered()}
    for at_once in bench.together:
        assert len(at_once) <= lanes
        assert len(at_once) == 1 or all(kinds[title] in OF_NETWORKS for title in at_once)
    place = {title: number for number, title in enumerate(bench.order)}
    for one in plan.ordered():
        assert all(place[before.title] < place[one.title] for before in one.inputs.values())
    told = defaultdict(list)
    for event, title, *_ in heard.events:
        told[title].append(event)
    assert set(map(tuple, told.values())) == {("started", "progress", "finished")}


def test_a_network_stays_on_one_lane_and_lanes_take_the_networks_in_the_plan_s_order(tmp_path):
    first = threading.Event()

    def act(lane, job):
        if job.title == "pre-train a":
            first.wait(10)  # until the other lane has trained all the rest
        if job.title == "predict tuned d":
            first.set()

    bench = Bench(act)
    execute(ensemble("abcd"), Store(tmp_path), SideBySide(bench, 2), Heard(), PLUGINS)
    lanes = {name: {id(bench.at[title]) for title in bench.order if title.endswith(f" {name}")} for name in "abcd"}
    assert all(len(used) == 1 for used in lanes.values())
    assert lanes["b"] == lanes["c"] == lanes["d"] != lanes["a"]
    rest = [title for title in bench.order if title.startswith("pre-train") and not title.endswith("a")]
    assert rest == ["pre-train b", "pre-train c", "pre-train d"]
    assert bench.at["faces"] is None
    assert bench.at["fuse"] is None


def test_the_executor_is_asked_for_no_more_lanes_than_networks_and_told_the_device(tmp_path):
    executor = SideBySide(Bench(), 8)
    execute(ensemble("abc", device="cuda"), Store(tmp_path), executor, Heard(), PLUGINS)
    assert executor.asked == [("cuda", 3)]
    assert len(executor.given) == 3


@pytest.mark.parametrize("plan", [ensemble("a"), plan_of(network("a", stage("faces", "faces"))[:1])])
def test_a_single_network_needs_no_lanes(plan, tmp_path):
    executor = SideBySide(Bench(), 8)
    execute(plan, Store(tmp_path), executor, Heard(), PLUGINS)
    assert executor.asked == []
    assert set(executor.bench.at.values()) == {None}


def test_networks_for_different_devices_run_one_after_another(tmp_path):
    faces = stage("faces", "faces")
    plan = plan_of([faces, *network("a", faces, device="cuda:0"), *network("b", faces, device="cuda:1")])
    executor = SideBySide(Bench(), 8)
    execute(plan, Store(tmp_path), executor, Heard(), PLUGINS)
    assert executor.asked == []


@pytest.mark.parametrize("executor", [OneByOne(Bench()), SideBySide(Bench(), 1)], ids=["no lanes", "one lane"])
def test_without_several_lanes_stages_run_in_the_plan_s_order_and_the_reporter_hears_what_it_always_did(
    executor, tmp_path
):
    plan, heard = ensemble("ab"), Heard()
    execute(plan, Store(tmp_path), executor, heard, PLUGINS)
    titles = [one.title for one in plan.ordered()]
    assert executor.bench.order == titles
    assert heard.events == [
        event
        for number, title in enumerate(titles, start=1)
        for event in (("started", title, number, 10), ("progress", title), ("finished", title, True))
    ]


def test_an_executor_with_run_alone_is_an_executor_without_lanes():
    executor: Executor = OneByOne(Bench())
    assert not isinstance(executor, LanedExecutor)
    assert isinstance(SideBySide(Bench(), 2), LanedExecutor)


def steps(stages):
    return [Step(one, number, len(stages)) for number, one in enumerate(stages, start=1)]


def titles(chains):
    return [[step.stage.title for step in chain] for chain in chains]


def test_stages_that_hang_together_through_one_that_stands_are_one_chain():
    faces = stage("faces", "faces")
    trained, predicted, tuned, last = network("a", faces)
    assert titles(chains_of(steps([predicted, tuned, last]))) == [["predict a", "fine-tune a", "predict tuned a"]]
    assert titles(chains_of(steps([trained, last]))) == [["pre-train a", "predict tuned a"]]


def test_a_shared_start_keeps_two_networks_on_one_lane():
    faces = stage("faces", "faces")
    start = stage("train", "start", [faces])
    one, two = stage("train", "one", [start]), stage("train", "two", [start])
    assert titles(chains_of(steps([start, one, two, *network("b", faces)[:1]]))) == [
        ["start", "one", "two"], ["pre-train b"],
    ]  # fmt: skip


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


def test_networks_are_what_trains_or_predicts():
    assert {kind for kind, spec in STAGES.items() if spec.of_network} == set(OF_NETWORKS)
    assert [kind for kind, spec in STAGES.items() if spec.resumes] == ["train"]
