"""Reading ahead on another thread."""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Iterator

import pytest

from harness.media import Prefetch


def test_items_come_in_their_order() -> None:
    with Prefetch(iter(range(50)), depth=3) as ahead:
        assert list(ahead) == list(range(50))


def test_the_producer_runs_on_another_thread_and_not_far_ahead() -> None:
    threads, made = [], []

    def produce() -> Iterator[int]:
        threads.append(threading.current_thread())
        for number in range(100):
            made.append(number)
            yield number

    with Prefetch(produce(), depth=2) as ahead:
        assert next(ahead) == 0
        time.sleep(0.1)
        assert len(made) <= 5
    assert threads[0] is not threading.current_thread()


def test_what_the_producer_raises_is_raised_at_its_place() -> None:
    def produce() -> Iterator[int]:
        yield 1
        raise ValueError("broken")

    with Prefetch(produce()) as ahead:
        assert next(ahead) == 1
        with pytest.raises(ValueError, match="broken"):
            next(ahead)


def test_leaving_early_ends_the_thread_and_closes_the_producer() -> None:
    closed = threading.Event()

    def produce() -> Iterator[int]:
        try:
            number = 0
            while True:
                yield number
                number += 1
        finally:
            closed.set()

    before = threading.active_count()
    with Prefetch(produce(), depth=1) as ahead:
        next(ahead)
    assert closed.is_set()
    assert threading.active_count() == before


def test_an_item_that_is_done_with_is_let_go_before_the_next_one_is_there() -> None:
    class Large:
        pass

    alive: list[bool] = []

    def produce() -> Iterator[Large]:
        first = Large()
        gone = weakref.ref(first)
        yield first
        del first
        for _ in range(100):  # the consumer takes it, is done with it and waits
            if gone() is None:
                break
            time.sleep(0.02)
        alive.append(gone() is not None)
        yield Large()

    with Prefetch(produce(), depth=1) as ahead:
        for item in ahead:
            del item
    assert alive == [False]
