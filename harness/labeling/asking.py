"""From one face to one answer: prompt, reply, outcome, and the escalation ladder where there is no label."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from harness.components import Outcome
from harness.labeling.cache import Stored
from harness.labeling.crops import AskedFace
from harness.labeling.engine import Request, Unanswered
from harness.labeling.images import prepare, size_of
from harness.labeling.keys import Keys
from harness.labeling.parsing import Parser
from harness.labeling.prices import estimated_usage
from harness.labeling.prompts import RenderedPrompt, shuffled
from harness.vlm import ImageOptions, LanguageModelOptions, Reply

Ask = Callable[[Request, Stored | None], Awaitable[Stored | Unanswered]]


@dataclass(frozen=True)
class Voter:
    """One of a labeler's voters: a prompt, asked for the `vote`-th time."""

    name: str
    prompt: RenderedPrompt
    vote: int


@dataclass(frozen=True)
class Answer:
    """What became of one question.

    rung: 0 for the question itself, then the number of the ladder's rung; probability: of the label (1 without
    log-probabilities); replies: of all steps, the last one decides; unanswered: why nobody answered, or None
    """

    outcome: Outcome
    label: int
    probability: float
    reason: str
    rung: int
    replies: tuple[Reply, ...]
    unanswered: Unanswered | None = None

    @property
    def text(self) -> str:
        """What the model said in the last step."""
        return self.replies[-1].text if self.replies else ""


@dataclass(frozen=True)
class Way:
    """A way to ask: of whom, with which prompt (None: the voter's own), with which image, after which outcomes."""

    ask: Ask
    keys: Keys
    options: LanguageModelOptions
    parser: Parser
    enum: bool
    image: ImageOptions
    prompt: RenderedPrompt | None = None
    larger: bool = False
    after: frozenset[Outcome] = frozenset()


class Questioner:
    """Asks all there is to ask about a face: one answer a voter."""

    def __init__(self, ways: Sequence[Way], classes: int) -> None:
        self.ways = ways
        self.classes = classes

    def asking_with(self, asker: str, ask: Ask) -> Questioner:
        """The same questions, those to `asker` by another way."""
        ways = [replace(way, ask=ask if way.keys.asker == asker else way.ask) for way in self.ways]
        return Questioner(ways, self.classes)

    def first(self, face: AskedFace, voter: Voter) -> Request:
        """The first request about a face, so that the replies to many can be looked up at once."""
        return self._request(self.ways[0], face, voter, 0, ())

    async def answer(self, face: AskedFace, voter: Voter, first: Request, known: Stored | None) -> Answer:
        """Ask the first way; where its outcome leads to a rung, ask that way, and so on. The last answer counts.

        first: as `first` gives it; known: the stored reply to it, or None.
        """
        answer = await self._asked(self.ways[0], 0, face, voter, first, known)
        for rung, way in enumerate(self.ways[1:], start=1):
            if way.larger and face.larger is None:
                continue
            if answer.outcome in way.after and answer.unanswered is None:
                request = self._request(way, face, voter, 0, ())
                answer = await self._asked(way, rung, face, voter, request, None)
        return answer

    async def _asked(
        self, way: Way, rung: int, face: AskedFace, voter: Voter, request: Request, known: Stored | None
    ) -> Answer:
        replies: tuple[Reply, ...] = ()
        steps = (way.prompt or voter.prompt).steps
        for step in range(steps):
            if step:
                request, known = self._request(way, face, voter, step, tuple(one.text for one in replies)), None
            answered = await way.ask(request, known)
            if isinstance(answered, Unanswered):
                return Answer("error", -1, 0.0, answered.message, rung, replies, answered)
            replies = (*replies, answered.reply)
            if answered.error:
                outcome: Outcome = "refused_provider" if answered.error == "refused" else "error"
                return Answer(outcome, -1, 0.0, answered.reply.detail, rung, replies)
            if answered.reply.stop_reason == "refusal":
                return Answer("refused_provider", -1, 0.0, answered.reply.detail, rung, replies)
            if step < steps - 1 and not answered.reply.text.strip():
                return Answer("unparsed", -1, 0.0, f"step {step + 1} was answered with nothing", rung, replies)
        last = replies[-1]
        if _same(last.text, (way.prompt or voter.prompt).way_out):
            return Answer("abstain", -1, 0.0, "takes the way out", rung, replies)
        parsed = way.parser.parse(last.text, truncated=last.stop_reason == "length")
        return Answer(parsed.outcome, parsed.label, self._probability(last), parsed.reason, rung, replies)

    def _probability(self, reply: Reply) -> float:
        """Of the label a reply names: that of its text where the provider gives it, at least that of guessing."""
        return 1.0 if reply.logprob is None else min(1.0, max(1 / self.classes, math.exp(reply.logprob)))

    def _request(self, way: Way, face: AskedFace, voter: Voter, step: int, replies: Sequence[str]) -> Request:
        rendered = way.prompt or voter.prompt
        order = shuffled(self.classes, way.options.seed, face.key) if way.options.shuffle else None
        prompt = rendered.prompt(step, replies, order)
        schema = rendered.schema(order) if way.enum and step == rendered.steps - 1 else None
        image = prepare(face.larger if way.larger and face.larger is not None else face.image, way.image)
        key = way.keys.of(hashlib.sha256(image).digest(), prompt, schema, voter.vote)
        known = estimated_usage(prompt, size_of(image), way.options.image_tokens, reply_tokens=0, schema=schema)
        return Request(key, image, prompt, schema, known.input_tokens if known else 0)


def _same(text: str, way_out: str) -> bool:
    """Whether a reply is the prompt set's own wording for "none of these", bare or as the JSON answer."""
    if not way_out:
        return False
    said = text.strip()
    if said.startswith("{"):
        try:
            said = str(json.loads(said).get("label", ""))
        except ValueError:
            return False
    return said.strip(" \n\"'“”‘’`*.").casefold() == way_out.strip(" .").casefold()
