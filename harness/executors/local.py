"""The default executor: long-lived worker processes on this machine, one stage at a time; several GPUs, a network each.

A worker imports torch or OpenVINO once and then runs many stages. A stage that kills its worker (out of memory, a crash
in a library) is reported with the signal and the worker's last words; finished stages are not touched. Training has a
worker of its own, because the memory settings that speed it up must be set before a process starts, and would blur the
other stages' peaks; asking a language model has one, because hours of waiting should not hold a detector's memory.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from harness.builtins.executor_options import LocalOptions
from harness.components import Job, JobResult
from harness.executors.gpus import DRIVER, torch_computes_on_them, visible_gpus
from harness.executors.lanes import WorkerLane, lane_environments
from harness.executors.process import Progress, Worker
from harness.stages import STAGES

# Huge pages, and freed memory kept instead of returned: 18-52% more images/s in CPU training on glibc.
TUNABLES = "glibc.malloc.hugetlb=1:glibc.malloc.mmap_threshold=17179869184:glibc.malloc.trim_threshold=17179869184"
# How long an OpenMP thread spins for the others before it sleeps. By default it spins so long that one other busy
# process makes training 30 times slower (4 instead of 120 images/s on two cores); this little costs nothing alone.
SPIN = "3000"


class LocalExecutor:
    """Runs stages in worker processes. driver: where the driver lists the GPUs."""

    def __init__(self, options: LocalOptions, driver: Path = DRIVER) -> None:
        self.options = options
        self._driver = driver
        self._workers: dict[str, Worker] = {}
        self._lanes: list[WorkerLane] = []

    def __enter__(self) -> LocalExecutor:
        return self

    def __exit__(self, *exc: object) -> None:
        self._leave()

    def run(self, job: Job, progress: Progress) -> JobResult:
        """Run one job to its end in the worker for its kind."""
        of_network = STAGES[job.kind].of_network
        group = "training" if of_network else "asking" if "asked" in job.params else "other"
        self._leave(but=group)
        worker = self._workers.get(group)
        if worker is None:
            worker = self._workers[group] = Worker(self._environment(training=of_network))
        try:
            return self._run(worker, job, progress)
        except BaseException:
            self._workers.pop(group).stop()  # its state is unknown now
            raise

    def lanes(self, device: str, networks: int) -> Sequence[WorkerLane]:
        """A lane for each GPU, or as many as `parallel` says; none for a device with a number, which is one."""
        self._leave()
        gpus = self._gpus() if device in ("auto", "cuda") else ()
        count = min(networks, self.options.parallel or len(gpus))
        if count < 2 or ":" in device:
            return []
        environment = self._environment(training=True)
        each = lane_environments(count, gpus, environment, self.options.threads)
        self._lanes = [WorkerLane(environment) for environment in each]
        return self._lanes

    def _gpus(self) -> tuple[str, ...]:
        return visible_gpus(os.environ, self._driver) if torch_computes_on_them() else ()

    def _leave(self, but: str | None = None) -> None:
        """Stop the workers of other groups: a worker that waits would only hold memory."""
        for name in [name for name in self._workers if name != but]:
            self._workers.pop(name).stop()
        for lane in self._lanes:
            lane.leave()
        self._lanes = []

    def _run(self, worker: Worker, job: Job, progress: Progress) -> JobResult:
        try:
            return worker.run(job, progress)
        except KeyboardInterrupt:
            if not STAGES[job.kind].patient:
                raise
            progress("stopping: waiting for what is under way (Ctrl-C again: at once)", 0, None)
            return worker.end_early(job, progress)

    def _environment(self, *, training: bool) -> dict[str, str]:
        environment = {"GOMP_SPINCOUNT": SPIN, **os.environ}
        if training and self.options.large_pages:
            environment.setdefault("GLIBC_TUNABLES", TUNABLES)
        if self.options.threads:
            environment["OMP_NUM_THREADS"] = str(self.options.threads)
        return environment
