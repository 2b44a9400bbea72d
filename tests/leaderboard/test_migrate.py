import json

import pytest
from honest_records import record

from harness.errors import DataError
from harness.evaluation.scores import SystemScore
from harness.leaderboard.check import record_problems
from harness.leaderboard.migrate import migrated
from harness.leaderboard.record import file_record, read_record

NEW = {
    "weighted_f1", "kappa", "matthews", "clip_macro_f1", "clip_accuracy", "by_policy", "refusal_rate", "correctness",
    "calibration",
}  # fmt: skip


def as_first(data):
    """A record of schema 2 as the version before would have filed it."""
    old = json.loads(json.dumps({name: value for name, value in data.items() if name != "seal"}))
    old["schema_version"] = 1
    for one in (old, *old["by_seed"]):
        scores = one["scores"]
        scores["settings"]["bootstrap"] = "percentile, clips drawn with replacement"
        for name in ("clusters", "interval"):
            del scores["settings"][name]
        del scores["items"], scores["subjects"]
        scores["systems"] = [{key: one[key] for key in one.keys() - NEW} for one in scores["systems"]]
    for one in old["stages"]:
        del one["energy"]
    return old


@pytest.fixture(params=[1, 2], ids=["one seed", "two seeds"])
def both(request, tmp_path):
    """A record of schema 1 as read, and the one of schema 2 that it could have been."""
    of = {"interval": "percentile"}
    path = file_record(record("mine", request.param, of=of), tmp_path)
    new, data = read_record(path)
    path.write_text(json.dumps(as_first(data)))
    return read_record(path), new


def test_what_counts_decide_is_computed_for_a_record_that_lacks_it(both):
    (old, _), new = both
    known = set(SystemScore.model_fields) - {"correctness", "calibration"}
    pairs = [(old.scores, new.scores)]
    pairs += [(mine.scores, yours.scores) for mine, yours in zip(old.by_seed, new.by_seed, strict=True)]
    for mine, yours in pairs:
        assert [one.model_dump(include=known) for one in mine.systems] == [
            one.model_dump(include=known) for one in yours.systems
        ]


def test_a_record_of_schema_1_is_checked_like_any_other_but_for_its_seal(both):
    (old, data), _ = both
    assert list(record_problems(old, data)) == []


def test_a_number_that_was_there_is_kept_as_it_is_and_found_if_it_was_edited(both):
    (old, data), _ = both
    data["scores"]["systems"][0]["accuracy"] = 0.123
    path_free = {**data}
    found = record_problems(old.model_copy(update={"scores": edited(old.scores)}), path_free)
    assert any("accuracy is filed as 0.123" in text for text in found)


def edited(scores):
    first = scores.systems[0].model_copy(update={"accuracy": 0.123})
    return scores.model_copy(update={"systems": [first, *scores.systems[1:]]})


def test_the_present_schema_is_left_as_it_is():
    data = {"schema_version": 2, "scores": {"settings": {"bootstrap": 1}}}
    assert migrated(data) == data


def test_data_that_is_migrated_is_not_changed_in_place():
    data = {"schema_version": 1, "scores": {"settings": {"bootstrap": "x", "seed": 1}}, "by_seed": []}
    assert migrated(data)["scores"]["settings"] == {"seed": 1, "clusters": "clip", "interval": "percentile"}
    assert data["scores"]["settings"] == {"bootstrap": "x", "seed": 1}


@pytest.mark.parametrize(
    ("version", "what"),
    [
        (3, "schema 3 is not known, this version reads 1 and 2; install a newer cer-harness to use it"),
        (0, "schema 0 is not known, this version reads 1 and 2; it is no record of a run; take it out"),
        ("2", "schema '2' is not known, .* it is no record of a run"),
        (None, "schema None is not known, .* it is no record of a run"),
    ],
)
def test_an_unknown_schema_is_refused_with_its_number(version, what):
    with pytest.raises(DataError, match=what):
        migrated({"schema_version": version})
