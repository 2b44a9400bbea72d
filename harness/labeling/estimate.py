"""What asking would take, before anything is asked: requests, tokens, money, time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from harness.expressions import LabelSpace
from harness.labeling.asking import Questioner, Way
from harness.labeling.cache import FILE, ReplyCache
from harness.labeling.crops import FacesToAsk
from harness.labeling.engine import Request, Unanswered
from harness.labeling.keys import Keys, asker_of
from harness.labeling.parsing import Parser
from harness.labeling.providers import Asked, voters
from harness.vlm import BatchOptions, Usage

REPLY_TOKENS = 12  # a class name with a word or two around it
DESCRIPTION_TOKENS = 150  # a first step that describes
SECONDS = 2.0  # that a provider takes for one reply, about
BLOCK = 256


@dataclass(frozen=True)
class Estimate:
    """What a labelling would still take.

    faces     sampled; questions: faces x voters; stored: questions whose first reply is in the store
    requests  still to be sent, every step of a prompt counted, without the escalation ladder
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


def estimate(one: Asked, faces: Path, sample: Mapping[str, Any], space: LabelSpace, caches: Path) -> Estimate:
    """Count what a labeler would be asked about a faces artifact; looks up every reply, asks nothing."""
    asked = FacesToAsk.sampled(faces, sample)
    asker = asker_of(one.name, one.options.asking())
    way = Way(_nobody, Keys(asker), one.options, Parser(space), one.enum, one.options.image)
    questioner = Questioner([way], len(space))
    who = voters(one.name, one.render(space), one.options.votes)
    stored = requests = tokens = output = 0
    unknown = False
    cost: float | None = 0.0
    terms = one.terms()
    batch = isinstance(one.options, BatchOptions) and one.options.batch
    with ReplyCache(caches / FILE) as cache:
        faces_left = iter(asked)
        while block := list(islice(faces_left, BLOCK)):
            first = [(voter, questioner.first(face, voter)) for face in block for voter in who]
            known = cache.get_many([request.key for _, request in first])
            stored += len(known)
            for voter, request in first:
                if request.key in known:
                    continue
                steps = voter.prompt.steps
                replies = REPLY_TOKENS + (steps - 1) * DESCRIPTION_TOKENS
                requests += steps
                unknown = unknown or not request.tokens
                tokens += steps * request.tokens + (steps - 1) * DESCRIPTION_TOKENS
                output += replies
                spent = terms.cost(Usage(steps * request.tokens, replies), batch=batch)
                cost = None if spent is None or cost is None else cost + spent
    free = terms.price is not None and not any(vars(terms.price.rates).values())
    return Estimate(
        faces=len(asked),
        questions=len(asked) * len(who),
        stored=stored,
        requests=requests,
        input_tokens=None if unknown else tokens,
        output_tokens=output,
        cost=None if unknown and not free else cost,
        seconds=_seconds(one, requests, tokens, output),
    )


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


async def _nobody(_request: Request, _known: Any) -> Unanswered:
    raise AssertionError("an estimate asks nothing")
