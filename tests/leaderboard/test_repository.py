"""The leaderboards of this repository can be believed: what CI checks of every contribution."""

from pathlib import Path

import pytest

from harness.leaderboard.check import check, strays
from harness.leaderboard.rows import benchmarks

FOLDER = Path(__file__).parents[2] / "leaderboards"


@pytest.mark.parametrize("board", benchmarks(FOLDER))
def test_every_record_of_the_repository_passes_the_check(board):
    assert [str(one) for one in check(FOLDER, board).problems] == []


def test_every_table_of_the_repository_has_records():
    assert strays(FOLDER) == []
