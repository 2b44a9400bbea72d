"""The executor that runs stages in this process: for tests and debuggers."""

from __future__ import annotations

from collections.abc import Callable

from harness.builtins.executor_options import InlineOptions
from harness.components import Job, JobResult
from harness.executors.work import work


class InlineExecutor:
    """Runs each stage in this process. A crash of a stage takes the run along."""

    def __init__(self, options: InlineOptions) -> None:
        self.options = options

    def __enter__(self) -> InlineExecutor:
        return self

    def __exit__(self, *exc: object) -> None: ...

    def run(self, job: Job, progress: Callable[[str, float, float | None], None]) -> JobResult:
        """Run one job to its end."""
        return work(job, progress)
