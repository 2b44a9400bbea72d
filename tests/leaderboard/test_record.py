import json

import pytest

from harness.errors import ConfigError, DataError
from harness.leaderboard.record import Record, SeedScores, file_record


def test_a_filed_record_reads_back(make_record, tmp_path):
    record = make_record()
    path = file_record(record, tmp_path)
    assert path == tmp_path / "results" / "trial" / "facs.json"
    assert Record.read(path).model_dump(exclude={"scores"}) == record.model_dump(exclude={"scores"})


def test_a_record_holds_no_path_and_no_clip_name(make_record, tmp_path):
    record = make_record(notices=["clip '/home/ada/videos/x.mp4' is broken"])
    text = file_record(record, tmp_path).read_text()
    assert '"root": "videos"' in text
    assert "clip 'x.mp4' is broken" in text
    assert "ada" not in text
    assert Record.read(tmp_path / "results/trial/facs.json").scores.clips != record.scores.clips


def test_clip_names_become_the_same_hashes_in_every_run(make_record, tmp_path):
    first, second = (Record.read(file_record(make_record(run), tmp_path)) for run in ("one", "two"))
    assert first.scores.clips == second.scores.clips
    assert len(set(first.scores.clips)) == 2


def test_a_run_of_the_same_name_replaces_the_record(make_record, make_system, tmp_path):
    file_record(make_record(), tmp_path)
    path = file_record(make_record(systems=[make_system(macro_f1=0.9)]), tmp_path)
    assert Record.read(path).scores.systems[0].macro_f1 == 0.9


@pytest.mark.parametrize("change", [{"run": "../x"}, {"benchmark": "a/b"}, {"run": ""}, {"run": ".hidden"}])
def test_names_that_cannot_name_a_file_are_refused(make_record, tmp_path, change):
    with pytest.raises(ConfigError, match=r"name '.*' cannot name a file; use letters"):
        file_record(make_record(**change), tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is not a run record of schema 1: "),
        ('{"a": 1}', "is not a run record of schema 1: "),
        ("[]", "is not a run record of schema 1: "),
    ],
)
def test_a_foreign_file_is_named(tmp_path, text, message):
    path = tmp_path / "results" / "trial" / "other.json"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    with pytest.raises(DataError, match=f"record 'other.json' in .*{message}"):
        Record.read(path)


def test_a_record_of_a_later_schema_is_named(make_record, tmp_path):
    path = file_record(make_record(), tmp_path)
    path.write_text(json.dumps({**json.loads(path.read_text()), "schema_version": 2}))
    with pytest.raises(DataError, match="not a run record of schema 1: key 'schema_version' = 2"):
        Record.read(path)


def test_a_record_in_the_wrong_place_is_told_where_it_belongs(make_record, tmp_path):
    path = file_record(make_record(), tmp_path)
    path = path.rename(path.with_name("copy.json"))
    with pytest.raises(DataError, match=r"of run 'facs' of benchmark 'trial'; move it to results/trial/facs.json"):
        Record.read(path)


def test_a_record_that_is_a_folder_is_named(tmp_path):
    (tmp_path / "odd.json").mkdir()
    with pytest.raises(DataError, match=r"record 'odd.json' cannot be read: "):
        Record.read(tmp_path / "odd.json")


def test_the_scores_of_every_seed_are_filed_without_clip_names(make_record, tmp_path):
    scores = make_record().scores
    record = make_record(by_seed=[SeedScores(seed=seed, scores=scores) for seed in (0, 7)])
    path = file_record(record, tmp_path)
    found = Record.read(path)
    assert [one.seed for one in found.by_seed] == [0, 7]
    assert found.by_seed[1].scores == found.scores
    assert "ada.mp4" not in path.read_text()


def test_a_record_from_before_there_were_several_seeds_still_reads(make_record, tmp_path):
    path = file_record(make_record(), tmp_path)
    old = json.loads(path.read_text())
    del old["by_seed"], old["scores"]["seeds"]
    for one in old["scores"]["systems"]:
        del one["spread"]
    path.write_text(json.dumps(old))
    found = Record.read(path)
    assert found.by_seed == found.scores.seeds == []
    assert found.scores.systems[0].spread is None
