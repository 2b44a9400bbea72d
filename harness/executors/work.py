"""Running one job in this process: what every executor ends in."""

from __future__ import annotations

import contextlib
import importlib
import time
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from threading import Event

from harness.components import Job, JobResult
from harness.errors import HarnessError, StageError
from harness.executors.energy import EnergyMeter
from harness.plugins import Registry
from harness.stage import StageContext
from harness.stages import STAGES
from harness.store import full_disk

Progress = Callable[[str, float, float | None], None]


@lru_cache(maxsize=1)
def _registry(third_party: bool, blocked: tuple[str, ...]) -> Registry:
    return Registry.discover(third_party=third_party, blocked=blocked)


def work(job: Job, progress: Progress, stopping: Event | None = None) -> JobResult:
    """Run the job's stage function here; `stopping` is set when it should end early.

    HarnessError for whatever the user can mend; a full disk and missing memory become one as well.
    """
    registry = _registry(job.plugins["third_party"], tuple(job.plugins["blocked"]))
    module, _, attribute = STAGES[job.kind].target.partition(":")
    context = StageContext(
        folder=Path(job.folder),
        params=job.params,
        inputs={name: Path(folder) for name, folder in job.inputs.items()},
        registry=registry,
        progress=progress,
        caches=Path(job.caches) if job.caches else None,
        stopping=stopping or Event(),
    )
    _reset_peak_memory()
    energy = EnergyMeter()
    started = time.perf_counter()
    try:
        with energy:
            getattr(importlib.import_module(module), attribute)(context)
    except HarnessError:
        raise
    except MemoryError as error:
        raise StageError(f"{job.title}: out of memory; use a smaller batch or image size") from error
    except OSError as error:
        if error.errno is None or not _inside(error.filename, context.folder):
            raise
        raise full_disk(error, context.folder) from error
    return JobResult(tuple(context.notices), peak_memory(), time.perf_counter() - started, energy.joules)


def _inside(name: object, folder: Path) -> bool:
    return name is None or str(name).startswith(str(folder))


def _reset_peak_memory() -> None:
    with contextlib.suppress(OSError):  # Linux only; elsewhere the peak is the process's
        Path("/proc/self/clear_refs").write_text("5")


def peak_memory() -> int:
    """Peak resident memory of this process since the job began, bytes."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
