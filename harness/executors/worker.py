"""The worker process of the local executor: python -m harness.executors.worker, jobs on stdin, events on stdout.

A line "stop" asks the job at hand to end early.
"""

from __future__ import annotations

import json
import os
import queue
import sys
import threading
import time
import traceback
from typing import Any, TextIO

from harness.components import Job
from harness.errors import HarnessError
from harness.executors.work import work

PROGRESS_EVERY = 0.1  # seconds between two progress events
STOP = "stop"


def main() -> None:
    """Run jobs until stdin closes; then leave at once, even in the middle of a stage: nobody waits for it."""
    events = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)  # what libraries print must not look like an event
    jobs: queue.Queue[dict[str, Any]] = queue.Queue()
    stopping = threading.Event()
    threading.Thread(target=_read, args=(jobs, stopping), daemon=True).start()
    while True:
        _run(Job(**jobs.get()), events, stopping)


def _read(jobs: queue.Queue[dict[str, Any]], stopping: threading.Event) -> None:
    for line in sys.stdin:
        if line.strip() == STOP:
            stopping.set()
        else:
            jobs.put(json.loads(line))
    os._exit(0)


def _run(job: Job, events: TextIO, stopping: threading.Event) -> None:
    last = 0.0

    def progress(text: str, done: float, total: float | None) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= PROGRESS_EVERY or done == total:
            last = now
            _send(events, event="progress", text=text, done=done, total=total)

    try:
        result = work(job, progress, stopping)
    except HarnessError as error:
        _send(events, event="error", type=type(error).__name__, text=str(error))
    except Exception as error:  # noqa: BLE001 - whatever it is, the parent has to hear of it
        text = f"{type(error).__name__}: {error}".splitlines()[0]
        _send(events, event="crash", text=text, traceback=traceback.format_exc())
    else:
        told = {"peak_memory": result.peak_memory, "seconds": result.seconds, "energy": result.energy}
        _send(events, event="done", notices=result.notices, **told)


def _send(events: TextIO, **event: Any) -> None:
    events.write(json.dumps(event) + "\n")
    events.flush()


if __name__ == "__main__":
    main()
