"""What asking costs, and the cap on it: a request is sent only if the cap holds even should it cost the most it can."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from harness.labeling.brake import Brake, Halted
from harness.labeling.meter import Meter, dollars
from harness.labeling.prices import Price, cost
from harness.vlm import Usage

MOST_OUTPUT = 1024  # tokens answered at most, where the options do not say


@dataclass(frozen=True)
class Terms:
    """What asking a model costs: the price (None: unknown), and the most tokens answered."""

    price: Price | None
    most_output: int = MOST_OUTPUT

    def cost(self, usage: Usage, *, batch: bool = False) -> float | None:
        """US dollars of one reply, None if the price is unknown."""
        return None if self.price is None else cost(usage, self.price, batch=batch)

    def most(self, tokens: int, *, batch: bool = False) -> float:
        """US dollars that sending so many tokens may cost: the longest reply, and all of it written to a prompt cache
        where that is dearer; 0 if the price is unknown."""
        sent = (Usage(tokens, self.most_output), Usage(0, self.most_output, cache_write_tokens=tokens))
        return max(self.cost(usage, batch=batch) or 0.0 for usage in sent)


class Budget:
    """The cap of one labelling, for all models that it asks. cap: US dollars, None for none."""

    def __init__(self, cap: float | None, meter: Meter, brake: Brake) -> None:
        self.cap = cap
        self._meter = meter
        self._brake = brake
        self._held = 0.0
        self._holders = 0
        self._settled = asyncio.Event()

    @property
    def left(self) -> float:
        """US dollars that neither replies nor requests under way have taken; infinite without a cap."""
        return float("inf") if self.cap is None else self.cap - (self._meter.cost or 0.0) - self._held

    @contextlib.asynccontextmanager
    async def holding(self, most: Callable[[], float | None]) -> AsyncIterator[None]:
        """Hold back what a request may cost while it is under way; Halted if the cap does not allow it.

        Where only requests under way stand against it, it waits until they have shown what they cost. most: US dollars
        at most; None as long as nobody knows: then the request is the only one, and what it costs tells.
        """
        amount = await self._hold(most)
        try:
            yield
        finally:
            self._held -= amount
            self._holders -= 1
            self._settled.set()

    async def _hold(self, most: Callable[[], float | None]) -> float:
        while True:
            self._brake.check()
            amount = 0.0 if self.cap is None else most()
            if amount is None and not self._holders and self.left > 0:
                amount = self.left
            if amount is not None and amount <= self.left:
                break
            if not self._holders:
                self.exhausted()
            self._settled.clear()
            await self._settled.wait()  # whoever is under way comes back, halted or not
        self._held += amount
        self._holders += 1
        return amount

    def exhausted(self) -> None:
        """Ask nothing more: the cap is reached. Raises Halted."""
        spent = dollars(self._meter.cost)
        self._brake.pull("max_cost", f"max_cost of ${self.cap:g} is reached: the replies cost {spent} so far")
        raise Halted
