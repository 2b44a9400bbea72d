"""The queue between coroutines and the worker thread, and batches that shrink."""

import asyncio
import threading
import time

import pytest
import torch
from harness_transformers.batches import Batches
from harness_transformers.micro_batches import MicroBatches

from harness.errors import StageError


class Doubling:
    """Doubles numbers and remembers the batches; raises for a batch with `poison`, answers an error to a negative."""

    def __init__(self, seconds=0.0, poison=None):
        self.seconds = seconds
        self.poison = poison
        self.batches = []
        self.threads = set()

    def __call__(self, numbers):
        self.batches.append(list(numbers))
        self.threads.add(threading.current_thread())
        time.sleep(self.seconds)
        if self.poison in numbers:
            raise OverflowError("too much")
        return [ValueError(f"{one} is negative") if one < 0 else 2 * one for one in numbers]


def ask_all(work, numbers, size=4, wait=0.02):
    async def ask():
        queue = MicroBatches(work, size, wait)
        answers = await asyncio.gather(*(queue.ask(one) for one in numbers), return_exceptions=True)
        await queue.close()
        return answers

    return asyncio.run(ask())


def test_requests_at_one_time_are_answered_in_full_batches_in_one_thread():
    work = Doubling()
    assert ask_all(work, range(10)) == [2 * one for one in range(10)]
    assert work.batches == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    assert len(work.threads) == 1
    assert threading.current_thread() not in work.threads
    assert not any(thread.is_alive() for thread in work.threads)


def test_a_full_batch_does_not_wait():
    began = time.monotonic()
    assert ask_all(Doubling(), range(4), wait=10.0) == [0, 2, 4, 6]
    assert time.monotonic() - began < 5


def test_requests_that_come_while_a_batch_is_at_work_go_together():
    work = Doubling(seconds=0.1)

    async def ask():
        queue = MicroBatches(work, 4, 0.001)
        first = asyncio.create_task(queue.ask(1))
        await asyncio.sleep(0.05)
        rest = [asyncio.create_task(queue.ask(one)) for one in (2, 3, 4)]
        answers = await asyncio.gather(first, *rest)
        await queue.close()
        return answers

    assert asyncio.run(ask()) == [2, 4, 6, 8]
    assert work.batches == [[1], [2, 3, 4]]


def test_an_answer_that_is_an_error_is_raised_to_its_request_alone():
    one, bad = ask_all(Doubling(), [1, -1])
    assert one == 2
    assert str(bad) == "-1 is negative"


def test_work_that_fails_fails_its_batch_and_no_other():
    work = Doubling(poison=1)
    answers = ask_all(work, range(6))
    assert [type(one) for one in answers[:4]] == [OverflowError] * 4
    assert answers[4:] == [8, 10]


def test_a_cancelled_request_is_not_asked_any_more():
    work = Doubling()

    async def ask():
        queue = MicroBatches(work, 4, 0.02)
        tasks = [asyncio.create_task(queue.ask(one)) for one in (1, 2)]
        await asyncio.sleep(0)
        tasks[0].cancel()
        answers = await asyncio.gather(*tasks, return_exceptions=True)
        await queue.close()
        return answers

    assert asyncio.run(ask())[1] == 4
    assert work.batches == [[2]]


def test_closing_lets_go_of_who_waits_and_ends_the_batch_at_work():
    work = Doubling(seconds=0.1)

    async def ask():
        queue = MicroBatches(work, 1, 0.0)
        tasks = [asyncio.create_task(queue.ask(one)) for one in (1, 2)]
        await asyncio.sleep(0.05)
        await queue.close()
        return await asyncio.gather(*tasks, return_exceptions=True)

    first, second = asyncio.run(ask())
    assert first == 2
    assert isinstance(second, asyncio.CancelledError)
    assert work.batches == [[1]]


def needs_memory(most):
    def work(items):
        if len(items) > most:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return list(items)

    return work


def test_a_batch_too_large_for_the_memory_is_halved_for_good():
    batches = Batches(8)
    assert batches.run(needs_memory(3), range(5)) == [[0, 1], [2, 3], [4]]
    assert batches.size == 2


def test_a_single_face_too_large_for_the_memory_is_one_clear_line():
    with pytest.raises(StageError, match="the GPU's memory does not hold the model and one face; take a smaller"):
        Batches(4).run(needs_memory(0), range(3))
