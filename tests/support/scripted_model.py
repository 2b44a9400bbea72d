"""A model that answers by a script, and ways to ask it: for tests of the engine, in virtual time."""

import asyncio
import hashlib

from harness.labeling.brake import Halted
from harness.labeling.engine import Request
from harness.labeling.prices import Price, Rates
from harness.vlm import LanguageModelOptions, Prompt, Reply, RequestError, Usage

GLAD = Reply("Glad", usage=Usage(100, 10), model="model")
PROMPT = Prompt("Which one?")
PRICE = Price("model", "somebody", Rates(input=1e4, output=1e5, cache_read=1e3, cache_write=1e4))  # GLAD costs $2


class Options(LanguageModelOptions):
    model: str = "model"


class Scripted:
    """Answers by a function of (number of the request from 1, image), after `latency` seconds."""

    def __init__(self, answer=lambda number, image: GLAD, latency=1.0):
        self.answer, self.latency = answer, latency
        self.asked, self.under_way, self.most_under_way = [], 0, 0

    @property
    def times(self):
        return [moment for moment, _ in self.asked]

    async def reply(self, image, prompt, schema):
        self.asked.append((asyncio.get_running_loop().time(), image))
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            answer = self.answer(len(self.asked), image)
            await asyncio.sleep(self.latency)
        finally:
            self.under_way -= 1
        if isinstance(answer, BaseException):
            raise answer
        return answer


def failing(kind, times=10**9, **details):
    """A model that fails so often, and then answers."""
    return Scripted(lambda number, _: RequestError(kind, "as told", **details) if number <= times else GLAD)


def request(number, tokens=100):
    return Request(hashlib.sha256(b"%d" % number).digest(), b"image %d" % number, PROMPT, None, tokens)


def all_of(engine, count, tokens=100):
    return asyncio.gather(*(engine.ask(request(number, tokens)) for number in range(count)), return_exceptions=True)


async def in_turn(engine, count, workers):
    """As the stage asks: so many workers, each its next request after the last."""
    left = iter(range(count))

    async def work():
        for number in left:
            await engine.ask(request(number))

    await asyncio.gather(*(work() for _ in range(workers)), return_exceptions=True)


def halted(results):
    return sum(isinstance(one, Halted) for one in results)
