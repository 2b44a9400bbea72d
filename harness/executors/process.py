"""A worker process as its parent sees it: jobs go in on stdin, events come out on stdout, a JSON line each."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

from harness import errors
from harness.components import Job, JobResult
from harness.errors import HarnessError, StageError
from harness.executors.worker import STOP

Progress = Callable[[str, float, float | None], None]


class Worker:
    """One worker process. Each of its methods belongs to one thread; `kill` alone may be called by another."""

    def __init__(self, environment: Mapping[str, str]) -> None:
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
                told = (event[name] for name in ("peak_memory", "seconds", "energy"))
                return JobResult(tuple(event["notices"]), *told)
            else:
                raise self._rebuilt(event, job)
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

    def _rebuilt(self, event: dict[str, Any], job: Job) -> Exception:
        if event["event"] == "error":
            kind = getattr(errors, event["type"], HarnessError)
            error: Exception = kind(event["text"])
            return error
        log = Path(tempfile.gettempdir()) / f"harness-crash-{self.pid}.txt"
        log.write_text(event["traceback"], encoding="utf-8")
        return StageError(f"{job.title}: {event['text']} (an error in the code; the traceback is in {log})")

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def kill(self) -> None:
        """End the process at once: whoever waits for its events hears that it died."""
        self._process.kill()

    def stop(self) -> None:
        """End the process at once and give back what it held."""
        self._process.kill()
        self._process.wait()
        for pipe in self._pipes():
            with contextlib.suppress(BrokenPipeError):  # a job that the dead process never read
                pipe.close()
        self._words.close()
