import pytest

from harness.errors import StageError
from harness.expressions import label_space
from harness.labeling.estimate import DESCRIPTION_TOKENS, REPLY_TOKENS, estimate
from harness.labeling.providers import asked
from harness.plugins import Registry
from harness.testing.providers import ANSWERS, ProviderServer, Rule

SPACE = label_space("abaw-compound-7")
ALL = {"rule": "all"}


@pytest.fixture
def told(tmp_path, prompts):
    """The estimate for a faces artifact and options of the labeler claude."""
    registry, question = Registry.discover(), prompts("one", "Which expression is it: {options}?")

    def run(faces, *, sample=ALL, use="claude", **options):
        defaults = {"model": "priced", "base_url": "http://127.0.0.1:9", "prompts": question}
        if use == "claude":
            defaults["max_tokens"] = 64
        one = asked(registry, {"use": use, "options": {**defaults, **options}})
        return estimate(one, faces, sample, SPACE, tmp_path / "store")

    return run


def test_everything_is_still_to_be_asked_at_first(told, some_faces, prices):
    found = told(some_faces(10), votes=2, prices=prices)
    assert (found.faces, found.questions, found.stored, found.requests) == (10, 20, 0, 20)
    assert found.output_tokens == 20 * REPLY_TOKENS
    assert found.input_tokens > 20 * 30
    assert found.cost == pytest.approx((found.input_tokens * 1000 + found.output_tokens * 2000) / 1e6)


def test_batches_are_told_at_their_own_price(told, some_faces, prices):
    faces = some_faces(3)
    assert told(faces, prices=prices, batch=True).cost == pytest.approx(told(faces, prices=prices).cost / 2)


def test_what_is_stored_costs_nothing_more(told, label, some_faces):
    faces = some_faces(6)
    with ProviderServer() as server:
        label(server, faces, "claude", params={"sample": {"rule": "every", "every": 2}})
    asked = {"base_url": server.url}
    found = told(faces, **asked)
    assert (found.questions, found.stored, found.requests) == (6, 3, 3)
    assert told(faces, sample={"rule": "every", "every": 2}, **asked).requests == 0
    assert told(faces, **{**asked, "model": "other"}).requests == 6


def test_equal_faces_are_asked_once(told, faces):
    found = told(faces(*(("a", number, number % 3) for number in range(9))))
    assert (found.faces, found.requests) == (9, 3)


def test_every_step_is_a_request_and_a_stored_first_one_is_none(told, label, some_faces):
    faces = some_faces(4)
    denied = ANSWERS["authentication"]
    with ProviderServer(rules=[Rule(lambda request: None if len(request.texts) == 1 else denied)]) as server:
        asked = {"prompts": "describe-first", "base_url": server.url}
        before = told(faces, **asked)
        assert (before.requests, before.output_tokens) == (8, 4 * (DESCRIPTION_TOKENS + REPLY_TOKENS))
        with pytest.raises(StageError):
            label(server, faces, "claude", prompts="describe-first", limits={"connections": 1})
        described = sum(request.answered for request in server.replies)
        after = told(faces, **asked)
        assert 1 <= described <= 4
        assert (after.stored, after.requests) == (0, 8 - described)
        server.behave(rules=())
        label(server, faces, "claude", prompts="describe-first")
    assert told(faces, **asked).stored == 4


def test_what_nobody_knows_is_not_told(told, some_faces, prices):
    faces = some_faces(2)
    local = told(faces, use="openai")
    assert (local.input_tokens, local.cost) == (None, 0.0)
    priced = told(faces, use="openai", prices=prices)
    assert (priced.input_tokens, priced.cost) == (None, None)
    remote = told(faces, model="nobody-knows", base_url="http://192.0.2.1")
    assert remote.cost is None
    assert remote.input_tokens > 0


@pytest.mark.parametrize(
    ("limits", "seconds"),
    [
        ({"connections": 10}, 10 * 2 / 10),
        ({"connections": 1}, 10 * 2),
        ({"connections": 10, "requests_per_minute": 10}, 60),
        ({"connections": 10, "output_tokens_per_minute": REPLY_TOKENS}, 600),
    ],
)
def test_the_time_is_that_of_the_narrowest_limit(told, some_faces, limits, seconds):
    assert told(some_faces(10), limits=limits).seconds == pytest.approx(seconds)
