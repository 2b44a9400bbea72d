import csv
import json
import re

import pytest

from harness.errors import DataError
from harness.evaluation.scores import Spread
from harness.leaderboard import build as building
from harness.leaderboard.build import build
from harness.leaderboard.record import file_record


@pytest.fixture
def filed(make_record, make_system, tmp_path):
    file_record(make_record("first"), tmp_path)
    systems = [make_system(macro_f1=1 / 3, phase="smoothed"), make_system("labeler", 0.25, "labeler", interval=None)]
    file_record(make_record("second", systems), tmp_path)
    return tmp_path


def test_the_same_records_give_the_same_bytes(filed):
    written = build(filed, "trial")
    assert [path.name for path in written] == ["trial.md", "trial.csv", "trial.json"]
    before = [path.read_bytes() for path in written]
    for path in written:
        path.unlink()
    assert [path.read_bytes() for path in build(filed, "trial")] == before


def test_the_markdown_table_has_a_row_a_system(filed):
    text = build(filed, "trial")[0].read_text()
    assert "Uniform guessing reaches 0.250." in text
    assert r"| 1 | first | ensemble | ensemble | 0.500 \[0.400, 0.600\] | 0.500 | 0.750 | 8 | 2 |" in text
    assert "| 3 | second | labeler | labeler | 0.250 | 0.500 | 0.750 | 8 | 2 |" in text
    assert "| run | system | Sadly Fearful | Sadly Angry |" in text
    assert "| second | ensemble, smoothed | 0.333 | 0.333 |" in text
    for block in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}) == 1


def test_markdown_in_names_is_text(make_record, make_system, tmp_path):
    file_record(make_record(systems=[make_system("a|b <img> *x*\n[y](z)")]), tmp_path)
    assert r"a\|b \<img\> \*x\* \[y\](z)" in build(tmp_path, "trial")[0].read_text()


def test_csv_and_json_hold_the_full_numbers(filed):
    _, csv_path, json_path = build(filed, "trial")
    rows = list(csv.DictReader(csv_path.read_text().splitlines()))
    assert [(row["run"], row["system"], row["phase"], row["rank"]) for row in rows] == [
        ("first", "ensemble", "", "1"),
        ("second", "ensemble", "smoothed", "2"),
        ("second", "labeler", "", "3"),
    ]
    assert float(rows[1]["macro_f1"]) == 1 / 3
    assert (rows[2]["low"], rows[0]["f1 Sadly Angry"]) == ("", "0.5")
    data = json.loads(json_path.read_text())
    assert data["rows"][1]["macro_f1"] == 1 / 3
    assert (data["chance"], data["classes"]) == (0.25, ["Sadly Fearful", "Sadly Angry"])


def test_predicted_classes_have_a_table_where_records_tell_of_them(filed, make_record, make_system):
    _, _, json_path = build(filed, "trial")
    assert "## Predicted classes" not in build(filed, "trial")[0].read_text()
    assert json.loads(json_path.read_text())["rows"][0]["distribution"] == {}
    told = make_system("facs", 0.6, "labeler", distribution=[0.25, 0.75], divergence=0.125, changes_per_second=2.5)
    file_record(make_record("third", [told], reference=[0.5, 0.5]), filed)
    markdown, csv_path, json_path = build(filed, "trial")
    text = markdown.read_text().partition("## Predicted classes")[2]
    assert "| run | system | changes/s | KL | Sadly Fearful | Sadly Angry |" in text
    assert "| third | facs | 2.500 | 0.125 | 0.250 | 0.750 |" in text
    assert text.count("\n| ") == 3
    first, second, *_ = csv.DictReader(csv_path.read_text().splitlines())
    assert (first["divergence"], first["share Sadly Angry"], first["changes_per_second"]) == ("0.125", "0.75", "2.5")
    assert (second["divergence"], second["share Sadly Angry"]) == ("", "")
    assert json.loads(json_path.read_text())["rows"][0]["distribution"] == {"Sadly Fearful": 0.25, "Sadly Angry": 0.75}


def test_a_broken_record_is_named_and_the_tables_stay(filed):
    written = build(filed, "trial")
    before = [path.read_bytes() for path in written]
    (filed / "results" / "trial" / "broken.json").write_text("{")
    with pytest.raises(DataError, match=r"record 'broken.json'"):
        build(filed, "trial")
    assert [path.read_bytes() for path in written] == before


def test_a_record_filed_during_a_build_is_not_lost(filed, make_record, monkeypatch):
    original, late = building.as_json, [make_record("late")]

    def slow(board):
        if late:
            file_record(late.pop(), filed)
        return original(board)

    monkeypatch.setattr(building, "as_json", slow)
    assert "late" in build(filed, "trial")[0].read_text()


def test_several_seeds_are_shown_as_mean_and_deviation_with_their_number(filed, make_record, make_system):
    spread = Spread(seeds=[0, 1, 2], macro_f1=[0.5, 0.6, 0.7], deviation=0.1, lowest=0.5, highest=0.7)
    several = make_system(macro_f1=0.6).model_copy(update={"spread": spread})
    file_record(make_record("third", [several, make_system("facs", 0.1, "labeler")]), filed)
    markdown, csv_path, json_path = build(filed, "trial")
    text = markdown.read_text()
    assert r"| 1 | third | ensemble | ensemble | 0.600 ± 0.100 (3) \[0.400, 0.600\] |" in text
    assert "macro-F1 ± sd (seeds)" in text
    assert "± is the sample standard deviation" in text
    first, second, *_ = csv.DictReader(csv_path.read_text().splitlines())
    assert [first[name] for name in ("seeds", "deviation", "lowest", "highest")] == ["3", "0.1", "0.5", "0.7"]
    assert [second[name] for name in ("seeds", "deviation", "lowest", "highest")] == [""] * 4
    assert json.loads(json_path.read_text())["rows"][0]["deviation"] == 0.1


def test_without_several_seeds_nothing_is_said_of_them(filed):
    assert "seeds" not in build(filed, "trial")[0].read_text()
