"""Replies out of one cache and into another; whatever a line may hold."""

from __future__ import annotations

import asyncio
import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import DataError, StoreError
from harness.labeling.archive import count, holdings, lines, prune, take_in
from harness.labeling.cache import FILE, Entry, ReplyCache, Stored
from harness.vlm import Reply, Usage

texts = st.text(st.characters(codec="utf-8"), max_size=30)
replies = st.builds(
    Reply, texts, st.sampled_from(["end", "length", "refusal", "other"]),
    st.builds(Usage, st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 9), st.integers(0, 9)),
    texts, texts, texts, st.none() | st.floats(-50, 0),
)  # fmt: skip
stored = st.builds(Stored, replies, st.sampled_from([None, "refused", "bad_request"]), st.booleans())
LINE = {
    "key": "00" * 32, "asker": "a", "labeler": "l", "model": "m", "created": 1.0,
    "reply": {"text": "Sad", "stop_reason": "end", "usage": {}, "model": "m"},
}  # fmt: skip


def keep(store: Path, values: list[Stored]) -> None:
    entries = [Entry(bytes([n]) * 32, "asker", f"l{n % 2}", "m", one) for n, one in enumerate(values)]
    with ReplyCache(store / FILE) as cache:
        asyncio.run(cache.put_many(entries))


@given(st.lists(stored, max_size=5))
def test_what_goes_out_comes_in_unchanged(values):
    with tempfile.TemporaryDirectory() as folder:
        one, two = Path(folder) / "one", Path(folder) / "two"
        keep(one, values)
        out = Path(folder) / "out.jsonl"
        out.write_text("".join(lines(one)), encoding="utf-8")
        assert take_in(two, out) == (len(values), 0)
        assert list(lines(two)) == list(lines(one))
        with ReplyCache(two / FILE) as cache:
            assert cache.get_many([bytes([n]) * 32 for n in range(len(values))]) == {
                bytes([n]) * 32: one for n, one in enumerate(values)
            }


def test_holdings_are_counted_by_labeler_and_model(tmp_path):
    keep(tmp_path, [Stored(Reply("a")), Stored(Reply("b")), Stored(Reply("c"))])
    assert [(one.labeler, one.model, one.replies) for one in holdings(tmp_path)] == [("l0", "m", 2), ("l1", "m", 1)]
    assert count(tmp_path) == 3
    assert prune(tmp_path, 0, labeler="l0") == 2
    assert count(tmp_path) == 1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"key": "zz"}, "non-hexadecimal"),
        ({"key": "00"}, "key has 1 bytes, not 32"),
        ({"labeler": None}, "asker, labeler and model must be text"),
        ({"created": "now"}, "created must be a number"),
        ({"created": None}, "created must be a number"),
        ({"reply": None}, "NoneType"),
        ({"reply": {"text": "x"}}, "usage is missing"),
        ({"reply": {**LINE["reply"], "text": 3}}, "reply.text must be text"),
        ({"reply": {**LINE["reply"], "stop_reason": "tired"}}, "'tired' is none of end"),
        ({"reply": {**LINE["reply"], "error": "odd"}}, "'odd' is no kind of error"),
        ({"reply": {**LINE["reply"], "logprob": "low"}}, "reply.logprob must be a number"),
        ({"reply": {**LINE["reply"], "usage": {"input_tokens": -1}}}, "usage.input_tokens must be a whole number"),
        ({"reply": {**LINE["reply"], "more": 1}}, "more"),
    ],
)
def test_a_bad_line_is_named_by_its_number_and_its_fault(tmp_path, change, said):
    source = tmp_path / "in.jsonl"
    source.write_text(f"{json.dumps(LINE)}\n\n{json.dumps({**LINE, 'key': '01' * 32, **change})}\n")
    with pytest.raises(DataError, match=r"in\.jsonl: line 3 is no exported reply \(.*nothing was imported") as caught:
        take_in(tmp_path, source)
    assert said in str(caught.value)
    assert count(tmp_path) == 0


def test_a_missing_key_no_object_and_no_json_are_bad_lines_too(tmp_path):
    source = tmp_path / "in.jsonl"
    for text, said in (('{"key": "00"}', "key has"), ("[]", "not a JSON object"), ("{", "Expecting"), ("{}", "key is")):
        source.write_text(text)
        with pytest.raises(DataError, match=f"line 1 is no exported reply .*{said}"):
            take_in(tmp_path, source)


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(DataError, match="nothing.jsonl: cannot be read"):
        take_in(tmp_path, tmp_path / "nothing.jsonl")
    (tmp_path / "latin.jsonl").write_bytes(b"\xff\xfe\n")
    with pytest.raises(DataError, match="latin.jsonl: cannot be read"):
        take_in(tmp_path, tmp_path / "latin.jsonl")


def test_a_cache_that_is_none_is_named(tmp_path):
    (tmp_path / FILE).write_bytes(b"no database" * 100)
    with pytest.raises(StoreError, match="cannot be used"):
        holdings(tmp_path)
