"""The numbers of a run as rows of text."""

from __future__ import annotations

import pytest

from harness.evaluation.scores import Calibration, Scores, Settings, SystemScore, TruthFacts
from harness.leaderboard.record import AskingRecord, StageRecord
from harness.report import tables


def system(name, macro_f1=0.5, **more):
    facts = {
        "role": "network",
        "accuracy": None,
        "unweighted_average_recall": None,
        "coverage": 1.0,
        "frames": 4,
        "clips": 2,
    }
    return SystemScore(system=name, macro_f1=macro_f1, **{**facts, **more})


def scores(*systems):
    return Scores(
        label_space="mine",
        classes=["a", "b"],
        truth=TruthFacts(frames=4, clips=2, per_class=[2, 2]),
        settings=Settings(unanswered="wrong", resamples=100, seed=0),
        systems=list(systems),
    )


def test_bars_share_a_scale_and_columns_without_a_value_are_left_out():
    table = tables.score_table(
        scores(
            system("a", 0.4, interval=(0.2, 0.8)), system("b", None, kappa=0.3), system("chance", 0.2, role="reference")
        )
    )
    assert table.heads == ["kappa", "coverage"]
    first, second, _ = table.rows
    assert (first.bar, first.interval, first.values) == (
        tables.Bar(50, 25, 100),
        "0.200 to 0.800",
        ["\u2013", "100.0%"],
    )
    assert (second.bar, second.macro_f1) == (None, "\u2013")
    assert table.chance == 25


def test_the_earlier_of_two_states_is_told_apart():
    rows = tables.score_table(scores(system("a", phase="pre-trained"), system("a", phase="fine-tuned"))).rows
    assert [(one.title, one.earlier) for one in rows] == [("a (pre-trained)", True), ("a (fine-tuned)", False)]


def test_reliability_has_a_point_for_each_bin_with_a_frame():
    one = Calibration(bins=[(0, 0.0, 0), (4, 1.2, 2), (6, 5.4, 6)], brier=2.5, frames=10)
    (found,) = tables.reliabilities(scores(system("a"), system("b", calibration=one)))
    assert (found.title, found.error, found.brier) == ("b", "0.140", "0.250")  # (|2 - 1.2| + |6 - 5.4|) / 10
    nothing = Calibration(bins=[], brier=0, frames=0)
    assert tables.score_table(scores(system("c", calibration=nothing))).heads == ["coverage"]
    assert found.bins == [pytest.approx((0.3, 0.5, 0.4)), pytest.approx((0.9, 1.0, 0.6))]


@pytest.mark.parametrize(("value", "shade"), [(0, 0), (1e-9, 1), (0.1, 2), (0.99, 10), (1, 10)])
def test_only_nothing_has_no_shade(value, shade):
    assert tables.heat(value) == shade


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.44, "0.4 s"), (59.4, "59 s"), (59.6, "1 min 0 s"), (185, "3 min 5 s"), (7800, "2 h 10 min")],
)
def test_durations_read_well(seconds, text):
    assert tables.seconds_text(seconds) == text


def test_stages_are_seen_against_the_longest():
    facts = {"kind": "train", "fingerprint": "f", "cached": False}
    rows = tables.stage_rows(
        [
            StageRecord(title="a", seconds=20, peak_memory=2**20 * 300, energy=7200, **facts),
            StageRecord(title="b", seconds=5, peak_memory=0, **facts),
        ]
    )
    assert [(one.percent, one.memory, one.energy) for one in rows] == [(100, "300 MiB", "2.00 Wh"), (25, "\u2013", "")]
    assert tables.stage_rows([]) == []


def test_stages_of_a_kind_are_summed():
    facts = {"fingerprint": "f", "cached": False}
    stages = [
        StageRecord(kind=kind, title=f"{number}", seconds=2, peak_memory=2**20 * number, **facts)
        for number, kind in enumerate(["data", "train", "train"], start=1)
    ]
    rows = tables.kinds_of_stages(stages)
    assert [(one.title, one.count, one.seconds, one.memory) for one in rows] == [
        ("data", 1, "2.0 s", "1 MiB"), ("train", 2, "4.0 s", "3 MiB"),
    ]  # fmt: skip


def test_a_price_that_is_not_known_is_not_nought():
    facts = {
        "labeler": "l",
        "model": "m",
        "prompts": "p",
        "prompts_sha256": "0",
        "parser": 1,
        "faces": 9,
        "replies": 1200,
    }
    assert tables.asked_row(AskingRecord(cost=None, **facts))[-1] == "not known"
    row = tables.asked_row(AskingRecord(cost=1.5, models={"m-1": 1200}, tokens={"input": 3000}, **facts))
    assert row == ["l", "m-1 (1,200)", "p", "9", "1,200", "input 3,000", "1.5000"]


def test_a_system_without_a_counted_frame_has_no_matrix():
    found = tables.matrices(
        scores(
            system("a"),
            system("b", confusion=[[1, 0], [0, 0]], unanswered=[0, 0]),
            system("c", confusion=[[0, 0], [0, 0]], unanswered=[0, 2]),
        )
    )
    assert [one["title"] for one in found] == ["b", "c"]


def test_nothing_has_no_shares():
    assert [one.text for one in tables.share_row([0, 0])] == ["\u2013", "\u2013"]
    assert [one.text for one in tables.share_row([1, 3])] == ["25%", "75%"]
