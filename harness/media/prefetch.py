"""Reading ahead: an iterable that runs on another thread, a few items before its consumer."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Generic, TypeVar

Item = TypeVar("Item")
_POLL_SECONDS = 0.05


class _End:
    """Closes the queue; carries what the producer raised, if anything."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error


class Prefetch(Generic[Item]):
    """`with Prefetch(items, depth=2) as ahead: for item in ahead: ...`

    At most `depth` items wait. What the producer raises is raised where the consumer stands; leaving the block
    early ends the thread and closes the producer's generator.
    """

    def __init__(self, items: Iterable[Item], depth: int = 2) -> None:
        self._items = items
        self._queue: queue.Queue[Item | _End] = queue.Queue(maxsize=max(1, depth))
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._produce, name="prefetch", daemon=True)

    def __enter__(self) -> Iterator[Item]:
        self._thread.start()
        return self._consume()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _consume(self) -> Iterator[Item]:
        while True:
            item = self._queue.get()
            if isinstance(item, _End):
                if item.error is not None:
                    raise item.error
                return
            yield item
            del item  # it may be large: not kept while the next one is waited for

    def _produce(self) -> None:
        error: BaseException | None = None
        try:
            for item in self._items:
                if not self._offer(item):
                    break
                del item
            close = getattr(self._items, "close", None)
            if close is not None:
                close()
        except BaseException as raised:  # noqa: BLE001 - handed to the consumer's thread, which raises it
            error = raised
        self._offer(_End(error))

    def _offer(self, item: Item | _End) -> bool:
        while not self._stop.is_set():
            try:
                self._queue.put(item, timeout=_POLL_SECONDS)
            except queue.Full:
                continue
            return True
        return False
