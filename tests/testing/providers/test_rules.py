"""When an answer is given."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

import anthropic
import openai
import pytest

from harness.errors import ConfigError
from harness.testing.providers import ANSWERS, Answer, Behaviour, Model, ProviderServer, Rule

Ask = Callable[..., Any]
Post = Callable[..., tuple[int, Any]]


def statuses_of(server: ProviderServer, post: Post, *rules: Rule, count: int = 6) -> list[int]:
    server.behave(rules=rules)
    server.reset()
    return [post()[0] for _ in range(count)]


@pytest.mark.parametrize(
    ("rule", "wanted"),
    [
        (Rule("overloaded", numbers=(2, 4)), [200, 529, 200, 529, 200, 200]),
        (Rule("overloaded", every=3), [200, 200, 529, 200, 200, 529]),
        (Rule("overloaded", times=2), [529, 529, 200, 200, 200, 200]),
        (Rule("overloaded", tries=1), [529, 200, 200, 200, 200, 200]),
        (Rule("overloaded", contains="Happy"), [529] * 6),
        (Rule("overloaded", contains="Angry"), [200] * 6),
        (Rule("overloaded", image="00"), [200] * 6),
        (Rule("overloaded", on="batch.create"), [200] * 6),
        (Rule(Answer(status=500), on="*", probability=0.0), [200] * 6),
    ],
)
def test_a_rule_holds_when_all_its_conditions_do(
    server: ProviderServer, rule: Rule, wanted: list[int], post: Post
) -> None:
    assert statuses_of(server, post, rule) == wanted


def test_the_first_rule_that_holds_decides(server: ProviderServer, post: Post) -> None:
    rules = [Rule("overloaded", every=2), Rule("server-error", numbers=(1, 2))]
    assert statuses_of(server, post, *rules, count=4) == [500, 529, 200, 529]


def test_chance_repeats_with_its_seed(server: ProviderServer, post: Post) -> None:
    rule = Rule("overloaded", probability=0.5)
    first = statuses_of(server, post, rule, count=40)
    assert first == statuses_of(server, post, rule, count=40)
    assert 8 < first.count(529) < 32
    server.behave(seed=1)
    assert first != statuses_of(server, post, rule, count=40)


def test_each_distinct_question_can_fail_once(server: ProviderServer, ask: Ask, face: Callable[..., bytes]) -> None:
    server.behave(rules=Rule("overloaded", tries=1))
    for number in range(2):
        with pytest.raises(anthropic.OverloadedError):
            ask("messages", face(number))
        ask("messages", face(number))


def test_a_rule_can_be_about_one_image(server: ProviderServer, ask: Ask, face: Callable[..., bytes]) -> None:
    server.behave(rules=Rule("bad-request", image=hashlib.sha256(face(1)).hexdigest()[:16]))
    ask("messages", face(0))
    with pytest.raises(openai.BadRequestError):
        ask("chat", face(1))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rules": "overloadde"}, "answer 'overloadde' is not known; did you mean 'overloaded'?"),
        ({"rules": [{"answer": "refusal", "evry": 2}]}, "rule: field 'evry' is not known; did you mean 'every'?"),
        ({"rules": [{"answer": {"txt": "x"}}]}, "answer: field 'txt' is not known"),
        ({"latncy": 1}, "behaviour: field 'latncy' is not known; did you mean 'latency'?"),
        ({"models": [{"id": "m", "end": 1}]}, "model: field 'end' is not known"),
    ],
)
def test_a_misspelt_behaviour_is_refused(
    server: ProviderServer, changes: dict[str, Any], message: str, post: Post
) -> None:
    with pytest.raises(ConfigError) as caught:
        server.behave(**changes)
    assert str(caught.value).startswith(message)
    status, told = post(json.dumps(changes).encode(), "/_behaviour")
    assert (status, told["error"]) == (400, str(caught.value))


def test_a_behaviour_survives_json() -> None:
    behaviour = Behaviour().changed(
        {
            "latency": 0.1,
            "models": [Model("m", "retired")],
            "rules": [Rule(Answer("x", retry_after=2), numbers=(1,)), "refusal"],
        }
    )
    assert Behaviour().changed(json.loads(json.dumps(behaviour.as_dict()))) == behaviour
    with pytest.raises(ConfigError, match="cannot be handed to another process"):
        Behaviour().changed({"rules": lambda _: None}).as_dict()


@pytest.mark.parametrize("name", sorted(name for name, answer in ANSWERS.items() if not answer.fault))
def test_every_named_answer_comes_with_its_status(server: ProviderServer, name: str, post: Post) -> None:
    server.behave(rules=name)
    assert post()[0] == ANSWERS[name].status
