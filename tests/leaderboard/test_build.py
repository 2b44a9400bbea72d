import random
import re

import pytest

from harness.errors import DataError
from harness.evaluation.scores import Spread
from harness.leaderboard import build as building
from harness.leaderboard.build import build, read_leaderboard
from harness.leaderboard.record import file_record

LOW = [2, 3, 1, 2] * 3
UNEVEN = [7, 8, 9, 10] * 3


@pytest.fixture
def filed(make_run, make_counted, tmp_path):
    file_record(make_run("first", [make_counted(right=UNEVEN)]), tmp_path)
    systems = [make_counted(right=LOW, phase="smoothed"), make_counted("facs", 5, "labeler")]
    file_record(make_run("second", systems), tmp_path)
    return tmp_path


def test_the_same_records_give_the_same_bytes(filed):
    written = build(filed, "trial")
    assert [path.name for path in written] == ["trial.md", "trial.csv", "trial.json", "trial.tex", "trial.html"]
    before = [path.read_bytes() for path in written]
    for path in written:
        path.unlink()
    assert [path.read_bytes() for path in build(filed, "trial")] == before


def test_records_filed_in_any_order_give_the_same_bytes(make_run, make_counted, tmp_path):
    rng = random.Random(0)
    rights = {f"run-{number}": [rng.randint(2, 9) for _ in range(12)] for number in range(6)}
    found = set()
    for order in range(3):
        folder = tmp_path / str(order)
        for run in rng.sample(sorted(rights), len(rights)):
            file_record(make_run(run, [make_counted(right=rights[run]), make_counted("facs", 5, "labeler")]), folder)
        found.add(b"".join(path.read_bytes() for path in build(folder, "trial")))
    assert len(found) == 1


def test_a_reference_is_chosen_for_one_build(filed):
    usual = [path.read_text() for path in build(filed, "trial")]
    assert "Differences are to second:facs" in usual[0]
    assert "Differences are to first:ensemble" in build(filed, "trial", "first")[0].read_text()
    assert [path.read_text() for path in build(filed, "trial")] == usual


def test_a_broken_record_is_named_and_the_tables_stay(filed):
    written = build(filed, "trial")
    before = [path.read_bytes() for path in written]
    (filed / "results" / "trial" / "broken.json").write_text("{")
    with pytest.raises(DataError, match=r"record 'broken.json'"):
        build(filed, "trial")
    assert [path.read_bytes() for path in written] == before


def test_a_table_that_cannot_be_rendered_leaves_all_as_they_were(filed, monkeypatch):
    written = build(filed, "trial")
    before = [path.read_bytes() for path in written]

    def fail(board):
        raise ValueError("no")

    monkeypatch.setattr(building, "RENDERERS", {**building.RENDERERS, ".html": fail})
    with pytest.raises(ValueError, match="no"):
        build(filed, "trial", "first")
    assert [path.read_bytes() for path in written] == before


def test_a_record_filed_during_a_build_is_not_lost(filed, make_run, make_counted, monkeypatch):
    original, late = building.as_json, [make_run("late", [make_counted()])]

    def slow(board):
        if late:
            file_record(late.pop(), filed)
        return original(board)

    monkeypatch.setattr(building, "RENDERERS", {**building.RENDERERS, ".json": slow})
    assert "late" in build(filed, "trial")[0].read_text()


def test_the_collector_runs_again_after_reading(filed):
    import gc

    assert gc.isenabled()
    read_leaderboard(filed, "trial")
    assert gc.isenabled()
    gc.disable()
    try:
        read_leaderboard(filed, "trial")
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_several_seeds_are_shown_as_mean_and_deviation_with_their_number(make_run, make_counted, tmp_path):
    seeds = [make_counted(right=right) for right in (UNEVEN, LOW, 5)]
    values = [one.macro_f1 for one in seeds]
    spread = Spread(seeds=[0, 1, 2], macro_f1=values, deviation=0.1, lowest=min(values), highest=max(values))
    mean = make_counted(right=UNEVEN, macro_f1=sum(values) / 3, spread=spread)
    file_record(make_run("third", [mean], by_seed=[[one] for one in seeds]), tmp_path)
    text = build(tmp_path, "trial")[0].read_text()
    assert re.search(
        r"\\| 1 \\| third \\| ensemble \\| 0\\.\\d{3} ± 0\\.100 \\(3\\) \\\[0\\.100, 0\\.900\\\] \\|", text
    )
    assert "macro-F1 ± sd (seeds)" in text
    assert "± is the sample standard deviation" in text


def test_without_several_seeds_nothing_is_said_of_them(filed):
    assert "seeds" not in build(filed, "trial")[0].read_text()


def test_predicted_classes_have_a_table_where_records_tell_of_them(filed, make_run, make_counted):
    assert "### Predicted classes" not in build(filed, "trial")[0].read_text()
    told = make_counted("clip", UNEVEN, "labeler", distribution=[0.25, 0.75], divergence=0.125)
    file_record(make_run("third", [told], reference=[0.5, 0.5]), filed)
    text = build(filed, "trial")[0].read_text().partition("### Predicted classes")[2].partition("##")[0]
    assert "| run | system | KL | Sadly Fearful | Sadly Angry |" in text
    assert "| third | clip | 0.125 | 0.250 | 0.750 |" in text
    assert text.count("\n| ") == 3
