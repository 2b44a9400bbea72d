"""What labels cost: in the record, and in every form of the leaderboard."""

import csv
import io
import json

import pytest

from harness.leaderboard.cells import dollars
from harness.leaderboard.entries import as_csv, as_json
from harness.leaderboard.markdown import as_markdown
from harness.leaderboard.record import AskingRecord
from harness.leaderboard.rows import leaderboard


def asked(cost, faces=100, labeler="claude"):
    return AskingRecord(
        labeler=labeler, model="m", models={"m": 2 * faces}, prompts="table-1", prompts_sha256="0" * 64, parser=1,
        faces=faces, replies=2 * faces, tokens={"input": 1000, "output": 50}, cost=cost,
    )  # fmt: skip


@pytest.fixture
def board(make_record, make_system):
    systems = [make_system("claude", 0.6, "labeler"), make_system("ensemble", 0.5)]
    return leaderboard([make_record("paid", systems, asked=[asked(0.5)]), make_record("free")])


def test_a_right_label_costs_what_a_face_costs_over_the_share_of_right_ones(board):
    labeler, free, ensemble = board.rows
    assert (labeler.run, free.run, ensemble.run) == ("paid", "free", "paid")
    assert labeler.cost == ensemble.cost == 0.5
    assert labeler.cost_per_correct == pytest.approx(0.5 / 100 / 0.5)  # accuracy of the fixture: half
    assert ensemble.cost_per_correct is None
    assert free.cost is None


def test_several_labelers_cost_together(make_record, make_system):
    record = make_record(
        "two", [make_system("a + b", 0.6, "labeler")], asked=[asked(0.5), asked(1.5, labeler="openai")]
    )
    (row,) = leaderboard([record]).rows
    assert (row.cost, row.cost_per_correct) == (2.0, pytest.approx(2.0 / 100 / 0.5))


@pytest.mark.parametrize("costs", [[None], [0.5, None]])
def test_an_unknown_price_leaves_the_cost_unknown(make_record, make_system, costs):
    record = make_record("x", [make_system("claude", 0.6, "labeler")], asked=[asked(one) for one in costs])
    (row,) = leaderboard([record]).rows
    assert (row.cost, row.cost_per_correct) == (None, None)


def test_no_right_label_has_no_price(make_record, make_system):
    system = make_system("claude", 0.0, "labeler").model_copy(update={"accuracy": 0.0})
    (row,) = leaderboard([make_record("x", [system], asked=[asked(0.5)])]).rows
    assert (row.cost, row.cost_per_correct) == (0.5, None)


def test_tables_show_the_cost_where_anything_was_paid(board, make_record):
    text = as_markdown(board)
    assert "cost per correct label" in text
    assert "| 0.5 | 0.01 |" in text
    assert "cost" not in as_markdown(leaderboard([make_record("free")]))
    rows = list(csv.DictReader(io.StringIO(as_csv(board))))
    assert [row["cost"] for row in rows] == ["0.5", "", "0.5"]
    assert json.loads(as_json(board))["rows"][0]["cost_per_correct"] == pytest.approx(0.01)


@pytest.mark.parametrize(
    ("amount", "text"), [(None, "–"), (0, "0.00"), (1234.5, "1,234.50"), (0.0123, "0.012"), (1, "1.00")]
)
def test_dollars_keep_two_digits_that_say_something(amount, text):
    assert dollars(amount) == text


def test_a_record_without_askings_still_reads(make_record):
    plain = make_record("old").model_dump(mode="json")
    del plain["asked"]
    assert type(make_record("old")).model_validate(plain).asked == []
