"""The default executor: long-lived worker processes on this machine, one stage at a time.

A worker imports torch or OpenVINO once and then runs many stages. A stage that kills its worker (out of memory, a crash
in a library) is reported with the signal and the worker's last words; finished stages are not touched. Training has a
worker of its own, because the memory settings that speed it up must be set before a process starts, and would blur the
other stages' peaks; asking a language model has one, because hours of waiting should not hold a detector's memory.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

from harness import errors
from harness.builtins.executor_options import LocalOptions
from harness.components import Job, JobResult
from harness.errors import HarnessError, StageError
from harness.executors.worker import STOP
from harness.stages import STAGES

TRAINING_KINDS = frozenset({"train", "predict"})
# Huge pages, and freed memory kept instead of returned: 18-52% more images/s in CPU training on glibc.
TUNABLES = "glibc.malloc.hugetlb=1:glibc.malloc.mmap_threshold=17179869184:glibc.malloc.trim_threshold=17179869184"
# How long an OpenMP thread spins for the others before it sleeps. By default it spins so long that one other busy
# process makes training 30 times slower (4 instead of 120 images/s on two cores); this little costs nothing alone.
SPIN = "3000"
Progress = Callable[[str, float, float | None], None]


class LocalExecutor:
    """Runs stages in worker processes."""

    def __init__(self, options: LocalOptions) -> None:
        self.options = options
        self._workers: dict[str, _Worker] = {}

    def __enter__(self) -> LocalExecutor:
        return self

    def __exit__(self, *exc: object) -> None:
        for worker in self._workers.values():
            worker.stop()
        self._workers.clear()

    def run(self, job: Job, progress: Progress) -> JobResult:
        """Run one job to its end in the worker for its kind."""
        group = "training" if job.kind in TRAINING_KINDS else "asking" if "asked" in job.params else "other"
        for name in [name for name in self._workers if name != group]:
            self._workers.pop(name).stop()  # a worker that waits would only hold memory
        worker = self._workers.get(group)
        if worker is None:
            worker = self._workers[group] = _Worker(self._environment(group == "training"))
        try:
            return self._run(worker, job, progress)
        except BaseException:
            self._workers.pop(group).stop()  # its state is unknown now
            raise

    def _run(self, worker: _Worker, job: Job, progress: Progress) -> JobResult:
        try:
            return worker.run(job, progress)
        except KeyboardInterrupt:
            if not STAGES[job.kind].patient:
                raise
            progress("stopping: waiting for what is under way (Ctrl-C again: at once)", 0, None)
            return worker.end_early(job, progress)

    def _environment(self, training: bool) -> dict[str, str]:
        environment = {"GOMP_SPINCOUNT": SPIN, **os.environ}
        if training and self.options.large_pages:
            environment.setdefault("GLIBC_TUNABLES", TUNABLES)
        if self.options.threads:
            environment["OMP_NUM_THREADS"] = str(self.options.threads)
        return environment


class _Worker:
    """One worker process: jobs go in on stdin, events come out on stdout, a JSON line each."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._words = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115 - closed in stop
        self._process = subprocess.Popen(
            [sys.executable, "-m", "harness.executors.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._words,
            text=True,
            encoding="utf-8",
            env=environment,
            start_new_session=True,  # Ctrl-C reaches the parent alone, which stops its workers
        )

    def run(self, job: Job, progress: Progress) -> JobResult:
        self._send(json.dumps(asdict(job)), job)
        return self._followed(job, progress)

    def end_early(self, job: Job, progress: Progress) -> JobResult:
        """Ask the job at hand to stop, and wait for its end."""
        self._send(STOP, job)
        return self._followed(job, progress)

    def _send(self, line: str, job: Job) -> None:
        stdin, _ = self._pipes()
        try:
            stdin.write(line + "\n")
            stdin.flush()
        except BrokenPipeError:
            raise self._died(job) from None

    def _followed(self, job: Job, progress: Progress) -> JobResult:
        _, stdout = self._pipes()
        for line in stdout:
            event: dict[str, Any] = json.loads(line)
            if event["event"] == "progress":
                progress(event["text"], event["done"], event["total"])
            elif event["event"] == "done":
                return JobResult(tuple(event["notices"]), event["peak_memory"], event["seconds"])
            else:
                raise _rebuilt(event, job)
        raise self._died(job)

    def _pipes(self) -> tuple[IO[str], IO[str]]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        return self._process.stdin, self._process.stdout

    def _died(self, job: Job) -> StageError:
        code = self._process.wait()
        how = f"exit code {code}"
        if code < 0:
            how = signal.Signals(-code).name
            if -code == signal.SIGKILL:
                how += ", most often for lack of memory: use a smaller batch or image size"
        self._words.seek(0)
        last = [line.strip() for line in self._words.read().splitlines() if line.strip()][-1:]
        said = f"; its last words: {last[0]}" if last else ""
        return StageError(f"{job.title}: the worker process died ({how}){said}; finished stages are kept")

    def stop(self) -> None:
        for pipe in self._pipes():
            pipe.close()
        self._process.kill()
        self._process.wait()
        self._words.close()


def _rebuilt(event: dict[str, Any], job: Job) -> Exception:
    if event["event"] == "error":
        kind = getattr(errors, event["type"], HarnessError)
        error: Exception = kind(event["text"])
        return error
    log = Path(tempfile.gettempdir()) / f"harness-crash-{os.getpid()}.txt"
    log.write_text(event["traceback"], encoding="utf-8")
    return StageError(f"{job.title}: {event['text']} (an error in the code; the traceback is in {log})")
