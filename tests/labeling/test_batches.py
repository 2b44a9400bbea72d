"""Batches through the real SDKs, against a server that misbehaves."""

import sqlite3
import threading
from collections import Counter

import pytest

from harness.errors import Interrupted, PartialResult, StageError
from harness.labeling.cache import FILE
from harness.testing.providers import ProviderServer, Rule, answered_more_than

BOTH = pytest.mark.parametrize("labeler", ["openai", "claude"])
QUICK = {"batch": True, "batch_poll": 0.05}


def outcomes(result):
    return Counter(row["outcome"] for row in result.votes)


def operations(server):
    return Counter(request.operation for request in server.requests)


# --- through the real SDKs


@BOTH
def test_faces_are_asked_in_one_batch_and_never_again(label, some_faces, labeler):
    faces = some_faces(12)
    with ProviderServer(batch_polls=3) as server:
        result = label(server, faces, labeler, **QUICK)
        done = operations(server)
        again = label(server, faces, labeler, **QUICK)
        plain = label(server, faces, labeler)
        assert operations(server) == done
    assert (done["reply"], done["batch.create"], done["batch.item"]) == (0, 1, 12)
    assert done["batch.retrieve"] >= 3
    assert outcomes(result) == {"label": 12}
    assert result.votes == again.votes == plain.votes


@BOTH
def test_batches_hold_no_more_than_they_may(label, some_faces, labeler):
    with ProviderServer() as server:
        label(server, some_faces(10), labeler, batch_requests=4, **QUICK)
    sizes = Counter(request.batch for request in server.requests if request.operation == "batch.item")
    assert sorted(sizes.values()) == [2, 4, 4]


def test_a_batch_costs_its_own_price(label, some_faces, prices):
    faces = some_faces(4)
    with ProviderServer(label="Sadly Angry") as server:
        plain = label(server, faces, "claude", prices=prices, store="other")
        batch = label(server, faces, "claude", prices=prices, **QUICK)
        again = label(server, faces, "claude", prices=prices)
    assert 0 < batch.summary["cost"] == pytest.approx(plain.summary["cost"] / 2)
    assert again.summary["cost"] == batch.summary["cost"]


@BOTH
def test_lost_doubled_expired_and_failed_items_are_asked_again(label, some_faces, labeler):
    rules = [
        Rule(answer, on="batch.item", numbers=(number,))
        for number, answer in enumerate(["lost", "twice", "expired", "canceled", "server-error"], start=1)
    ]
    with ProviderServer(rules=rules) as server:
        result = label(server, some_faces(8), labeler, **QUICK)
    assert outcomes(result) == {"label": 8}
    done = operations(server)
    assert (done["batch.create"], done["batch.item"]) == (2, 12)
    assert answered_more_than(1, server.requests) == {}


@BOTH
def test_what_expired_can_be_left_as_an_error(label, some_faces, labeler):
    rules = [Rule("expired", on="batch.item", numbers=(1, 2))]
    with ProviderServer(rules=rules) as server:
        result = label(server, some_faces(6), labeler, batch_ask_expired=False, **QUICK)
    assert outcomes(result) == {"label": 4, "error": 2}
    assert operations(server)["batch.create"] == 1
    assert "expired" in " ".join(row["detail"] for row in result.replies)


@BOTH
def test_refused_and_odd_items_keep_their_outcomes(label, some_faces, labeler):
    rules = [
        Rule("refusal", on="batch.item", numbers=(1,)),
        Rule("bad-request", on="batch.item", numbers=(2,)),
        Rule("truncated", on="batch.item", numbers=(3,)),
    ]
    faces = some_faces(6)
    with ProviderServer(rules=rules) as server:
        result = label(server, faces, labeler, **QUICK)
        label(server, faces, labeler, **QUICK)
    assert outcomes(result) == {"refused_provider": 1, "error": 1, "truncated": 1, "label": 3}
    assert operations(server)["batch.item"] == 6


@BOTH
def test_a_question_that_is_never_understood_is_not_kept(label, some_faces, labeler):
    faces = some_faces(6)
    with ProviderServer(rules=[Rule("bad-request", on="batch.item")]) as server:
        with pytest.raises(StageError, match="the provider refuses every request: .*; 0 replies to 6 questions"):
            label(server, faces, labeler, **QUICK)
        assert operations(server)["batch.create"] == 1
        server.behave(rules=())
        assert outcomes(label(server, faces, labeler, **QUICK)) == {"label": 6}


@BOTH
def test_a_create_whose_answer_was_lost_is_found_again(label, some_faces, labeler):
    with ProviderServer(rules=[Rule("drop-accepted", on="batch.create", numbers=(1,))]) as server:
        result = label(server, some_faces(6), labeler, **QUICK)
    assert outcomes(result) == {"label": 6}
    assert operations(server)["batch.item"] == 6


@BOTH
def test_a_create_that_never_arrived_is_sent_again(label, some_faces, labeler):
    with ProviderServer(rules=[Rule("drop-before", on="batch.create", numbers=(1,))]) as server:
        result = label(server, some_faces(6), labeler, **QUICK)
    assert outcomes(result) == {"label": 6}
    assert operations(server)["batch.item"] == 6


