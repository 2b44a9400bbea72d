"""A run's folder, read again."""

from __future__ import annotations

import json

import pytest

from harness.errors import ConfigError, DataError, StoreError
from harness.finished import find_run
from harness.store import Manifest, Store

EXPERIMENT = {"name": "x", "benchmark": "b", "data": {"target": {"use": "videos", "root": "clips"}}}
ROLES = {"fuse": "f" * 64, "fine-tune:one": "1" * 64, "fine-tune:two": "2" * 64, "fine-tune:one@7": "7" * 64}


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "runs" / "first"
    folder.mkdir(parents=True)
    (folder / "run.json").write_text(json.dumps({"fingerprints": ROLES}))
    (folder / "experiment.json").write_text(json.dumps(EXPERIMENT))
    (folder / "predictions.csv").write_text("clip,frame,face,label,confidence\n01,0,3,,0\n01,1,4,None,0.5\n")
    return folder


def test_a_run_is_found_by_its_folder_and_by_its_name(folder, monkeypatch):
    by_name = find_run("first", folder.parent)
    assert find_run(str(folder), folder.parent / "elsewhere") == by_name
    monkeypatch.chdir(folder)
    assert find_run(".", folder.parent).name == by_name.name == "first"


def test_networks_are_those_of_the_first_seed_in_their_order(folder):
    assert find_run("first", folder.parent).networks == ["one", "two"]


def test_a_run_that_is_not_there_gets_help(folder):
    with pytest.raises(ConfigError, match=r"run 'frist' is neither a folder nor a name below .*; did you mean 'first'"):
        find_run("frist", folder.parent)


@pytest.mark.parametrize("done", [None, "", "[]", '{"fingerprints": 3}'])
def test_a_folder_that_is_no_finished_run_is_refused(folder, done):
    (folder / "run.json").unlink() if done is None else (folder / "run.json").write_text(done)
    with pytest.raises(ConfigError, match="first is no finished run: it has no readable run.json"):
        find_run("first", folder.parent)


def test_a_damaged_configuration_is_named(folder):
    (folder / "experiment.json").write_text(json.dumps({**EXPERIMENT, "label_space": {"name": "mine", "labels": []}}))
    with pytest.raises(ConfigError, match="experiment.json: label space 'mine' has 0 class"):
        find_run("first", folder.parent)


def test_tables_are_read_as_text_without_guessing(folder):
    table = find_run("first", folder.parent).table("predictions.csv")
    assert table["clip"].tolist() == ["01", "01"]
    assert table["label"].tolist() == ["", "None"]
    assert table["face"].tolist() == [3, 4]


@pytest.mark.parametrize("text", ["", "clip,frame\n01,0\n", "clip,frame,face,label\n01,x,0,\n", None])
def test_a_damaged_table_is_an_error_in_one_line(folder, text):
    (folder / "predictions.csv").unlink() if text is None else (folder / "predictions.csv").write_text(text)
    with pytest.raises(DataError, match="predictions.csv cannot be read as a table of a run") as caught:
        find_run("first", folder.parent).table("predictions.csv")
    assert "\n" not in str(caught.value)


def stored(store):
    with store.writing("1" * 64) as work:
        (work / "model").write_text("weights")
        return store.commit(work, Manifest("train", "1" * 64, {}, {}))


def test_an_artifact_comes_from_the_store(folder, tmp_path):
    store = Store(tmp_path / "store")
    artifact = stored(store)
    assert find_run("first", folder.parent).artifact(store, "train", "fine-tune:one") == artifact


def test_an_artifact_that_is_gone_or_damaged_is_named_with_what_to_do(folder, tmp_path):
    run, store = find_run("first", folder.parent), Store(tmp_path / "store")
    with pytest.raises(
        StoreError, match=r"run 'first' needs its 'fine-tune:one', but the store .* has no train/111111"
    ):
        run.artifact(store, "train", "fine-tune:one")
    (stored(store).folder / "model").write_text("Weights")
    with pytest.raises(
        StoreError, match=r"needs its 'fine-tune:one', but .* is damaged .*; name its store .* harness run"
    ):
        run.artifact(store, "train", "fine-tune:one")
    with pytest.raises(DataError, match="run 'first' has no 'fine-tune:ona'; did you mean 'fine-tune:one'"):
        run.artifact(store, "train", "fine-tune:ona")
