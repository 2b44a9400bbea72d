"""The lanes of the local executor: a worker process for each of several GPUs, or for a share of the cores."""

from __future__ import annotations

import os
from collections.abc import Mapping
from threading import Lock

from harness.components import Job, JobResult
from harness.errors import StageError
from harness.executors.gpus import VISIBLE
from harness.executors.process import Progress, Worker


class WorkerLane:
    """A worker process with an environment of its own, kept from job to job. An implementation of components.Lane."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.environment = environment
        self._lock = Lock()
        self._worker: Worker | None = None
        self._stopped = False

    def run(self, job: Job, progress: Progress) -> JobResult:
        """Run one job to its end."""
        worker = self._at_hand(job)
        try:
            return worker.run(job, progress)
        except BaseException:
            self.leave()  # its state is unknown now
            raise

    def _at_hand(self, job: Job) -> Worker:
        with self._lock:
            if self._stopped:
                raise StageError(f"{job.title}: not begun, the run is stopping")
            if self._worker is None:
                self._worker = Worker(self.environment)
            return self._worker

    def stop(self) -> None:
        """From another thread: end the job at hand and take no other."""
        with self._lock:
            self._stopped = True
            if self._worker is not None:
                self._worker.kill()

    def leave(self) -> None:
        """End the worker; nothing runs on the lane."""
        with self._lock:
            worker, self._worker = self._worker, None
        if worker is not None:
            worker.stop()


def lane_environments(
    count: int, gpus: tuple[str, ...], environment: Mapping[str, str], threads: int | None
) -> list[dict[str, str]]:
    """The environment of each of `count` workers: one GPU in turn, and threads, or else a share of the cores.

    An OMP_NUM_THREADS of the user's is left as it is.
    """
    share = str(threads or max(1, cores() // count))
    lanes = []
    for number in range(count):
        own = {VISIBLE: gpus[number % len(gpus)]} if gpus else {}
        lanes.append({"OMP_NUM_THREADS": share, **environment, **own})
    return lanes


def cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
