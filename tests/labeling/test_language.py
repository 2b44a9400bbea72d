"""The stage with the real plugins, against a server that misbehaves: what becomes of replies and failures."""

import hashlib
import math
import socket
from collections import Counter

import pytest

from harness.errors import PartialResult, StageError
from harness.labeling.votes import read_votes
from harness.testing.providers import Answer, ProviderServer, Rule, answered_more_than, script

BOTH = pytest.mark.parametrize("labeler", ["openai", "claude"])
PASSING = (
    "rate-limit", "unavailable", "overloaded", "server-error", "bad-gateway", "drop-before", "reset-before",
    "drop-during", "reset-during", "malformed", "empty", "html",
)  # fmt: skip


def outcomes(result):
    return Counter(row["outcome"] for row in result.votes)


def labels(result):
    return [row["label"] for row in result.votes]


# --- replies


@BOTH
def test_every_face_gets_the_label_that_the_model_gave_it(label, some_faces, labeler):
    faces = some_faces(20)
    with ProviderServer() as server:
        result = label(server, faces, labeler)
    said = {request.image: request.said for request in server.replies}
    assert outcomes(result) == {"label": 20}
    for row, reply in zip(result.votes, result.replies, strict=True):
        assert (row["face"], row["clip"], row["frame"]) == (reply["face"], reply["clip"], reply["frame"])
        assert (reply["outcome"], reply["label"], reply["model"]) == ("label", row["label"], "priced")
    assert Counter(reply["text"] for reply in result.replies) == Counter(said.values())
    assert result.notices == ()
    assert result.summary["outcomes"] == {f"{labeler}/P1": {"label": 20}}
    assert result.summary["replies"] == 20


def test_faces_leave_as_they_are_stored(label, faces):
    folder = faces(("a", 0, 7))
    import pyarrow.parquet as pq

    stored = pq.read_table(folder / "crops.parquet")["image"][0].as_py()
    with ProviderServer() as server:
        label(server, folder)
    assert [request.image for request in server.replies] == [hashlib.sha256(stored).hexdigest()]


@BOTH
def test_refusals_and_odd_replies_stay_visible(label, some_faces, labeler):
    rules = script("refusal", "refusal-in-words", "no-text", Answer("Bored"), Answer("Sadly", stop="length"), "refusal")
    with ProviderServer(rules=rules) as server:
        result = label(server, some_faces(8), labeler, limits={"connections": 1})
    assert outcomes(result) == {
        "refused_provider": 2, "refused_text": 1, "unparsed": 2, "truncated": 1, "label": 2,
    }  # fmt: skip
    texts = {reply["outcome"]: reply["text"] for reply in result.replies if reply["text"]}
    assert "identify" in texts["refused_text"]
    assert texts["unparsed"] == "Bored"
    assert [row["label"] for row in result.votes if row["outcome"] != "label"] == [-1] * 6
    (notice,) = result.notices
    assert "6 of 8 questions gave no label: " in notice
    for told in ("refused_text 1", "refused_provider 2", "unparsed 2", "truncated 1"):
        assert told in notice


@BOTH
def test_another_model_than_the_one_asked_is_noticed(label, some_faces, labeler):
    with ProviderServer(rules=[Rule("other-model", numbers=(2,))]) as server:
        result = label(server, some_faces(3), labeler)
    assert result.notices == (f"labeler {labeler!r}: asked priced, answered by another-model-20260101",)
    assert result.summary["models"] == {"another-model-20260101": 1, "priced": 2}


def test_log_probabilities_become_soft_votes(label, some_faces, tmp_path):
    with ProviderServer() as server:
        result = label(server, some_faces(4), logprobs=True)
    for row in result.votes:
        assert 1 / 7 <= row["confidence"] < 1
        assert row["probabilities"][row["label"]] == pytest.approx(row["confidence"])
        assert math.fsum(row["probabilities"]) == pytest.approx(1)
    (table,) = read_votes(next(tmp_path.glob("tmp*")))
    assert not table.hard


@BOTH
def test_an_enum_answer_is_asked_for_by_schema(label, some_faces, labeler):
    with ProviderServer() as server:
        result = label(server, some_faces(3), labeler, answer="enum")
    assert outcomes(result) == {"label": 3}
    assert all(reply["text"].startswith('{"label":') for reply in result.replies)


