"""What `harness run` prints at its end."""

import io
from pathlib import Path

from rich.console import Console

from harness.cli.summary import print_summary
from harness.evaluation.scores import Scores, Settings, Spread, SystemScore, TruthFacts
from harness.runs import WrittenRun


def system(name, macro_f1=None, divergence=None, role="labeler", phase=""):
    return SystemScore(
        system=name, role=role, phase=phase, macro_f1=macro_f1, accuracy=macro_f1, unweighted_average_recall=None,
        interval=None if macro_f1 is None else (0.1, 0.2), coverage=1.0, frames=9, clips=2, changes_per_second=1.25,
        divergence=divergence,
    )  # fmt: skip


def printed(systems, frames=9, reference=(), notes=(), seeds=()):
    scores = Scores(
        label_space="two",
        classes=["a", "b"],
        truth=TruthFacts(frames=frames, clips=2, per_class=[frames, 0]),
        settings=Settings(unanswered="wrong", resamples=200, seed=0, reference=list(reference)),
        notes=list(notes),
        systems=systems,
        seeds=list(seeds),
    )
    record = Path("leaderboards/results/b/mine.json") if frames else None
    run = WrittenRun("mine", Path("runs/mine"), scores, record, [], 3, [])
    file = io.StringIO()
    print_summary(Console(file=file, width=80), run, 1.5)
    return file.getvalue()


def test_scores_stand_beside_chance():
    text = printed([system("replay", 0.15), system("chance", 0.12, role="reference")])
    assert "mine: 9 annotated frames of 2 clips" in text
    assert ["replay", "0.150", "0.100", "-", "0.200", "0.150", "100%"] in [line.split() for line in text.splitlines()]
    assert "KL" not in text


def test_with_a_reference_the_divergence_stands_beside_the_scores_within_80_columns():
    text = printed([system("replay", 0.15, 0.3456, phase="smoothed")], reference=[0.5, 0.5])
    (line,) = [line for line in text.splitlines() if "replay" in line]
    assert "replay (smoothed) " in line
    assert line.split()[-2:] == ["100%", "0.346"]
    assert max(map(len, text.splitlines())) <= 80


def test_without_annotations_the_divergence_is_what_is_left():
    text = printed(
        [system("facs", None, 0.5), system("other")], frames=0, reference=[0.5, 0.5], notes=["nearest: facs"]
    )
    assert "no score" in text
    assert "macro-F1" not in text
    assert ["facs", "1.2", "100%", "0.500"] in [line.split() for line in text.splitlines()]
    assert "note nearest: facs" in text


def test_without_annotations_and_reference_there_is_no_table():
    text = printed([system("facs")], frames=0)
    assert "coverage" not in text


def test_several_seeds_are_means_with_their_deviation_within_80_columns():
    spread = Spread(seeds=[0, 1], macro_f1=[0.4, 0.6], deviation=0.1414, lowest=0.4, highest=0.6)
    ensemble = system("ensemble", 0.5, role="ensemble", phase="unsmoothed").model_copy(update={"spread": spread})
    text = printed([ensemble], seeds=[0, 1])
    assert "means ± deviation over 2 seeds" in text
    assert "0.500 ± 0.141" in text
    assert "seeds.csv" in text
    assert all(len(line) <= 80 for line in text.splitlines() if not line.startswith("run "))
