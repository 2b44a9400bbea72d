"""The leaderboards of this repository can be believed: what CI checks of every contribution."""

from pathlib import Path

import pytest

from harness.leaderboard.check import check, strays
from harness.leaderboard.rows import benchmarks

FOLDER = Path(__file__).parents[2] / "leaderboards"


@pytest.mark.skipif(not benchmarks(FOLDER), reason="no record is filed in the repository yet")
@pytest.mark.parametrize("benchmark", benchmarks(FOLDER))
def test_every_record_of_the_repository_passes_the_check(benchmark):
    assert [str(one) for one in check(FOLDER, benchmark).problems] == []


def test_every_table_of_the_repository_has_records():
    assert strays(FOLDER) == []