def test_two_steps_are_one_conversation(label, some_faces):
    rules = [Rule(lambda request: "It smiles." if len(request.texts) == 1 else "Sadly Angry")]
    with ProviderServer(rules=rules) as server:
        result = label(server, some_faces(3), prompts="describe-first")
    assert outcomes(result) == {"label": 3}
    assert len(server.replies) == 6
    assert {reply["earlier"] for reply in result.replies} == {"It smiles."}
    second = [request for request in server.replies if len(request.texts) == 3]
    assert [request.texts[1] for request in second] == ["It smiles."] * 3
    assert sum(reply["output_tokens"] for reply in result.replies) == result.summary["tokens"]["output"]


def test_each_prompt_is_a_voter_of_its_own(label, some_faces, prompts):
    two = prompts("two", "Which is it: {options}?", "Choose: {options}.")
    with ProviderServer() as server:
        result = label(server, some_faces(3), prompts=two, votes=2)
    voters = ["openai/P1", "openai/P1#2", "openai/P2", "openai/P2#2"]
    assert [row["voter"] for row in result.votes[:4]] == voters
    assert list(result.summary["outcomes"]) == voters
    assert len(server.replies) == 12


def test_equal_faces_are_asked_once(label, faces):
    folder = faces(*(("a", number, number % 2) for number in range(10)))
    with ProviderServer(latency=0.1) as server:
        result = label(server, folder, limits={"connections": 10})
    assert len(server.replies) == 2
    assert result.summary["replies"] == 2
    assert labels(result) == [labels(result)[number % 2] for number in range(10)]


def test_shuffled_options_stand_in_another_order_for_each_face(label, some_faces):
    faces = some_faces(6)
    with ProviderServer() as server:
        result = label(server, faces, shuffle=True)
        assert len({request.texts for request in server.replies}) == 6
        label(server, faces, shuffle=True)
        assert len(server.replies) == 6
        label(server, faces, shuffle=True, seed=1)
        assert len(server.replies) == 12
    assert outcomes(result) == {"label": 6}


# --- failures


@BOTH
def test_every_failure_that_may_pass_is_asked_again(label, some_faces, labeler):
    with ProviderServer(rules=script(*PASSING)) as server:
        result = label(server, some_faces(len(PASSING)), labeler, limits={"connections": 12, "attempts": 3})
    assert outcomes(result) == {"label": len(PASSING)}
    assert answered_more_than(1, server.requests) == {}
    assert len(server.replies) >= 2 * len(PASSING)


@BOTH
def test_an_answer_that_never_comes_is_a_timeout(label, some_faces, labeler):
    with ProviderServer(rules=script("never")) as server:
        result = label(server, some_faces(2), labeler, limits={"connections": 1, "timeout": 0.5, "attempts": 2})
    assert outcomes(result) == {"label": 2}
    assert [request.answered for request in server.replies] == [False, True, True]


@BOTH
def test_retry_after_is_honoured(label, some_faces, labeler):
    with ProviderServer(rules=script("rate-limit-retry-after")) as server:
        label(server, some_faces(1), labeler)
    first, second = server.replies
    assert second.arrived - first.sent >= 0.99


@BOTH
def test_what_the_provider_refuses_about_one_face_is_kept_as_its_answer(label, some_faces, labeler):
    faces = some_faces(6)
    odd = Answer(status=400, code="content_policy_violation") if labeler == "openai" else "bad-request"
    with ProviderServer(rules=[Rule(odd, numbers=(4,))]) as server:
        result = label(server, faces, labeler, limits={"connections": 1})
        assert len(server.replies) == 6
        again = label(server, faces, labeler)
        assert len(server.replies) == 6
    outcome = "refused_provider" if labeler == "openai" else "error"
    assert outcomes(result) == outcomes(again) == {"label": 5, outcome: 1}
    assert result.replies[3]["detail"] == again.replies[3]["detail"] != ""


