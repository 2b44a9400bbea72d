import asyncio
import hashlib
import io
import json
import math

import pytest
from PIL import Image

from harness.expressions import Label, LabelSpace
from harness.labeling.asking import Questioner, Voter, Way
from harness.labeling.cache import Stored
from harness.labeling.crops import AskedFace
from harness.labeling.engine import Unanswered
from harness.labeling.keys import Keys
from harness.labeling.parsing import Parser
from harness.labeling.prompts import load_prompt_set
from harness.vlm import ImageOptions, LanguageModelOptions, Message, Reply

SPACE = LabelSpace("three", (Label("Glad"), Label("Sad"), Label("Cross")))


class Options(LanguageModelOptions):
    model: str = "model"

    def image_tokens(self, width, height):
        return width * height


def picture(red, side=8):
    buffer = io.BytesIO()
    Image.new("RGB", (side, side), (red, 0, 0)).save(buffer, "PNG")
    return buffer.getvalue()


FACE = AskedFace(7, "a", 3, picture(200), picture(100, 16))


@pytest.fixture
def one(prompts):
    return load_prompt_set(prompts("one", "Which one: {options}?"))


@pytest.fixture
def steps(prompts):
    return load_prompt_set(prompts("steps", steps=["Describe it.", "Now choose: {options}."]))


class Answers:
    """Asks that are answered in turn; remembers the requests."""

    def __init__(self, *answers):
        self.left, self.requests = list(answers), []

    async def __call__(self, request, known):
        self.requests.append(request)
        if known is not None:
            return known
        answer = self.left.pop(0)
        return Stored(answer) if isinstance(answer, Reply) else answer


PARSER = Parser(SPACE)


def way(ask, *, asker="asker", enum=False, image=None, **more):
    options = more.pop("options", Options())
    return Way(ask, Keys(asker), options, PARSER, enum, image or options.image, **more)


def ask(ways, prompt, *, known=None, vote=0, face=FACE):
    questioner, voter = Questioner(ways, len(SPACE)), Voter("vlm/P1", prompt, vote)
    first = questioner.first(face, voter)
    return asyncio.run(questioner.answer(face, voter, first, known))


def rendered(prompt_set, answer="text"):
    return prompt_set.render(SPACE, answer)[0]


# --- outcomes


@pytest.mark.parametrize(
    ("answer", "outcome", "label"),
    [
        (Reply("Sad"), "label", 1),
        (Reply("I can't identify emotions of real people."), "refused_text", -1),
        (Reply("Bored"), "unparsed", -1),
        (Reply("Gla", "length"), "truncated", -1),
        (Reply("", "refusal", detail="policy"), "refused_provider", -1),
        (Reply("Sad", "refusal"), "refused_provider", -1),
        (Reply("There is no face in the image."), "abstain", -1),
        (Stored(Reply("", "other", detail="policy"), "refused"), "refused_provider", -1),
        (Stored(Reply("", "other", detail="odd"), "bad_request"), "error", -1),
        (Stored(Reply("", "other", detail="expired"), "timeout"), "error", -1),
    ],
)
def test_every_answer_has_its_outcome(one, answer, outcome, label):
    answer = ask([way(Answers(answer))], rendered(one))
    assert (answer.outcome, answer.label, answer.rung) == (outcome, label, 0)
    assert answer.unanswered is None


def test_what_nobody_answered_is_an_error_with_its_reason(one):
    answer = ask([way(Answers(Unanswered("timeout", "no answer within 5 s")))], rendered(one))
    assert (answer.outcome, answer.reason, answer.text) == ("error", "no answer within 5 s", "")
    assert answer.unanswered.kind == "timeout"


@pytest.mark.parametrize("said", ["none of these", "None of these.", '"None of these"', '{"label": "none of these"}'])
def test_the_way_out_is_an_abstention(said):
    answer = ask([way(Answers(Reply(said)))], rendered(load_prompt_set("with-way-out")))
    assert (answer.outcome, answer.reason) == ("abstain", "takes the way out")


@pytest.mark.parametrize(
    ("logprob", "probability"), [(None, 1.0), (math.log(0.8), 0.8), (math.log(0.1), 1 / 3), (0.01, 1.0)]
)
def test_a_log_probability_is_the_labels_at_least_that_of_guessing(one, logprob, probability):
    answer = ask([way(Answers(Reply("Sad", logprob=logprob)))], rendered(one))
    assert answer.probability == pytest.approx(probability)


