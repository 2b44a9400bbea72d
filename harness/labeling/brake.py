"""Stopping: what ends a labelling before its end, once, for everybody who asks."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Halt:
    """Why no more is asked. interrupted, max_cost: what was answered counts; fatal: nothing can be answered."""

    kind: str
    message: str


class Halted(Exception):
    """Asking has stopped; the brake's `halt` says why."""


class Brake:
    """Stops all engines of one labelling; the first reason stays."""

    def __init__(self) -> None:
        self.halt: Halt | None = None
        self.pulled = asyncio.Event()

    def pull(self, kind: str, message: str) -> None:
        """Ask nothing more."""
        if self.halt is None:
            self.halt = Halt(kind, message)
            self.pulled.set()

    def check(self) -> None:
        """Halted if the brake is pulled."""
        if self.halt:
            raise Halted

    async def unless_pulled(self, work: Coroutine[Any, Any, T]) -> T:
        """What the work returns; Halted, and the work cancelled, as soon as the brake is pulled."""
        working, pulled = asyncio.create_task(work), asyncio.create_task(self.pulled.wait())
        try:
            await asyncio.wait([working, pulled], return_when=asyncio.FIRST_COMPLETED)
            if not working.done():
                raise Halted
            return working.result()
        finally:
            working.cancel()
            pulled.cancel()

    async def sleep(self, seconds: float) -> None:
        """Sleep; Halted as soon as the brake is pulled."""
        try:
            async with asyncio.timeout(seconds):
                await self.pulled.wait()
        except TimeoutError:
            return
        raise Halted
