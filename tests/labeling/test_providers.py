import pytest

from harness.config import parse
from harness.errors import ConfigError
from harness.expressions import label_space
from harness.labeling.brake import Brake
from harness.labeling.budget import MOST_OUTPUT
from harness.labeling.cache import FILE, ReplyCache
from harness.labeling.meter import Meter
from harness.labeling.providers import (
    Models,
    asked,
    cap_of,
    check_consent,
    decides,
    ladder,
    parser_of,
    voters,
)
from harness.layout import experiment_plan
from harness.plugins import Registry

SPACE = label_space("abaw-compound-7")
LOCAL, REMOTE = "http://127.0.0.1:9", "http://192.0.2.1"


@pytest.fixture(scope="module")
def registry():
    return Registry.discover()


@pytest.fixture
def one(registry):
    """A described model: one("openai", max_cost=1.0)."""

    def make(use="openai", **options):
        return asked(registry, {"use": use, "options": {"model": "priced", "base_url": LOCAL, **options}})

    return make


def test_a_labeler_that_is_no_language_model_is_none(registry):
    assert asked(registry, {"use": "simulated", "options": {}}) is None


def test_the_prompt_set_says_how_to_answer_unless_the_options_do(one):
    assert not one().enum
    assert one(prompts="enum").enum
    assert one(answer="enum").enum
    assert not one(prompts="enum", answer="text").enum


@pytest.mark.parametrize("use", ["openai", "claude"])
def test_what_is_local_costs_nothing_unless_a_price_file_names_it(one, prices, use):
    assert vars(one(use).price.rates) == dict.fromkeys(("input", "output", "cache_read", "cache_write"), 0.0)
    assert one(use, prices=prices).price.rates.input == 1000
    assert one(use, model="other", prices=prices).price.rates.input == 0


def test_what_is_remote_costs_what_is_known(one, prices):
    assert one(base_url=REMOTE, prices=prices).price.rates.output == 2000
    assert one(base_url=REMOTE, model="nobody-knows").price is None
    assert one("claude", model="claude-haiku-4-5", base_url=REMOTE).price.rates.input > 0


def test_the_most_tokens_of_a_reply_are_the_options_or_a_guess(one):
    assert one(max_tokens=77).terms().most_output == 77
    assert one().terms().most_output == 256
    assert MOST_OUTPUT == 1024


def test_the_smallest_cap_holds_for_the_whole_ladder(one, prices):
    free = one()
    assert cap_of([free]) is None
    assert cap_of([free, one(max_cost=5.0)]) == 5.0
    assert cap_of([one(max_cost=2.0), one(max_cost=5.0), free]) == 2.0


def test_a_cap_needs_every_price(one):
    unknown = one(base_url=REMOTE, model="nobody-knows")
    assert cap_of([unknown]) is None
    with pytest.raises(
        ConfigError, match="labeler 'openai': max_cost cannot be held, the price of model 'nobody-knows'"
    ):
        cap_of([one(max_cost=5.0), unknown])


# --- consent


@pytest.mark.parametrize("url", ["http://localhost:8000", "http://127.0.0.2", "http://[::1]:80", "http://LOCALHOST."])
def test_loopback_needs_no_consent(one, url):
    check_consent([one(base_url=url)], False, "faces")


@pytest.mark.parametrize(
    "url",
    [REMOTE, "https://api.openai.com/v1", "http://0.0.0.0:80", "http://127.0.0.1.example.org", "http://localhost.org"],
)
def test_anything_else_needs_it(one, url):
    with pytest.raises(ConfigError, match=r"would send the faces of data set 'faces' to .*data\.allow_remote = true"):
        check_consent([one(), one(base_url=url)], False, "faces")
    check_consent([one(base_url=url)], True, "faces")


# --- the ladder


def test_every_rung_has_its_model(registry, one, prompts):
    other = prompts("other", "Name it: {options}.")
    first = one(
        escalation=[
            {"change": "prompt", "prompts": other},
            {"change": "grey"},
            {"change": "larger-crop"},
            {"change": "model", "labeler": {"use": "claude", "model": "strong", "base_url": LOCAL}},
        ]
    )
    by_prompt, grey, larger, strong = ladder(registry, first)
    assert (by_prompt.options, by_prompt.prompts.name) == (first.options, "other")
    assert grey is larger is first
    assert (strong.name, strong.options.model) == ("claude", "strong")


@pytest.mark.parametrize(
    ("rung", "message"),
    [
        ({"change": "model"}, r"rung 1 changes the model; name a labeler: labeler = \{use = ..., model = ...\}"),
        ({"change": "prompt"}, "rung 1 changes the prompt; name a prompt set: prompts = ..."),
        (
            {"change": "model", "labeler": {"use": "simulated"}},
            "rung 1: labeler 'simulated' is no vision-language model",
        ),
        ({"change": "model", "labeler": {"use": "opnai"}}, "did you mean 'openai'"),
    ],
)
def test_a_rung_that_cannot_be_is_refused(registry, one, rung, message):
    with pytest.raises(ConfigError if "mean" not in message else Exception, match=message):
        ladder(registry, one(escalation=[rung]))


def test_prompts_and_parser_decide_the_labels(registry, one, prompts):
    first, second = one(prompts=prompts("a", "Which: {options}?")), one(prompts=prompts("b", "Which one: {options}?"))
    assert decides(first, []) != decides(second, [])
    assert decides(first, []) != decides(first, [second])


