"""What asking would take, before anything is asked: requests, tokens, money, time."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from harness.expressions import LabelSpace
from harness.labeling.asking import Questioner, Voter, Way
from harness.labeling.budget import Terms
from harness.labeling.cache import FILE, ReplyCache, Stored
from harness.labeling.crops import FacesToAsk
from harness.labeling.engine import Request, Unanswered
from harness.labeling.keys import Keys, asker_of
from harness.labeling.providers import Asked, parser_of, voters
from harness.vlm import BatchOptions, Usage

REPLY_TOKENS = 12  # a class name with a word or two around it
DESCRIPTION_TOKENS = 150  # a first step that describes
SECONDS = 2.0  # that a provider takes for one reply, about
BLOCK = 256


@dataclass(frozen=True)
class Estimate:
    """What a labelling would still take, without the escalation ladder.

    faces     sampled; questions: faces x voters; stored: questions whose replies are all in the store
    requests  still to be sent: every step of a prompt, equal faces once
    input_tokens, cost  None where nobody knows what an image or the model costs; cost in US dollars
    seconds   at the configured limits, with about two seconds a reply
    """

    faces: int
    questions: int
    stored: int
    requests: int
    input_tokens: int | None
    output_tokens: int
    cost: float | None
    seconds: float


@dataclass
class _Missing:
    """What is to be asked, added up; known: whether every request's tokens are."""

    requests: int = 0
    tokens: int = 0
    output: int = 0
    cost: float | None = 0.0
    known: bool = True
    keys: set[bytes] = field(default_factory=set)

    def add(self, request: Request, steps: int, terms: Terms, *, batch: bool) -> None:
        """A request that is not stored, the first of so many steps that are left."""
        if request.key in self.keys:
            return
        self.keys.add(request.key)
        sent, replies = request.tokens, REPLY_TOKENS
        for _ in range(steps - 1):
            sent += request.tokens + DESCRIPTION_TOKENS
            replies += DESCRIPTION_TOKENS
        self.requests += steps
        self.tokens += sent
        self.output += replies
        self.known = self.known and request.tokens > 0
        spent = terms.cost(Usage(sent, replies), batch=batch)
        self.cost = None if spent is None or self.cost is None else self.cost + spent


def estimate(one: Asked, faces: Path, sample: Mapping[str, Any], space: LabelSpace, caches: Path) -> Estimate:
    """Count what a labeler would be asked about a faces artifact; looks up every reply, asks nothing."""
    asked = FacesToAsk.sampled(faces, sample)
    missing, who, terms = _Missing(), voters(one.name, one.render(space), one.options.votes), one.terms()
    with ReplyCache(caches / FILE) as cache:
        stored = asyncio.run(_walk(one, asked, space, who, cache, missing))
    free = terms.price is not None and not any(vars(terms.price.rates).values())
    return Estimate(
        faces=len(asked),
        questions=len(asked) * len(who),
        stored=stored,
        requests=missing.requests,
        input_tokens=missing.tokens if missing.known else None,
        output_tokens=missing.output,
        cost=missing.cost if missing.known or free else None,
        seconds=_seconds(one, missing.requests, missing.tokens, missing.output),
    )


async def _walk(
    one: Asked, asked: FacesToAsk, space: LabelSpace, who: Sequence[Voter], cache: ReplyCache, missing: _Missing
) -> int:
    """Go over all questions as the stage does, and add up what nobody has answered; returns the others' number."""
    terms, batch = one.terms(), isinstance(one.options, BatchOptions) and one.options.batch
    steps = 0

    async def ask(request: Request, known: Stored | None) -> Stored | Unanswered:
        if stored := known or cache.get(request.key):
            return stored
        missing.add(request, steps - len(request.prompt.after) // 2, terms, batch=batch)
        return Unanswered("offline", "not stored")

    way = Way(ask, Keys(asker_of(one.name, one.options.asking())), one.options, parser_of(space, {}), one.enum,
              one.options.image)  # fmt: skip
    questioner, found, faces = Questioner([way], len(space)), 0, iter(asked)
    while block := list(islice(faces, BLOCK)):
        first = [(face, voter, questioner.first(face, voter)) for face in block for voter in who]
        known = cache.get_many([request.key for _, _, request in first])
        for face, voter, request in first:
            steps = voter.prompt.steps
            answer = await questioner.answer(face, voter, request, known.get(request.key))
            found += answer.unanswered is None
    return found


def _seconds(one: Asked, requests: int, tokens: int, output: int) -> float:
    limits = one.options.limits
    minutes = [
        amount / limit
        for amount, limit in (
            (requests, limits.requests_per_minute),
            (tokens, limits.input_tokens_per_minute),
            (output, limits.output_tokens_per_minute),
        )
        if limit
    ]
    return max(requests * SECONDS / limits.connections, *(60 * one for one in minutes), 0.0)
