"""Options of the built-in executors."""

from __future__ import annotations

from pydantic import Field

from harness.components import Options


class InlineOptions(Options):
    """None: stages run in this process."""


class LocalOptions(Options):
    """Worker processes on this machine."""

    threads: int | None = Field(
        None, ge=1, description="threads a worker may use; none: one a core, fewer where workers share the cores"
    )
    parallel: int | None = Field(
        None, ge=1,
        description="networks trained at the same time, a worker each; none: as many as GPUs are visible, each on its "
        "own. A number holds on a CPU as well, where the workers share the cores and it seldom pays",
    )  # fmt: skip
    large_pages: bool = Field(True, description="let glibc use huge pages and keep freed memory in training workers")
