import json

import honest_records
import pytest

from harness.errors import ConfigError, DataError
from harness.leaderboard import record as record_module
from harness.leaderboard.recompute import wrong_numbers
from harness.leaderboard.record import Record, SeedScores, file_record, write_record


def test_a_filed_record_reads_back(make_record, tmp_path):
    record = make_record()
    path = file_record(record, tmp_path)
    assert path == tmp_path / "results" / "trial" / "facs.json"
    found, unlike = Record.read(path), {"scores", "seal"}
    assert found.model_dump(exclude=unlike) == record.model_dump(exclude=unlike)
    assert found.scores.systems == record.scores.systems
    assert (len(found.seal), record.seal) == (64, "")
    before = path.read_bytes()
    assert write_record(found, tmp_path).read_bytes() == before


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


def test_a_benchmark_cannot_be_named_as_what_stands_beside_its_tables(make_record, tmp_path):
    for name in ("record.schema", "README"):
        with pytest.raises(ConfigError, match="is that of another file beside the tables; give it another"):
            file_record(make_record(benchmark=name), tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is not JSON: EOF while parsing"),
        ('{"schema_version": 2, "run": NaN}', "is not JSON: expected value"),
        ("[" * 10_000, "is not JSON: recursion limit exceeded"),
        ('{"a": 1}', "schema None is not known, this version reads 1 and 2; it is no record of a run"),
        ('{"schema_version": 3}', "schema 3 is not known, this version reads 1 and 2; install a newer cer-harness"),
        ('{"schema_version": 1}', "is not a run record of schema 2: key 'run' is missing"),
        ('{"schema_version": 1, "scores": 7, "by_seed": [7]}', "is not a run record of schema 2: key 'run' is missing"),
        ('{"schema_version": 2, "Run": "x"}', "is not a run record of schema 2: .*and 5 more; mend it or take it out"),
        ("[]", "is not a run record of schema 2; take it out"),
    ],
)
def test_a_foreign_file_is_named(tmp_path, text, message):
    path = tmp_path / "results" / "trial" / "other.json"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    with pytest.raises(DataError, match=f"record 'other.json' in .*{message}"):
        Record.read(path)


def test_a_file_too_large_for_a_record_is_refused_before_it_is_read(tmp_path, monkeypatch):
    path = tmp_path / "huge.json"
    with path.open("wb") as file:
        file.truncate(50 * 2**20)
    monkeypatch.setattr("pathlib.Path.read_bytes", None)
    with pytest.raises(DataError, match=r"record 'huge.json' in .* has 50.0 MB, and a record at most 16; take it out"):
        Record.read(path)


def test_a_record_that_would_be_too_large_is_filed_without_the_correctness_of_frames(tmp_path, monkeypatch):
    whole = honest_records.record(seeds=2)
    size = len(file_record(whole, tmp_path).read_bytes())
    monkeypatch.setattr(record_module, "MOST", size - 1)
    found = Record.read(file_record(whole, tmp_path))
    assert {one.correctness for one in (*found.scores.systems, *found.by_seed[1].scores.systems)} == {""}
    assert found.notices == ["correctness of frames is left out: the record would be too large with it"]
    assert list(wrong_numbers(found)) == []


def test_a_record_without_a_time_zone_is_refused(make_record, tmp_path):
    path = file_record(make_record(), tmp_path)
    path.write_text(path.read_text().replace("T00:00:00Z", "T00:00:00"))
    with pytest.raises(DataError, match="key 'created' = .*: input should have timezone info"):
        Record.read(path)


def test_an_unknown_key_at_any_depth_is_refused_with_the_nearest_name(make_record, tmp_path):
    path = file_record(make_record(), tmp_path)
    data = json.loads(path.read_text())
    data["scores"]["systems"][0]["acuracy"] = 1.0
    path.write_text(json.dumps(data))
    with pytest.raises(DataError, match=r"key 'scores.systems.0.acuracy' is not known; did you mean 'accuracy'\?"):
        Record.read(path)


def test_a_record_in_the_wrong_place_is_told_where_it_belongs(make_record, tmp_path):
    path = file_record(make_record(), tmp_path)
    path = path.rename(path.with_name("copy.json"))
    with pytest.raises(DataError, match=r"of run 'facs' of benchmark 'trial'; move it to results/trial/facs.json"):
        Record.read(path)


def test_a_record_that_is_a_folder_is_named(tmp_path):
    (tmp_path / "odd.json").mkdir()
    with pytest.raises(DataError, match=r"record 'odd.json' in .* cannot be read: Is a directory"):
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
