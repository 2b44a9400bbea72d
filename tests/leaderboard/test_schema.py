import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
from honest_records import record

from harness.leaderboard.record import file_record
from harness.leaderboard.schema import FILE, as_text, record_schema

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def validator():
    jsonschema.Draft202012Validator.check_schema(record_schema())
    return jsonschema.Draft202012Validator(record_schema())


def test_the_file_in_the_repository_is_current():
    assert (ROOT / FILE).read_text() == as_text(), "run: python -m harness.leaderboard.schema"


def test_the_command_writes_the_file(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "harness.leaderboard.schema"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout == f"{FILE}\n"
    assert (tmp_path / FILE).read_text() == as_text()


@pytest.mark.parametrize("seeds", [1, 2])
def test_a_filed_record_is_valid(validator, tmp_path, seeds):
    validator.validate(json.loads(file_record(record(seeds=seeds), tmp_path).read_text()))


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data.update(remark="x"),
        lambda data: data["scores"].update(remark="x"),
        lambda data: data["scores"]["systems"][0].update(remark="x"),
        lambda data: data["machine"].update(host="x"),
        lambda data: data.update(schema_version=1),
        lambda data: data.pop("machine"),
        lambda data: data["scores"]["systems"][0]["counts"][0].append([0, 1]),
    ],
)
def test_unknown_keys_other_versions_and_missing_parts_are_not(validator, tmp_path, change):
    data = json.loads(file_record(record(), tmp_path).read_text())
    change(data)
    assert not validator.is_valid(data)