@BOTH
@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("authentication", "authentication: "),
        ("permission", "authentication: "),
        ("quota", "quota: "),
        ("billing", "quota: "),
        ("unknown-model", "unknown model: "),
    ],
)
def test_what_nothing_mends_stops_the_stage_with_one_line(label, some_faces, labeler, answer, said):
    if (labeler, answer) == ("claude", "quota"):
        answer = "spend-limit"
    with ProviderServer(rules=answer) as server, pytest.raises(StageError) as error:
        label(server, some_faces(40), labeler)
    assert not isinstance(error.value, PartialResult)
    assert str(error.value).startswith(f"labeler {labeler!r}: {said}")
    assert "\n" not in str(error.value)
    assert str(error.value).endswith("; 0 replies to 40 questions are kept")
    assert len(server.replies) <= 4


@BOTH
def test_a_key_that_is_withdrawn_midway_loses_nothing(label, some_faces, labeler):
    faces = some_faces(30)
    with ProviderServer(latency=0.01, rules=[Rule("authentication", numbers=tuple(range(15, 99)))]) as server:
        with pytest.raises(StageError, match="authentication"):
            label(server, faces, labeler)
        answered = sum(request.answered for request in server.replies)
        server.behave(rules=())
        result = label(server, faces, labeler)
    assert outcomes(result) == {"label": 30}
    assert answered == 14
    assert sum(request.answered for request in server.replies) == 30


@BOTH
def test_a_question_that_the_provider_never_understands_ends_it(label, some_faces, labeler):
    with ProviderServer(rules="bad-request") as server:
        with pytest.raises(StageError, match="the provider refuses every request: .*; 0 replies to 40 questions"):
            label(server, some_faces(40), labeler)
        assert len(server.replies) <= 12


def test_few_faces_that_are_all_refused_end_it_too_and_keep_nothing(label, some_faces):
    faces = some_faces(3)
    with ProviderServer(rules="bad-request") as server:
        with pytest.raises(StageError, match="labeler 'openai': no request was answered: .*400"):
            label(server, faces)
        server.behave(rules=())
        assert outcomes(label(server, faces)) == {"label": 3}


@BOTH
def test_a_provider_that_is_down_ends_it(label, some_faces, labeler):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        with pytest.raises(StageError, match=r"20 requests in a row without an answer, the last: .*connection.*failed"):
            label(url, some_faces(100), labeler, limits={"connections": 8, "attempts": 1})


def test_what_got_no_answer_ends_in_a_part_that_the_same_command_completes(label, some_faces):
    faces = some_faces(10)
    with ProviderServer(rules=[Rule("server-error", numbers=(3, 6))]) as server:
        with pytest.raises(PartialResult) as error:
            label(server, faces, limits={"connections": 1, "attempts": 1})
        assert "2 of 10 questions got no answer (server 2; the last: " in str(error.value)
        assert "the same command asks again, and max_failed accepts a share" in str(error.value)
        result = label(server, faces)
    assert outcomes(result) == {"label": 10}
    assert sum(request.answered for request in server.replies) == 10


def test_a_share_without_answer_can_be_accepted(label, some_faces):
    faces = some_faces(10)
    for accepted, number in ((0.2, 2), (0.1, 2)):
        rules = [Rule("server-error", numbers=tuple(range(1, number + 1)))]
        options = {"limits": {"connections": 1, "attempts": 1}, "max_failed": accepted, "store": f"store-{accepted}"}
        with ProviderServer(rules=rules) as server:
            if accepted * 10 < number:
                with pytest.raises(PartialResult):
                    label(server, faces, **options)
                continue
            result = label(server, faces, **options)
        assert outcomes(result) == {"label": 8, "error": 2}
        assert [row["unanswered"] for row in result.replies[:3]] == ["server", "server", ""]
        assert result.summary["unanswered"] == {"server": 2}
        assert "2 of 10 questions gave no label: error 2" in result.notices[0]


def test_a_part_can_be_asked_for(label, some_faces):
    faces = some_faces(5)
    with ProviderServer(rules=[Rule("server-error", numbers=(1,))]) as server:
        result = label(server, faces, params={"partial": True}, limits={"connections": 1, "attempts": 1})
    assert outcomes(result) == {"label": 4, "error": 1}
