"""Executors with and without lanes, and plans for them: stages are a few bytes, and a bench notes what ran where."""

from __future__ import annotations

import hashlib
import random
import threading
import time
from pathlib import Path

from harness.components import JobResult
from harness.errors import StageError
from harness.plan import Plan, Stage


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
