from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.leaderboard.redact import leaks, redacted

name = st.from_regex(r"[a-z0-9_]{1,8}(\.[a-z0-9]{1,3})?", fullmatch=True)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/home/ada/x.mp4", "x.mp4"),
        ("/home/ada/my videos/", "my videos"),
        ("~/weights/a.pth", "a.pth"),
        (r"C:\Users\ada\a.pth", "a.pth"),
        ("file:///home/ada/a.txt", "a.txt"),
        ("no face in '/home/ada l/x.mp4'; see /home/ada/notes/b.txt, line 2", "no face in 'x.mp4'; see b.txt, line 2"),
        ("--weights=/home/ada/w.pth", "--weights=w.pth"),
        ("https://ada:secret@host.org/v1/models", "https://(hidden)@host.org/v1/models"),
        ("http://gpubox:8000/v1", "http://(hidden):8000/v1"),
        ("http://192.168.1.3/", "http://(hidden)/"),
        ("see node7.cluster.internal", "see (hidden)"),
        ("Adas-MacBook.local", "(hidden)"),
        ("ask ada.l@example.org.", "ask (hidden)."),
        ("key sk-ant-api03-0123456789abcdef", "key (hidden)"),
        ("Authorization: Bearer abcdef0123", "Authorization: Bearer (hidden)"),
    ],
)
def test_paths_and_credentials_are_taken_out(text, expected):
    assert redacted(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "relative/path/x.mp4",
        "and/or 1/2 of 3/4/5",
        "http://127.0.0.1:8000/v1/chat",
        "Is it 'Sadly Fearful'/'Sadly Angry'?",
        "<b>bold</b>/<i>x</i>",
        "frames/s",
        "https://api.openai.com/v1",
        "http://localhost:11434",
        "threading.local",
        "fine-tune@1:resnet18",
        "facs@1.0",
        "",
    ],
)
def test_other_text_stays(text):
    assert redacted(text) == text


def test_containers_keys_and_path_objects_are_redacted_too():
    value = {"/home/ada/a": [Path("/home/ada/b"), Path("c/d"), ("/x/y", 1, None, True)]}
    assert redacted(value) == {"a": ["b", "c/d", ["y", 1, None, True]]}


def test_secrets_are_hidden_and_numbers_of_tokens_are_not():
    value = {"api_key": "k", "auth-token": "t", "password": "", "max_tokens": 5, "token": 7, "tokens": "many"}
    assert redacted(value) == {**value, "api_key": "(hidden)", "auth-token": "(hidden)"}


@given(parts=st.lists(name, min_size=2, max_size=5), before=st.sampled_from(["", "in ", "'", "see: "]))
def test_no_folder_of_an_absolute_path_survives(parts, before):
    secret = [f"secret{part}" for part in parts[:-1]]
    after = "'" if before == "'" else ""
    text = redacted(f"{before}/{'/'.join([*secret, parts[-1]])}{after}")
    assert "secret" not in text
    assert parts[-1] in text


def test_what_is_left_is_named_by_its_place():
    value = {"a": ["x", "/home/ada/x"], "b": {"token": "t", "n": 7}, "c": "by Ada on box-3", "d": "box-33"}
    assert list(leaks(value, {"box-3": "a host name"})) == [
        ("a.1", "an absolute path"), ("b.token", "a secret"), ("c", "a host name"),
    ]  # fmt: skip
    assert list(leaks({"/home/ada/x": "(hidden)"})) == [("a key of the record", "an absolute path")]


@given(st.text(), st.sampled_from(["/home/ada/x", "ada@example.org", "https://a:b@host.org/x", "http://box/x", "n"]))
def test_nothing_is_left_in_what_was_redacted(text, secret):
    assert list(leaks(redacted({"x": [f"{text} {secret}"]}))) == []


@given(st.recursive(st.text() | st.integers() | st.none(), lambda one: st.lists(one) | st.dictionaries(st.text(), one)))
def test_any_json_is_redacted_without_failing(value):
    redacted(value)
