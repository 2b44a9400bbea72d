"""Every number of a record is computed again; whoever edits one is found."""

import copy
import json
import re

import numpy as np
import pytest
from honest_records import record, scores
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import HarnessError
from harness.evaluation.correctness import packed, unpacked
from harness.leaderboard.check import record_problems
from harness.leaderboard.recompute import wrong_numbers
from harness.leaderboard.record import Record, file_record, read_record, seal_of

# what counts do not decide: of all decoded frames, of probabilities, or of what frames of a clip were right
UNDECIDED = re.compile(r"changes_per_second|change_share|distribution|calibration\.(brier|bins\.\d+\.1)$|\.outcomes\.")


def numbers(value, where=()):
    """Places of all numbers in JSON data."""
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, one in items:
            yield from numbers(one, (*where, key))
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield where


def edited(data, where, change):
    changed = copy.deepcopy(data)
    owner = changed
    for key in where[:-1]:
        owner = owner[key]
    owner[where[-1]] += change
    return changed


def problems(data, path):
    path.write_text(json.dumps(data))
    try:
        return list(record_problems(*read_record(path)))
    except HarnessError as error:
        return [str(error)]


def resealed(data):
    return {**data, "seal": seal_of(data)}


@pytest.fixture(scope="module")
def filed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("leaderboards")
    return {seeds: json.loads(file_record(record(f"run{seeds}", seeds), folder).read_text()) for seeds in (1, 2)}


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("edited") / "run.json"


@pytest.mark.parametrize("seeds", [1, 2])
def test_an_honest_record_has_no_problem(filed, path, seeds):
    assert problems(filed[seeds], path) == []


@pytest.mark.parametrize("of", [{"clusters": "subject", "subjects": list("abbcad")}, {"interval": "bca"}])
def test_other_intervals_are_computed_again_as_they_were(tmp_path, of):
    assert problems(json.loads(file_record(record(of=of), tmp_path).read_text()), tmp_path / "run.json") == []


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_any_edited_number_is_found_by_the_seal(filed, path, data):
    seeds = data.draw(st.sampled_from([1, 2]))
    where = data.draw(st.sampled_from(list(numbers(filed[seeds]))))
    change = data.draw(st.sampled_from([1, -1, 0.001, 1e6]))
    assert problems(edited(filed[seeds], where, change), path)


@settings(max_examples=80, deadline=None)
@given(data=st.data())
def test_any_score_that_was_edited_and_sealed_again_is_found_by_its_counts(filed, path, data):
    seeds = data.draw(st.sampled_from([1, 2]))
    found = [one for one in numbers(filed[seeds]) if one[0] in ("scores", "by_seed")]
    # seed and resamples together decide the intervals, which are not of the reference alone
    found = [one for one in found if not UNDECIDED.search(".".join(map(str, one))) and one[-1] != "resamples"]
    where = data.draw(st.sampled_from(found))
    change = data.draw(st.sampled_from([1, -1, 0.001]))
    assert problems(resealed(edited(filed[seeds], where, change)), path)


def test_the_field_the_filed_and_the_computed_number_are_named(filed, path):
    data = copy.deepcopy(filed[1])
    before = data["scores"]["systems"][0]["macro_f1"]
    data["scores"]["systems"][0]["macro_f1"] = 0.987
    (text,) = problems(resealed(data), path)
    assert text == f"system 'facs': macro_f1 is filed as 0.987, and the counts give {before:.6g}"


def test_a_record_that_was_made_an_earlier_one_is_found(filed, path):
    assert problems({**filed[1], "schema_version": 1}, path) == [
        f"record 'run.json' in {str(path.parent)!r}: records of schema 1 had no seal, and this one has: it was edited; "
        "file the run again"
    ]