def test_voters_are_named_by_prompt_and_vote(one, prompts):
    rendered = one(prompts=prompts("two", "A: {options}?", "B: {options}?")).render(SPACE)
    assert [(voter.name, voter.vote) for voter in voters("vlm", rendered, 2)] == [
        ("vlm/P1", 0), ("vlm/P1#2", 1), ("vlm/P2", 0), ("vlm/P2#2", 1),
    ]  # fmt: skip


def test_a_parser_is_made_once():
    assert parser_of(SPACE, {}) is parser_of(SPACE, {})
    assert parser_of(SPACE, {"Cross": "Sadly Angry"}).parse("Cross").outcome == "label"


# --- engines


@pytest.fixture
def models(registry, tmp_path, virtual):
    """Calls a function with the models of a labelling, inside a loop."""

    def run(use, **options):
        async def main():
            brake = Brake()
            with ReplyCache(tmp_path / FILE) as cache:
                found = Models(registry, cache, Meter(), brake, None, **options)
                try:
                    return use(found)
                finally:
                    await found.close()

        return virtual(main())[0]

    return run


def test_rungs_that_ask_the_same_model_share_its_limits(registry, one, models, prompts):
    first = one(escalation=[{"change": "grey"}, {"change": "prompt", "prompts": prompts("other", "Name: {options}.")}])

    def use(found):
        ways = found.questioner(first, ladder(registry, first), SPACE).ways
        assert len(found.engines) == 1
        assert [way.image.grey for way in ways] == [False, True, False]
        assert [way.prompt and way.prompt.name for way in ways] == [None, None, "P1"]
        assert {way.ask.__self__ for way in ways} == set(found.engines.values())

    models(use)


def test_a_model_is_built_when_it_is_asked(one, models, monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    remote = one(base_url=REMOTE)
    assert models(lambda found: found.engine(remote).offline, offline=True)
    assert not models(lambda found: found.engine(remote).offline)
    with pytest.raises(ConfigError, match="needs an API key"):
        models(lambda found: found.engine(remote).model)


def test_what_is_announced_as_a_model_and_is_none_is_refused(one, models, registry, monkeypatch):
    monkeypatch.setattr(Registry, "build", lambda *_, **__: object())
    with pytest.raises(ConfigError, match="labeler 'openai' is announced as a language model but has no `reply`"):
        models(lambda found: found.engine(one()).model)


# --- the plan refuses what the stage would


def plan_of(registry, labeler, **data):
    return experiment_plan(
        parse(
            {
                "name": "x", "benchmark": "b", "data": {"target": {"use": "synthetic", "part": "stills"}, **data},
                "faces": {"detector": "whole-frame", "align": "box"}, "labeling": {"labelers": [labeler]},
                "training": {"backbones": []},
            },
            "test",
        ),
        registry,
        lambda _path: "digest",
    )  # fmt: skip


def test_the_plan_refuses_to_send_faces_away_without_consent(registry):
    labeler = {"use": "openai", "model": "m", "base_url": REMOTE}
    with pytest.raises(ConfigError, match=r"labeling\.labelers\.0: labeler 'openai' would send the faces of data set"):
        plan_of(registry, labeler)
    assert "label:0" in plan_of(registry, labeler, allow_remote=True).stages
    assert "label:0" in plan_of(registry, {**labeler, "base_url": LOCAL}).stages


def test_the_plan_refuses_a_cap_that_cannot_be_held(registry):
    labeler = {"use": "openai", "model": "nobody-knows", "base_url": REMOTE, "max_cost": 1.0}
    with pytest.raises(ConfigError, match=r"labeling\.labelers\.0: .*max_cost cannot be held"):
        plan_of(registry, labeler, allow_remote=True)


def test_the_plan_refuses_rungs_that_cannot_be(registry):
    labeler = {"use": "openai", "model": "m", "base_url": LOCAL}
    with pytest.raises(ConfigError, match=r"labeling\.labelers\.0: .* rung 1 changes the model"):
        plan_of(registry, {**labeler, "escalation": [{"change": "model"}]})
    margins = [{"change": "larger-crop", "margin": margin} for margin in (0.2, 0.4)]
    with pytest.raises(ConfigError, match="rungs with larger crops of different margins"):
        plan_of(registry, {**labeler, "escalation": margins})


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ({"limits": {"connections": 3, "timeout": 9}}, True),
        ({"max_cost": 3.0}, True),
        ({"max_failed": 0.5}, True),
        ({"batch": True, "batch_poll": 5}, True),
        ({"model": "other"}, False),
        ({"votes": 2}, False),
        ({"prompts": "enum"}, False),
        ({"image": {"grey": True}}, False),
        ({"temperature": 0.5}, False),
        ({"escalation": [{"change": "grey"}]}, False),
    ],
    ids=str,
)
def test_what_changes_no_label_leaves_the_artifact_standing(registry, change, same):
    labeler = {"use": "openai", "model": "m", "base_url": LOCAL}
    first, second = plan_of(registry, labeler), plan_of(registry, {**labeler, **change})
    assert (first.stages["label:0"].fingerprint == second.stages["label:0"].fingerprint) is same


def test_consent_changes_no_label(registry):
    labeler = {"use": "openai", "model": "m", "base_url": LOCAL}
    first, second = plan_of(registry, labeler), plan_of(registry, labeler, allow_remote=True)
    assert first.stages["label:0"].fingerprint == second.stages["label:0"].fingerprint