@BOTH
def test_failures_on_the_way_are_sat_out(label, some_faces, labeler):
    results = "batch.results" if labeler == "claude" else "file.content"
    rules = [
        Rule("overloaded", on="batch.create", numbers=(1,)),
        Rule("server-error", on="batch.retrieve", numbers=(1,)),
        Rule("drop-during", on=results, numbers=(1,)),
    ]
    with ProviderServer(rules=rules) as server:
        result = label(server, some_faces(40), labeler, **QUICK)
    assert outcomes(result) == {"label": 40}
    assert operations(server)["batch.item"] == 40
    assert operations(server)[results] >= 2


@BOTH
def test_a_batch_that_is_not_accepted_stops_with_one_line(label, some_faces, labeler):
    faces = some_faces(6)
    with ProviderServer(rules=[Rule("authentication", on="batch.create")]) as server:
        with pytest.raises(StageError, match="the batch was not accepted: ") as error:
            label(server, faces, labeler, **QUICK)
        assert "\n" not in str(error.value)
        server.behave(rules=())
        assert outcomes(label(server, faces, labeler, **QUICK)) == {"label": 6}
    assert operations(server)["batch.item"] == 6


@BOTH
def test_two_steps_are_two_batches(label, some_faces, labeler):
    with ProviderServer() as server:
        result = label(server, some_faces(5), labeler, prompts="describe-first", **QUICK)
    assert len(result.votes) == 5
    assert operations(server)["batch.create"] == 2
    assert operations(server)["batch.item"] == 10
    assert all(reply["earlier"] for reply in result.replies)


def test_equal_faces_are_one_item(label, faces):
    folder = faces(*(("a", number, number % 2) for number in range(10)))
    with ProviderServer() as server:
        result = label(server, folder, "claude", **QUICK)
    assert operations(server)["batch.item"] == 2
    assert outcomes(result) == {"label": 10}


def test_a_rung_with_another_model_is_asked_by_its_own_batches_or_one_by_one(label, some_faces):
    faces = some_faces(4)
    for batch, expected in ((True, {"batch.item": 8, "reply": 0}), (False, {"batch.item": 4, "reply": 4})):
        with ProviderServer() as server:
            server.behave(rules=[Rule(lambda request: None if request.model == "strong" else "Bored", on="*")])
            labeler = {"use": "claude", "model": "strong", "check_model": False, "base_url": server.url, "batch": batch}
            rung = {"change": "model", "labeler": {**labeler, "batch_poll": 0.05}}
            result = label(server, faces, "claude", escalation=[rung], store=f"store-{batch}", **QUICK)
        assert outcomes(result) == {"label": 4}
        assert result.summary["rungs"] == {"1": 4}
        done = operations(server)
        assert {name: done[name] for name in expected} == expected


def test_the_cap_holds_over_rounds_and_the_same_command_goes_on(label, some_faces, prices):
    faces = some_faces(20)
    options = {"prompts": "describe-first", "prices": prices, "max_tokens": 16, **QUICK}
    with ProviderServer(label="Sadly Angry") as server:
        whole = label(server, faces, "claude", store="other", **options).summary["cost"]
        server.reset()
        cap = 0.7 * whole
        with pytest.raises(PartialResult, match="max_cost of .* is reached: the replies cost") as error:
            label(server, faces, "claude", max_cost=cap, **options)
        items = operations(server)["batch.item"]
        assert 20 <= items < 40
        assert f"{items} replies to 20 questions are kept" in str(error.value)
        result = label(server, faces, "claude", max_cost=2 * whole, **options)
        assert answered_more_than(1, server.requests) == {}
    assert result.summary["cost"] == pytest.approx(whole)
    assert items * whole / 40 <= cap * 1.1


def test_a_cap_that_nobody_can_hold_is_refused(label, some_faces, prices):
    with ProviderServer() as server:
        with pytest.raises(StageError, match="max_cost cannot be held in batches: nobody knows how many tokens"):
            label(server, some_faces(3), prices=prices, max_cost=5.0, **QUICK)
        assert operations(server)["batch.create"] == 0


@BOTH
def test_a_stop_while_waiting_leaves_the_batch_to_be_followed(label, some_faces, labeler, tmp_path):
    faces, stopping, lines = some_faces(6), threading.Event(), []

    def progress(text, done, total):
        lines.append((text, done, total))
        if text.startswith("batch "):
            stopping.set()

    with ProviderServer(batch_polls=10**6) as server:
        with pytest.raises(Interrupted, match="the same command goes on"):
            label(server, faces, labeler, stopping=stopping, progress=progress, **QUICK)
        server.behave(batch_polls=1)
        result = label(server, faces, labeler, **QUICK)
    assert outcomes(result) == {"label": 6}
    assert operations(server)["batch.item"] == 6
    assert ("handing in a batch of 6", 0, None) in lines
    with sqlite3.connect(tmp_path / "store" / FILE) as db:
        assert db.execute("SELECT COUNT(*) FROM batches").fetchone() == (0,)
    db.close()


def test_a_labeler_without_batches_says_so(label, some_faces):
    from harness.labeling.providers import Models

    class Plain:
        async def reply(self, image, prompt, schema):
            raise AssertionError("asked")

    with ProviderServer() as server, pytest.MonkeyPatch.context() as patch:
        patch.setattr(Models, "_build", lambda self, one: Plain())
        with pytest.raises(StageError, match="labeler 'openai' has no batch API; take the option batch out"):
            label(server, some_faces(1), **QUICK)
