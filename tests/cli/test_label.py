"""`harness label`, with the real plugin against the provider server."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3

import pandas as pd
import pytest

from harness.expressions import label_space
from harness.testing.providers import Answer, Rule, answered_more_than

NAMES = list(label_space("abaw-compound-7").names)
CHEAP = {"prices": "prices.toml", "max_tokens": 32, "limits": {"connections": 1}}


def test_labels_are_a_table_with_a_row_a_face(label, claude, home):
    result = label(claude())
    assert result.exit_code == 0, result.output
    table = pd.read_csv(home / "labels.csv", keep_default_na=False)
    places, judged = ["clip", "frame", "face", "file", "subject"], ["outcome", "label", "confidence", "confident"]
    assert list(table.columns) == [*places, *judged, "voters", "agreeing", "explanation", *NAMES]
    assert table["file"].tolist() == [f"f{number}.png" for number in range(6)]
    assert set(table["outcome"]) == {"label"}
    assert set(table["label"]) <= set(NAMES)
    assert (table["voters"] == 2).all()
    assert table[NAMES].sum(axis=1).tolist() == pytest.approx([1.0] * 6)


def test_parquet_holds_what_csv_holds(label, claude, home):
    assert label(claude(), "--out", "a.csv").exit_code == 0
    assert label(claude(), "--out", "deep/b.parquet").exit_code == 0
    csv, parquet = pd.read_csv(home / "a.csv"), pd.read_parquet(home / "deep" / "b.parquet")
    assert csv["label"].tolist() == parquet["label"].tolist()
    assert csv.columns.tolist() == parquet.columns.tolist()
    assert parquet["confident"].dtype == bool


def test_replies_are_written_with_their_texts(label, claude, server, home):
    server.behave(rules=(Rule("refusal-in-words", numbers=(1,)),))
    assert label(claude(), "--replies", "replies.parquet").exit_code == 0
    table = pd.read_parquet(home / "replies.parquet")
    assert len(table) == 12
    assert table["outcome"].value_counts().to_dict() == {"label": 11, "refused_text": 1}
    assert "can't identify" in table.loc[table["outcome"] == "refused_text", "text"].item()
    assert set(table["labeler"]) == {"claude"}


def test_the_summary_tells_outcomes_requests_tokens_cost_and_where_to_look(label, claude):
    output = label(claude(prices="prices.toml")).output
    assert "12 asked for now, 0 from the store" in output
    assert "$0.00" in output
    assert "6 of 6 faces" in output
    assert "labels.csv" in output
    assert "harness labels show " in output
    assert "0 asked for now, 12 from the store" in label(claude(prices="prices.toml")).output


def test_a_second_labeler_is_a_voter_beside_the_first(label, claude, home):
    more = claude(model="another")
    assert label(claude(), "--labeler", more, "--prompts", "enum", "--replies", "r.csv").exit_code == 0
    assert (pd.read_csv(home / "labels.csv")["voters"] == 2).all()
    assert set(pd.read_csv(home / "r.csv")["labeler"]) == {"claude", "claude-2"}


def test_options_of_labelers_are_keys_of_the_configuration(label, server, home):
    one = ("--set", "labeling.labelers.model=a-model", "--set", f"labeling.labelers.base_url={server.url}")
    assert label("claude", *one, "--set", "labeling.labelers.prompts=enum").exit_code == 0
    assert {one.model for one in server.replies} == {"a-model"}
    assert (pd.read_csv(home / "labels.csv")["voters"] == 1).all()


def test_an_experiment_file_says_what_the_command_does_not(harness, server, home):
    (home / "mine.toml").write_text(
        'name = "mine"\nbenchmark = "mine"\n[data.target]\nuse = "videos"\nroot = "faces"\ncropped = true\n'
        '[faces]\ndetector = "whole-frame"\n[executor]\nuse = "inline"\n[training]\nbackbones = ["nothing-here"]\n'
        f'[labeling]\nlabelers = {{use = "claude", model = "a-model", base_url = "{server.url}"}}\n'
    )
    result = harness("label", "--config", "mine.toml", "--sample", "every:1", "--out", "mine.csv")
    assert result.exit_code == 0, result.output
    assert len(pd.read_csv(home / "mine.csv")) == 6


def test_a_data_set_component_is_named(harness, home):
    result = harness(
        "label", "synthetic", "--labeler", "simulated", "--set", "data.target.stills=14", "--set", "faces.size=32",
        "--set", "faces.detector=whole-frame", "--executor", "inline",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert len(pd.read_csv(home / "labels.csv")) == 14


def test_images_in_folders_are_named_by_their_files(harness, claude, home):
    for person in ("anna", "ben"):
        (home / "people" / person).mkdir(parents=True)
        for number in (2, 10):
            shutil.copy(home / "faces" / f"f{number % 3}.png", home / "people" / person / f"{number}.png")
    result = harness("label", "people", "--cropped", "--labeler", claude(), "--executor", "inline")
    assert result.exit_code == 0, result.output
    files = pd.read_csv(home / "labels.csv")["file"].tolist()
    assert files == ["anna/2.png", "anna/10.png", "ben/2.png", "ben/10.png"]


def test_labels_that_nobody_believes_are_written_too(label, claude, server, home):
    texts = ("Sadly Angry", "Sadly Fearful")
    rules = tuple(Rule(Answer(text), numbers=tuple(range(start, 13, 2))) for start, text in enumerate(texts, 1))
    server.behave(rules=rules)
    assert label(claude(limits={"connections": 1})).exit_code == 0
    table = pd.read_csv(home / "labels.csv")
    assert not table["confident"].any()
    assert len(table) == 6


def test_faces_without_any_label_are_written_too(label, claude, server, home):
    server.behave(rules=(Rule("refusal-in-words"),))
    result = label(claude())
    assert result.exit_code == 0, result.output
    table = pd.read_csv(home / "labels.csv", keep_default_na=False)
    assert set(table["outcome"]) == {"refused_text"}
    assert set(table["label"]) == {""}


# --- what is refused, in one line


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["faces"], "no labeler: say --labeler NAME"),
        (["--labeler", "replay"], "nothing to label"),
        (["fces", "--labeler", "replay"], "'fces' is no file, no folder and no data set"),
        (["faces", "--labeler", "claud"], "did you mean 'claude'?"),
        (["faces", "--labeler", "{use ="], "neither TOML nor JSON"),
        (["faces", "--labeler", "replay", "--out", "labels.xlsx"], "end the name in one of them"),
        (["faces", "--labeler", "replay", "--out", "faces/f0.png/x.csv"], "is no folder that can be written"),
        (["faces", "--labeler", "replay", "--sample", "ever:3"], "did you mean 'every'?"),
        (["faces", "--labeler", "replay", "--sample", "all:3"], "write all, every:K, per-clip:N or changes:SHARE"),
        (["faces", "--labeler", "simulated", "--max-cost", "1"], "--max-cost: no labeler here is"),
        (["faces", "--labeler", "simulated", "--replies", "r.csv"], "--replies: no labeler here gives replies"),
        (["faces", "--labeler", "simulated", "--reparse"], "--reparse: no labeler here gives replies"),
        (["synthetic", "--labeler", "simulated", "--cropped"], "a data set knows its crops itself"),
        (["faces", "--labeler", "claude", "--set", "labeling.labelers.1.model=x"], "holds 1, counted from 0"),
    ],
)
def test_mistakes_are_one_line_and_exit_status_2(harness, arguments, said):
    pytest.importorskip("harness_claude")
    result = harness("label", *arguments)
    assert result.exit_code == 2, result.output
    assert said in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_a_misspelt_option_names_its_key_and_the_nearest(label, claude, server):
    result = label(claude(max_token=3))
    assert result.exit_code == 2
    assert "labeling.labelers.0" in result.stderr
    assert "max_tokens" in result.stderr
    assert not server.replies


def test_faces_do_not_leave_without_consent(label):
    pytest.importorskip("harness_claude")
    remote = '{use = "claude", base_url = "https://provider.invalid"}'
    result = label(remote)
    assert result.exit_code == 2
    assert "provider.invalid; nothing was sent" in result.stderr
    with_consent = label(remote, "--allow-remote", "--offline")
    assert "nothing is asked offline" in with_consent.stderr


# --- stopping, going on, and doing without the provider


def test_the_cap_ends_with_status_3_and_a_higher_one_goes_on_without_asking_again(label, claude, server, home):
    result = label(claude(**CHEAP), "--max-cost", "0.0015")
    assert result.exit_code == 3, result.output
    assert "raise max_cost to go on" in result.stderr
    assert not (home / "labels.csv").exists()
    answered = len(server.replies)
    assert 0 < answered < 12
    assert label(claude(**CHEAP), "--max-cost", "1").exit_code == 0
    assert len(server.replies) == 12
    assert not answered_more_than(1, server.requests)


def test_partial_writes_the_answered_part_and_the_status_stays(label, claude, server, home):
    result = label(claude(**CHEAP), "--max-cost", "0.0015", "--partial", "--replies", "r.csv")
    assert result.exit_code == 3, result.output
    table, replies = pd.read_csv(home / "labels.csv"), pd.read_csv(home / "r.csv")
    assert len(table) == 6
    assert {"label", "error"} == set(table["outcome"])
    assert (replies["outcome"] == "label").sum() == len(server.replies)
    assert label(claude(**CHEAP), "--max-cost", "1").exit_code == 0
    assert set(pd.read_csv(home / "labels.csv")["outcome"]) == {"label"}


def test_partial_with_nothing_answered_says_so(label, claude, server, home):
    result = label(claude(**CHEAP), "--max-cost", "0.000001", "--partial")
    assert result.exit_code != 0
    assert not server.replies
    assert not (home / "labels.csv").exists()


def test_offline_uses_what_is_stored_and_asks_nobody(label, claude, server, home):
    assert label(claude(), "--store", "one").exit_code == 0
    first = (home / "labels.csv").read_text()
    asked = len(server.requests)
    (home / "two").mkdir()
    (home / "two" / "replies.sqlite").write_bytes((home / "one" / "replies.sqlite").read_bytes())
    assert label(claude(), "--store", "two", "--offline", "--out", "again.csv").exit_code == 0
    assert (home / "again.csv").read_text() == first
    refused = label(claude(model="another"), "--offline")
    assert refused.exit_code == 2
    assert "12 of 12 questions have no stored reply, and nothing is asked offline" in refused.stderr
    assert len(server.requests) == asked


def test_offline_ends_with_the_command(label, claude, monkeypatch):
    monkeypatch.delenv("HARNESS_OFFLINE", raising=False)
    label(claude(), "--offline")
    assert "HARNESS_OFFLINE" not in os.environ


def test_reparse_reads_the_stored_replies_anew_and_asks_nobody(label, claude, server, home):
    assert label(claude()).exit_code == 0
    asked = len(server.requests)
    with sqlite3.connect(home / ".harness" / "store" / "replies.sqlite") as replies:
        for key, text in replies.execute("SELECT key, reply FROM replies").fetchall():
            changed = json.dumps({**json.loads(text), "text": "Sadly Angry"})
            replies.execute("UPDATE replies SET reply = ? WHERE key = ?", [changed, key])
    replies.close()
    before = pd.read_csv(home / "labels.csv")["label"].tolist()
    assert label(claude()).exit_code == 0
    assert pd.read_csv(home / "labels.csv")["label"].tolist() == before
    assert label(claude(), "--reparse").exit_code == 0
    assert set(pd.read_csv(home / "labels.csv")["label"]) == {"Sadly Angry"}
    assert len(server.requests) == asked


def test_a_reparse_that_fails_leaves_the_labels_as_they_were(label, harness, claude, home):
    assert label(claude()).exit_code == 0
    assert harness("store", "replies", "prune", "--older-than", "0").exit_code == 0
    assert label(claude(), "--reparse").exit_code == 2
    result = label(claude())
    assert result.exit_code == 0
    assert "nothing to do" in result.output


def test_a_dry_run_tells_requests_and_cost_and_asks_nothing(label, claude, server, home):
    result = label(claude(**CHEAP), "--dry-run")
    assert result.exit_code == 0, result.output
    assert "12 requests to http://127.0.0.1" in result.output
    assert "for 6 faces (0 of 12 questions stored)" in result.output
    assert "$0.0" in result.output
    assert label(claude(**CHEAP), "--dry-run").output.count("stages to run") == 0
    assert not server.replies
    assert not (home / "labels.csv").exists()
