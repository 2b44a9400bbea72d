"""Requests that come one by one, answered together: a queue between coroutines and a worker thread."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, TypeVar

Asked = TypeVar("Asked")
Answered = TypeVar("Answered")


class MicroBatches(Generic[Asked, Answered]):
    """Collects up to `size` requests, or as many as come within `wait` seconds, and hands them to `work` at once.

    work  in a thread of its own, one batch after the other; an answer that is an exception is raised to its request
    All coroutines of one object run in one event loop.
    """

    def __init__(
        self, work: Callable[[Sequence[Asked]], Sequence[Answered | Exception]], size: int, wait: float
    ) -> None:
        self._work = work
        self._size = size
        self._wait = wait
        self._waiting: deque[tuple[Asked, asyncio.Future[Answered]]] = deque()
        self._full = asyncio.Event()
        self._running: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(1, "transformers")

    async def ask(self, request: Asked) -> Answered:
        """The answer to one request; whatever went wrong with it is raised."""
        answer: asyncio.Future[Answered] = asyncio.get_running_loop().create_future()
        self._waiting.append((request, answer))
        if len(self._waiting) >= self._size:
            self._full.set()
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._run())
        return await answer

    async def close(self) -> None:
        """Let go of requests that still wait, and wait for the batch at work: a thread cannot be stopped."""
        for _, answer in self._waiting:
            answer.cancel()
        self._waiting.clear()
        self._full.set()
        if self._running is not None:
            await self._running
        self._thread.shutdown()

    async def _run(self) -> None:
        while self._waiting:
            await self._wait_for_more()
            batch = self._next()
            if batch:
                await self._answer(batch)

    async def _wait_for_more(self) -> None:
        self._full.clear()
        if len(self._waiting) >= self._size:
            return
        try:
            async with asyncio.timeout(self._wait):
                await self._full.wait()
        except TimeoutError:
            return

    def _next(self) -> list[tuple[Asked, asyncio.Future[Answered]]]:
        """The next batch; requests that were cancelled meanwhile are left out."""
        batch: list[tuple[Asked, asyncio.Future[Answered]]] = []
        while self._waiting and len(batch) < self._size:
            request, answer = self._waiting.popleft()
            if not answer.done():
                batch.append((request, answer))
        return batch

    async def _answer(self, batch: Sequence[tuple[Asked, asyncio.Future[Answered]]]) -> None:
        requests = [request for request, _ in batch]
        results: Sequence[Answered | Exception]
        try:
            results = await asyncio.get_running_loop().run_in_executor(self._thread, self._work, requests)
        except Exception as error:  # noqa: BLE001 - whatever it is, everybody who waits must hear of it
            results = [error] * len(batch)
        for (_, answer), result in zip(batch, results, strict=True):
            if answer.done():
                continue
            if isinstance(result, Exception):
                answer.set_exception(result)
            else:
                answer.set_result(result)
