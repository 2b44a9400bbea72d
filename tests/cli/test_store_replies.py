"""`harness store replies`, and the line about them in `harness store list`."""

from __future__ import annotations

import json

import pytest


@pytest.fixture
def answered(label, claude):
    assert label(claude()).exit_code == 0


def test_replies_are_listed_by_labeler_and_model(harness, answered):
    output = harness("store", "replies", "list").output
    assert "claude" in output
    assert "a-model" in output
    assert "12 replies in .harness/store" in output
    assert "12 replies of language models" in harness("store", "list").output


def test_a_store_without_replies_says_none(harness, home):
    assert "0 replies" in harness("store", "replies", "list", "--store", "empty").output
    assert not (home / "empty").exists()
    assert "0 replies written" in harness("store", "replies", "export", "e.jsonl", "--store", "empty").output
    assert "dropped 0" in harness("store", "replies", "prune", "--older-than", "0", "--store", "empty").output


def test_exported_replies_serve_in_another_store(harness, label, claude, answered, server, home):
    assert "12 replies written" in harness("store", "replies", "export", "e.jsonl").output
    assert "12 replies added, 0 were known" in harness("store", "replies", "import", "e.jsonl", "--store", "b").output
    assert "0 replies added, 12 were known" in harness("store", "replies", "import", "e.jsonl", "--store", "b").output
    asked = len(server.requests)
    assert label(claude(), "--store", "b").exit_code == 0
    assert len(server.replies) == 12
    assert all(one.operation != "reply" for one in server.requests[asked:])
    harness("store", "replies", "export", "f.jsonl", "--store", "b")
    assert (home / "f.jsonl").read_text() == (home / "e.jsonl").read_text()


def test_one_bad_line_is_named_and_nothing_is_imported(harness, answered, home):
    harness("store", "replies", "export", "e.jsonl")
    lines = (home / "e.jsonl").read_text().splitlines()
    row = json.loads(lines[4])
    row["reply"]["usage"]["output_tokens"] = "many"
    (home / "bad.jsonl").write_text("\n".join([*lines[:4], json.dumps(row), *lines[5:]]))
    result = harness("store", "replies", "import", "bad.jsonl", "--store", "b")
    assert result.exit_code == 2
    assert result.stderr == (
        "error: bad.jsonl: line 5 is no exported reply (reply.usage.output_tokens must be a whole number from 0 on); "
        "nothing was imported\n"
    )
    assert "0 replies in b" in harness("store", "replies", "list", "--store", "b").output


def test_old_replies_are_dropped_of_one_labeler_or_model_if_named(harness, answered):
    def prune(*more):
        return harness("store", "replies", "prune", *more).output

    assert prune("--older-than", "1") == "dropped 0 replies\n"
    assert prune("--older-than", "0", "--model", "another") == "dropped 0 replies\n"
    assert prune("--older-than", "0", "--labeler", "claude", "--model", "a-model") == "dropped 12 replies\n"
    assert harness("store", "replies", "prune").exit_code == 2  # how old has to be said: replies cost money