def test_a_reply_that_is_known_is_handed_on_with_its_request(one):
    asked = Answers()
    answer = ask([way(asked)], rendered(one), known=Stored(Reply("Glad")))
    assert (answer.label, len(asked.requests)) == (0, 1)


# --- the question


def test_the_face_is_sent_as_stored_and_its_hash_is_in_the_key(one):
    asked = Answers(Reply("Sad"))
    ask([way(asked)], rendered(one))
    (request,) = asked.requests
    assert request.image == FACE.image
    assert request.key == Keys("asker").of(hashlib.sha256(FACE.image).digest(), request.prompt, None, 0)
    assert request.prompt.text == "Which one: Glad, Sad, Cross?"
    assert request.tokens > 64  # the image's and the text's


def test_votes_have_keys_of_their_own(one):
    keys = set()
    for vote in range(3):
        asked = Answers(Reply("Sad"))
        ask([way(asked)], rendered(one), vote=vote)
        keys.add(asked.requests[0].key)
    assert len(keys) == 3


def test_a_changed_image_has_a_key_of_its_own(one):
    asked = Answers(Reply("Sad"), Reply("Sad"))
    ask([way(asked)], rendered(one))
    ask([way(asked, image=ImageOptions(min_side=32))], rendered(one))
    first, second = asked.requests
    assert first.key != second.key
    assert Image.open(io.BytesIO(second.image)).size == (32, 32)


def test_an_enum_answer_is_bound_to_the_class_names(one):
    asked = Answers(Reply('{"label": "Cross"}'))
    answer = ask([way(asked, enum=True)], rendered(one, "enum"))
    assert answer.label == 2
    assert asked.requests[0].schema["properties"]["label"]["enum"] == ["Glad", "Sad", "Cross"]


def test_shuffled_options_depend_on_face_and_seed_alone(one):
    def order(seed, frame):
        asked = Answers(Reply("Sad"))
        ask(
            [way(asked, options=Options(shuffle=True, seed=seed), enum=True)], rendered(one, "enum"),
            face=AskedFace(7, "a", frame, FACE.image),
        )  # fmt: skip
        request = asked.requests[0]
        names = request.schema["properties"]["label"]["enum"]
        assert request.prompt.text == f"Which one: {', '.join(names)}?"
        assert sorted(names) == ["Cross", "Glad", "Sad"]
        return tuple(names)

    assert order(1, 5) == order(1, 5)
    assert len({order(1, frame) for frame in range(40)}) == 6
    assert [order(1, frame) for frame in range(8)] != [order(2, frame) for frame in range(8)]


def test_nobody_knows_the_tokens_where_nobody_knows_an_images(one):
    asked = Answers(Reply("Sad"))

    class Unknown(Options):
        def image_tokens(self, width, height):
            return None

    ask([way(asked, options=Unknown())], rendered(one))
    assert asked.requests[0].tokens == 0


# --- two steps


def test_the_second_step_holds_what_the_first_said(steps):
    asked = Answers(Reply("It frowns."), Reply("Cross"))
    answer = ask([way(asked)], rendered(steps))
    first, second = asked.requests
    assert (answer.label, [reply.text for reply in answer.replies]) == (2, ["It frowns.", "Cross"])
    assert (first.prompt.text, first.prompt.after) == ("Describe it.", ())
    assert second.prompt.after == (Message("assistant", "It frowns."), Message("user", "Now choose: Glad, Sad, Cross."))
    assert first.key != second.key


def test_only_the_last_step_is_bound_to_the_class_names(steps):
    asked = Answers(Reply("It frowns."), Reply('{"label": "Sad"}'))
    assert ask([way(asked, enum=True)], rendered(steps, "enum")).label == 1
    assert asked.requests[0].schema is None
    assert json.dumps(asked.requests[1].schema).count("Cross") == 1


@pytest.mark.parametrize(
    ("first", "outcome"),
    [
        (Reply("  "), "unparsed"),
        (Reply("", "refusal"), "refused_provider"),
        (Stored(Reply("", "other"), "refused"), "refused_provider"),
        (Unanswered("server", "oops"), "error"),
    ],
)
def test_without_a_first_step_there_is_no_second(steps, first, outcome):
    asked = Answers(first)
    assert ask([way(asked)], rendered(steps)).outcome == outcome
    assert len(asked.requests) == 1