@pytest.mark.parametrize("change", [{"seed": -1}, {"resamples": 0}, {"resamples": 10**9}, {"level": 1.0}])
def test_settings_that_nothing_can_be_computed_with_are_no_record(filed, path, change):
    data = copy.deepcopy(filed[1])
    data["scores"]["settings"].update(change)
    (text,) = problems(resealed(data), path)
    assert next(iter(change)) in text
    assert "is not a run record of schema 2" in text


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda one: one["per_class"][1].update(interval=[0.1, 0.2]), r"per_class.1.interval is filed as \[0.1, 0.2\]"),
        (lambda one: one.update(interval=None), r"interval is filed as None, and the counts give \["),
        (lambda one: one["by_policy"].pop("excluded"), r"by_policy is filed as \{'wrong'"),
        (lambda one: one["confusion"][0].reverse(), r"confusion.0.0 is filed as \d+, and the counts give \d+"),
        (lambda one: one.update(counts=[]), "has scores without counts per clip"),
        (lambda one: one.update(divergence=0.5), "divergence is filed as 0.5, and the counts give 0"),
        (lambda one: one.update(change_share=1.5), "change_share and changes_per_second are no share and no rate"),
        (lambda one: one["outcomes"].update(label=-1), "outcomes are no counts"),
        (lambda one: one.update(distribution=[0.5, 0.5, 0.5]), "distribution sums to 1.5, not to 1"),
        (lambda one: one.update(correctness="?"), "correctness cannot be read"),
        (lambda one: one.update(correctness=packed(np.zeros(3, np.uint8))), "correctness has 3 frames, the truth 120"),
        (
            lambda one: one.update(correctness=packed(np.roll(unpacked(one["correctness"]), 20))),
            r"correctness.0 has \[\d+, \d+, \d+\] wrong, right and unanswered frames, counts \[",
        ),
    ],
)
def test_each_kind_of_edit_is_named(filed, path, change, message):
    data = copy.deepcopy(filed[1])
    change(data["scores"]["systems"][0])
    assert re.search(f"system 'facs': {message}", "\n".join(problems(resealed(data), path)))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda one: one.update(frames=one["frames"] + 1), r"calibration.frames is filed as \d+, and its bins hold"),
        (lambda one: one.update(brier=-1.0), "calibration.brier is filed as -1, which no probabilities give"),
        (lambda one: one["bins"][1].__setitem__(1, 1e3), "calibration.bins.1 is filed as .* no probabilities give"),
        (lambda one: one["bins"][1].__setitem__(2, 1), r"calibration.bins hold 1 right frames, the counts \d+"),
    ],
)
def test_calibration_must_fit_the_counts(filed, path, change, message):
    data = copy.deepcopy(filed[1])
    change(data["scores"]["systems"][1]["calibration"])
    assert re.search(message, "\n".join(problems(resealed(data), path)))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda one: one["truth"].update(frames=121), "truth.frames is filed as 121, and truth.per_class sums to 120"),
        (lambda one: one["truth"].update(clips=7), "truth.clips is filed as 7, and 6 clips are named"),
        (lambda one: one["settings"].update(level=0.9), "settings.level is filed as 0.9, and what is computed is 0.95"),
        (lambda one: one["settings"].update(macro_f1="best class"), "settings.macro_f1 is filed as 'best class'"),
        (lambda one: one["truth"]["per_class"].reverse(), "its counts hold .* frames of the classes, the truth"),
        (lambda one: one.update(seeds=[0, 1]), "scores.seeds: 2 are named, and by_seed has none"),
    ],
)
def test_the_truth_and_the_rules_must_fit(filed, path, change, message):
    data = copy.deepcopy(filed[1])
    change(data["scores"])
    assert re.search(message, "\n".join(problems(resealed(data), path)))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda one: one["scores"]["systems"][1].update(macro_f1=1.0), "system 'resnet18 .fine-tuned.': macro_f1 is"),
        (lambda one: one["scores"]["systems"][1]["spread"].update(deviation=0.0), "spread.deviation is filed as 0"),
        (lambda one: one["scores"]["systems"].pop(0), "system 'facs': is not in the means, and by_seed says otherwise"),
        (lambda one: one["scores"].update(seeds=[0, 2]), "scores.seeds: is not what by_seed has"),
        (
            lambda one: one["by_seed"][1]["scores"]["systems"][2].update(kappa=1.0),
            "seed 1: system 'ensemble .*kappa is",
        ),
    ],
)
def test_means_over_seeds_must_follow_from_the_seeds(filed, path, change, message):
    data = copy.deepcopy(filed[2])
    change(data)
    assert re.search(message, "\n".join(problems(resealed(data), path)))


def test_with_another_numpy_an_interval_may_lie_elsewhere_by_what_resampling_allows():
    drawn = scores()
    drawn = drawn.model_copy(update={"settings": drawn.settings.model_copy(update={"seed": 12345})})  # other clips
    found = record(packages={"numpy": "1.0"}, scores=drawn)
    assert list(wrong_numbers(found)) == []
    assert any("interval" in text for text in wrong_numbers(record(scores=drawn)))
    far = drawn.systems[1].model_copy(update={"interval": (0.0, 0.1)})
    found = found.model_copy(update={"scores": drawn.model_copy(update={"systems": [far]})})
    assert any("interval is filed as [0, 0.1]" in text for text in wrong_numbers(found))


def test_a_model_that_answers_with_markup_is_data(tmp_path):
    systems = scores().systems
    named = systems[1].model_copy(update={"system": "<script>alert(1)</script>"})
    mine = scores().model_copy(update={"systems": [named]})
    found = Record.read(file_record(record(scores=mine), tmp_path))
    assert found.scores.systems[0].system == "<script>alert(1)</script>"
    assert list(wrong_numbers(found)) == []


def test_problems_of_means_come_in_the_order_of_the_systems(filed, path):
    data = copy.deepcopy(filed[2])
    names = [one["system"] for one in data["scores"]["systems"]]
    for one in data["scores"]["systems"]:
        one["macro_f1"] = 0.999
    found = [text for text in problems(resealed(data), path) if "macro_f1 is filed as 0.999" in text]
    assert [re.match(r"system '(\w+)", text)[1] for text in found] == [name.split()[0] for name in names]
