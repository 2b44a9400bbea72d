"""The stage run again: what asks anew and what does not, caps, consent, offline, stops, damage."""

import os
import signal
import sqlite3
import threading
import time
from collections import Counter

import pytest

from harness.errors import ConfigError, Interrupted, PartialResult, StageError, StoreError
from harness.testing.providers import ANSWERS, ProviderServer, Rule, answered_more_than

REMOTE = "http://192.0.2.1"  # an address for documents, which nobody answers at


def outcomes(result):
    return Counter(row["outcome"] for row in result.votes)


def asked_anew(label, server, faces, first, second):
    """Requests that the second run sends after the first."""
    label(server, faces, **first)
    before = len(server.replies)
    label(server, faces, **second)
    return len(server.replies) - before


# --- keys


@pytest.mark.parametrize(
    "change",
    [
        {"limits": {"connections": 9, "timeout": 7, "attempts": 3, "requests_per_minute": 1e5, "give_up_after": 50}},
        {"prices": "prices"},
        {"max_cost": 5.0, "prices": "prices"},
        {"max_failed": 0.5},
        {"http": "httpx"},
        {"escalation": [{"change": "grey"}]},
        {"image": {"quality": 50}},  # for changed images only, and none is
        {"store": "store"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_decides_no_reply_asks_nobody_anew(label, some_faces, prices, change):
    change = {**change, **({"prices": prices} if "prices" in change else {})}
    with ProviderServer(label="Sadly Angry") as server:
        assert asked_anew(label, server, some_faces(3), {}, change) == 0


def test_another_name_of_the_same_prompt_asks_nobody_anew(label, some_faces, prompts):
    first, second = (prompts(name, "Which is it: {options}?") for name in ("first", "second"))
    with ProviderServer() as server:
        assert asked_anew(label, server, some_faces(3), {"prompts": first}, {"prompts": second}) == 0


@pytest.mark.parametrize(
    "change",
    [
        {"model": "other"},
        {"prompts": "enum"},
        {"answer": "enum"},
        {"temperature": 0.5},
        {"max_tokens": 77},
        {"detail": "low"},
        {"image": {"min_side": 64}},
        {"image": {"grey": True, "min_side": 16}},
        {"shuffle": True},
        {"store": "other"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_decides_a_reply_asks_anew(label, some_faces, change):
    with ProviderServer() as server:
        assert asked_anew(label, server, some_faces(3), {}, change) == 3


def test_one_vote_more_asks_for_that_vote_alone(label, some_faces):
    with ProviderServer() as server:
        assert asked_anew(label, server, some_faces(3), {"votes": 2}, {"votes": 3}) == 3


def test_two_labelers_do_not_share_replies(label, some_faces):
    with ProviderServer() as server:
        assert asked_anew(label, server, some_faces(3), {}, {"labeler": "claude"}) == 3


# --- the ladder


def test_the_ladder_is_climbed_rung_by_rung_and_the_rung_recorded(label, some_faces, faces, prompts, tmp_path):
    folder = some_faces(5)
    folder.rename(tmp_path / "small")
    larger = faces(*(("a", number, 100 + number) for number in range(5)))
    other = prompts("other", "Name the expression: {options}.")
    escalation = [
        {"change": "prompt", "prompts": other},
        {"change": "larger-crop"},
        {"change": "grey"},
        {"change": "model", "labeler": {"use": "claude", "model": "strong", "check_model": False, "prompts": other}},
    ]
    with ProviderServer() as server:
        escalation[3]["labeler"]["base_url"] = server.url
        server.behave(rules=[Rule(lambda request: None if request.model == "strong" else ANSWERS["refusal-in-words"])])
        result = label(server, tmp_path / "small", larger=larger, escalation=escalation)
        again = len(server.replies)
        label(server, tmp_path / "small", larger=larger, escalation=escalation)
        assert len(server.replies) == again
    assert outcomes(result) == {"label": 5}
    assert {reply["rung"] for reply in result.replies} == {4}
    assert result.summary["rungs"] == {"4": 5}
    assert {reply["model"] for reply in result.replies} == {"strong"}
    assert result.notices == ()  # both models are those that were asked
    assert Counter(request.wire for request in server.replies) == {"openai": 5 * 4, "anthropic": 5}


def test_the_ladder_of_an_unknown_labeler_is_refused(label, some_faces):
    with ProviderServer() as server:
        with pytest.raises(ConfigError, match="escalation rung 1: labeler 'simulated' is no vision-language model"):
            label(server, some_faces(1), escalation=[{"change": "model", "labeler": {"use": "simulated"}}])
        assert server.requests == []


# --- money


def test_the_cap_stops_cleanly_and_a_higher_one_goes_on(label, some_faces, prices):
    faces = some_faces(30)
    with ProviderServer(label="Sadly Angry") as server:
        whole = label(server, faces, prices=prices, store="other").summary["cost"]
        server.reset()
        with pytest.raises(PartialResult) as error:
            label(server, faces, prices=prices, max_cost=whole / 2, max_tokens=16)
        first = len(server.replies)
        assert f"max_cost of ${whole / 2:g} is reached: the replies cost $" in str(error.value)
        assert str(error.value).endswith(f"; {first} replies to 30 questions are kept; raise max_cost to go on")
        assert whole / 30 * first <= whole / 2
        assert first >= 12
        result = label(server, faces, prices=prices, max_cost=whole * 1.1, max_tokens=16)
        assert answered_more_than(1, server.requests) == {}
    assert len(server.replies) == 30
    assert result.summary["cost"] == pytest.approx(whole)


def test_equal_faces_cost_once(label, faces, prices):
    folder = faces(*(("a", number, 0) for number in range(6)))
    with ProviderServer(label="Sadly Angry") as server:
        result = label(server, folder, prices=prices)
    assert len(server.replies) == 1
    tokens = result.summary["tokens"]
    assert result.summary["cost"] == pytest.approx((tokens["input"] * 1000 + tokens["output"] * 2000) / 1e6)
    assert tokens["input"] == result.replies[0]["input_tokens"]


def test_a_cap_without_a_price_is_refused(label, some_faces):
    with pytest.raises(ConfigError, match="max_cost cannot be held, the price of model 'nobody-knows' is not known"):
        label(REMOTE, some_faces(1), model="nobody-knows", max_cost=1.0, params={"allow_remote": True})


def test_a_cap_without_the_price_of_a_rung_is_refused(label, some_faces, prices):
    rung = {"change": "model", "labeler": {"use": "openai", "model": "nobody-knows", "base_url": REMOTE}}
    with ProviderServer() as server:
        with pytest.raises(ConfigError, match="'nobody-knows' is not known"):
            label(server, some_faces(1), prices=prices, max_cost=1.0, escalation=[rung], params={"allow_remote": True})
        assert server.requests == []


# --- consent


def test_faces_go_nowhere_without_consent(label, some_faces, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    began = time.monotonic()
    with pytest.raises(ConfigError) as error:
        label(REMOTE, some_faces(3))
    assert time.monotonic() - began < 2
    assert str(error.value) == (
        "labeler 'openai' would send the faces of data set 'clips' to 192.0.2.1; nothing was sent. If the licence of "
        "the data and the people in it allow that, set data.allow_remote = true"
    )


@pytest.mark.parametrize("use", ["openai", "claude"])
def test_a_remote_rung_needs_consent_before_the_first_request(label, some_faces, use):
    rung = {"change": "model", "labeler": {"use": use, "model": "m", "base_url": REMOTE}}
    with ProviderServer() as server:
        with pytest.raises(ConfigError, match=r"to 192\.0\.2\.1; nothing was sent"):
            label(server, some_faces(3), escalation=[rung])
        assert server.counts.connections == 0


# --- offline


@pytest.mark.parametrize("labeler", ["openai", "claude"])
def test_offline_a_labelling_is_replayed_without_network_or_key(label, some_faces, labeler, monkeypatch):
    faces = some_faces(4)
    with ProviderServer() as server:
        first = label(server, faces, labeler)
        url = server.url if labeler == "claude" else server.openai_url
    monkeypatch.setenv("HARNESS_OFFLINE", "1")
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    again = label(url, faces, labeler)
    assert again.votes == first.votes
    assert again.replies == first.replies


def test_offline_nothing_is_asked_and_that_is_said(label, some_faces, monkeypatch):
    faces = some_faces(4)
    monkeypatch.setenv("HARNESS_OFFLINE", "1")
    with ProviderServer() as server:
        with pytest.raises(StageError, match="4 of 4 questions have no stored reply, and nothing is asked offline"):
            label(server, faces)
        with pytest.raises(StageError, match="4 of 4 questions have no stored reply"):
            label(server, faces, batch=True)
        assert server.counts.connections == 0


# --- stopping


def test_a_stop_finishes_what_is_under_way_and_the_same_command_goes_on(label, some_faces):
    faces, stopping = some_faces(40), threading.Event()
    with ProviderServer(latency=0.05) as server:

        def progress(_text, done, _total):
            if done >= 4:
                stopping.set()

        with pytest.raises(Interrupted, match=r"\d+ replies to 40 questions are kept; the same command goes on"):
            label(server, faces, stopping=stopping, progress=progress)
        assert 4 <= len(server.replies) < 40
        assert all(request.answered for request in server.replies)
        result = label(server, faces)
        assert answered_more_than(1, server.requests) == {}
    assert outcomes(result) == {"label": 40}
    assert len(server.replies) == 40


def test_a_signal_is_a_stop_where_the_stage_runs_in_the_main_thread(label, some_faces):
    before, stops = signal.getsignal(signal.SIGINT), []

    def progress(_text, done, _total):
        if done >= 4 and not stops:
            stops.append(done)
            os.kill(os.getpid(), signal.SIGINT)

    with ProviderServer(latency=0.05) as server, pytest.raises(Interrupted):
        label(server, some_faces(40), progress=progress)
    assert signal.getsignal(signal.SIGINT) is before


def test_a_face_that_cannot_be_sent_ends_it_without_losing_what_is_paid(label, faces, tmp_path):
    from harness.errors import DataError
    from harness.faces.artifact import CROPS, TableWriter

    folder = faces(*(("a", number, number) for number in range(40)))
    import pyarrow.parquet as pq

    rows = pq.read_table(folder / CROPS).to_pylist()
    rows[39]["image"] = b"neither JPEG nor PNG"
    (tmp_path / "odd").mkdir()
    with TableWriter(tmp_path / "odd", CROPS) as writer:
        for row in rows:
            writer.append({name: [row[name]] for name in rows[0]})
    with ProviderServer(latency=0.2) as server:
        with pytest.raises(DataError, match="must be JPEG or PNG"):
            label(server, tmp_path / "odd", limits={"connections": 8})
        assert all(request.answered for request in server.replies)
        label(server, folder)
        assert answered_more_than(1, server.requests) == {}


# --- the cache


def test_a_damaged_cache_is_named_before_anything_is_sent(label, some_faces, tmp_path):
    faces = some_faces(3)
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "replies.sqlite").write_bytes(b"damaged" * 1000)
    with ProviderServer() as server:
        with pytest.raises(StoreError, match=r"replies\.sqlite' cannot be used .*; move the file away"):
            label(server, faces)
        assert server.counts.connections == 0


def test_a_reply_that_was_damaged_in_the_cache_is_named(label, some_faces, tmp_path):
    faces = some_faces(3)
    with ProviderServer() as server:
        label(server, faces)
        with sqlite3.connect(tmp_path / "store" / "replies.sqlite") as db:
            db.execute("UPDATE replies SET reply = '{'")
        db.close()
        with pytest.raises(StoreError, match="cannot be used"):
            label(server, faces)
        assert len(server.replies) == 3


def test_two_runs_at_once_agree(label, some_faces):
    def answer(request):
        return "Sadly Surprised" if request.number % 2 else "Angrily Surprised"

    faces, results = some_faces(30), {}
    with ProviderServer(latency=0.02, rules=[Rule(answer)]) as server:

        def run(name):
            results[name] = label(server, faces)

        threads = [threading.Thread(target=run, args=[name]) for name in "ab"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert answered_more_than(2, server.requests) == {}
    assert [row["label"] for row in results["a"].votes] == [row["label"] for row in results["b"].votes]
    assert outcomes(results["a"]) == {"label": 30}
