"""Progress where there is no terminal: a line now and then, with what is left."""

from __future__ import annotations

import io
from pathlib import Path
from types import SimpleNamespace

import pytest
from rich.console import Console

from harness.cli import report
from harness.cli.report import ConsoleReporter, Pace, amounts, duration
from harness.plan import Stage
from harness.store import Artifact, Manifest


def test_a_line_is_due_every_half_minute():
    pace = Pace(0.0)
    assert not pace.due(1, 10, 29.9)
    assert pace.due(2, 10, 30.0)
    assert not pace.due(3, 10, 59.0)
    assert pace.due(4, 10, 60.0)


def test_the_pace_of_the_last_line_says_how_long_it_will_take():
    pace = Pace(0.0)
    pace.due(0, 1000, 1.0)
    assert pace.due(500, 1000, 30.0)  # out of the store, at once
    assert pace.due(530, 1000, 60.0)
    assert pace.left == "about 8 min left"


@pytest.mark.parametrize(("done", "total"), [(530.0, None), (500.0, 1000.0), (600.0, 900.0)])
def test_nothing_is_guessed_without_a_total_or_a_pace(done, total):
    pace = Pace(0.0)
    pace.due(0, 1000, 1.0)
    pace.due(500, 1000, 30.0)
    assert pace.due(done, total, 60.0)
    assert pace.left == ""


def test_what_is_counted_no_more_is_news():
    pace = Pace(0.0)
    pace.due(3, 10, 1.0)
    assert pace.due(0, None, 1.1)
    assert not pace.due(0, None, 1.2)
    assert Pace(0.0).due(0, None, 0.1)


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.2, "about 1 s left"), (89, "about 89 s left"), (720, "about 12 min left"),
                           (9000, "about 2.5 h left")],
)  # fmt: skip
def test_a_time_to_come_is_told_no_finer_than_it_is_known(seconds, words):
    assert duration(seconds) == words


def test_amounts_are_readable():
    assert amounts(1200, 10000) == "1,200 of 10,000"
    assert amounts(1200, None) == "1,200"
    assert amounts(0, None) == ""


def test_a_plain_line_has_stage_amount_text_and_time_left(monkeypatch):
    moments = iter([0.0, 0.0, 1.0, 31.0])  # stage's begin, stage's pace, two reports
    monkeypatch.setattr(report, "time", SimpleNamespace(monotonic=lambda: next(moments)))
    file = io.StringIO()
    reporter = ConsoleReporter(Console(file=file))
    stage = Stage("label", "label (claude)", {}, {})
    reporter.started(stage, 4, 5)
    reporter.progress(stage, "3 [in] flight", 0, 100)
    reporter.progress(stage, "3 [in] flight", 25, 100)
    assert file.getvalue().splitlines() == [" 4/5 label (claude): 25 of 100, 3 [in] flight, about 2 min left"]


def test_stages_side_by_side_have_a_line_each_with_their_own_pace(monkeypatch):
    moments = iter([0.0, 0.0, 5.0, 5.0, 20.0, 31.0, 36.0])  # two beginnings with their paces; three reports
    monkeypatch.setattr(report, "time", SimpleNamespace(monotonic=lambda: next(moments)))
    file = io.StringIO()
    reporter = ConsoleReporter(Console(file=file))
    first, second = (Stage("train", f"pre-train {name}", {}, {}) for name in ("a", "b"))
    reporter.started(first, 3, 12)
    reporter.started(second, 7, 12)
    reporter.progress(second, "training", 10, 100)
    reporter.progress(first, "training", 50, 100)
    reporter.progress(second, "training", 25, 100)
    assert file.getvalue().splitlines() == [
        " 3/12 pre-train a: 50 of 100, training",
        " 7/12 pre-train b: 25 of 100, training, about 2 min left",
    ]


def test_a_terminal_shows_a_line_for_each_stage_under_way():
    file = io.StringIO()
    console = Console(file=file, force_terminal=True, width=100, _environ={})
    first, second = (Stage("train", f"pre-train {name}", {}, {}) for name in ("a", "b"))
    with ConsoleReporter(console) as reporter:
        reporter.started(first, 3, 12)
        reporter.started(second, 7, 12)
        reporter.progress(first, "training", 50, 100)
        reporter.progress(second, "training", 10, 100)
        reporter._bar.refresh()
        shown = file.getvalue()
        reporter.finished(second, Artifact(Path(), Manifest("train", "f", {}, {})), computed=True)
    assert " 3/12 pre-train a" in shown
    assert "50/100" in shown
    assert " 7/12 pre-train b" in shown
    assert "10/100" in shown
    assert " 7/12 pre-train b " in file.getvalue().split(shown)[1]