def test_a_description_that_was_cut_will_do(steps):
    answer = ask([way(Answers(Reply("It frowns and", "length"), Reply("Cross")))], rendered(steps))
    assert answer.label == 2


# --- the ladder

REFUSED = frozenset({"refused_text", "unparsed"})


def test_a_label_climbs_no_rung(one):
    second = Answers()
    answer = ask([way(Answers(Reply("Sad"))), way(second, after=REFUSED)], rendered(one))
    assert (answer.rung, second.requests) == (0, [])


def test_the_rung_that_gave_the_label_is_told(one, prompts):
    other = rendered(load_prompt_set(prompts("other", "Name it, {options}.")))
    rungs = [Answers(Reply("Bored")), Answers(Reply("Annoyed")), Answers(Reply("Sad")), Answers()]
    ways = [
        way(rungs[0]),
        way(rungs[1], after=REFUSED, prompt=other),
        way(rungs[2], after=REFUSED, image=ImageOptions(grey=True)),
        way(rungs[3], after=REFUSED),
    ]
    answer = ask(ways, rendered(one))
    assert (answer.outcome, answer.label, answer.rung) == ("label", 1, 2)
    assert rungs[1].requests[0].prompt.text == "Name it, Glad, Sad, Cross."
    red, green, blue = Image.open(io.BytesIO(rungs[2].requests[0].image)).convert("RGB").getpixel((0, 0))
    assert red == green == blue


def test_only_the_outcomes_of_a_rung_lead_to_it(one):
    second, third = Answers(), Answers(Reply("Sad"))
    ways = [
        way(Answers(Reply("", "refusal"))),
        way(second, after=REFUSED),
        way(third, after=frozenset({"refused_provider"})),
    ]
    answer = ask(ways, rendered(one))
    assert (answer.rung, second.requests) == (2, [])


def test_the_last_answer_counts_though_it_is_no_better(one):
    ways = [way(Answers(Reply("Bored"))), way(Answers(Reply("", "refusal")), after=REFUSED)]
    answer = ask(ways, rendered(one))
    assert (answer.outcome, answer.rung) == ("refused_provider", 1)


def test_a_larger_crop_is_sent_where_there_is_one(one):
    larger = Answers(Reply("Sad"))
    ways = [way(Answers(Reply("Bored"))), way(larger, after=REFUSED, larger=True)]
    assert ask(ways, rendered(one)).rung == 1
    assert larger.requests[0].image == FACE.larger
    bare = AskedFace(7, "a", 3, FACE.image)
    ways = [way(Answers(Reply("Bored"))), way(Answers(), after=REFUSED, larger=True)]
    assert ask(ways, rendered(one), face=bare).rung == 0


def test_what_nobody_answered_climbs_no_rung(one):
    second = Answers()
    ways = [way(Answers(Unanswered("server", "oops"))), way(second, after=frozenset({"error"}))]
    assert ask(ways, rendered(one)).outcome == "error"
    assert second.requests == []


def test_another_model_is_asked_with_its_own_keys_and_prompt(one, prompts):
    other = rendered(load_prompt_set(prompts("other", "Name it, {options}.")))
    fallback = Answers(Reply("Sad"))
    ways = [way(Answers(Reply("Bored"))), way(fallback, asker="other", after=REFUSED, prompt=other)]
    ask(ways, rendered(one), vote=2)
    (request,) = fallback.requests
    assert request.key == Keys("other").of(hashlib.sha256(FACE.image).digest(), request.prompt, None, 2)


def test_one_asker_can_be_asked_another_way(one):
    first, second, instead = Answers(), Answers(Reply("Sad")), Answers(Reply("Bored"))
    questioner = Questioner([way(first), way(second, asker="other", after=REFUSED)], 3).asking_with("asker", instead)
    voter = Voter("vlm/P1", rendered(one), 0)
    answer = asyncio.run(questioner.answer(FACE, voter, questioner.first(FACE, voter), None))
    assert answer.rung == 1
    assert (len(first.requests), len(instead.requests), len(second.requests)) == (0, 1, 1)
