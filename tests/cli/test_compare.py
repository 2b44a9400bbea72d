"""`harness compare`, on records filed as `harness run` files them."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime

import numpy as np
import pytest

from harness.evaluation.correctness import RIGHT, UNANSWERED, WRONG, packed
from harness.evaluation.counts import count
from harness.evaluation.scores import Scores, Settings, SystemScore, TruthFacts
from harness.evaluation.spread import over_seeds
from harness.leaderboard.record import Machine, Record, SeedScores, file_record

CLASSES = ["Sadly Fearful", "Sadly Angry", "Happily Surprised"]
CLIPS, FRAMES = 24, 20


def truth(clips=CLIPS, seed=0):
    return np.repeat(np.random.default_rng(seed).integers(0, 3, clips * 2), FRAMES // 2)


def guesses(skill, seed, clips=CLIPS, true=None):
    rng = np.random.default_rng(seed)
    true = truth(clips) if true is None else true
    return np.where(rng.random(len(true)) < skill, true, rng.integers(-1, 3, len(true)))


def system(name, role, guess, phase="", clips=CLIPS, true=None, correctness=True):
    from harness.evaluation import metrics

    true = truth(clips) if true is None else true
    counts = count(np.repeat(np.arange(clips), FRAMES), true, guess, clips, 3)
    sums = counts.sums().sum(axis=0)
    codes = np.where(guess < 0, UNANSWERED, np.where(guess == true, RIGHT, WRONG))
    return SystemScore(
        system=name, role=role, phase=phase, macro_f1=float(metrics.macro_f1(sums)),
        accuracy=float(metrics.accuracy(sums)),
        unweighted_average_recall=float(metrics.unweighted_average_recall(sums)), coverage=counts.coverage,
        frames=counts.frames, clips=clips, confusion=counts.confusion.sum(axis=0).tolist(),
        unanswered=counts.unanswered.sum(axis=0).tolist(), counts=counts.triples(),
        correctness=packed(codes) if correctness else "",
    )  # fmt: skip


def scores(systems, clips=CLIPS, items=None, subjects=(), space="three", **settings):
    return Scores(
        label_space=space,
        classes=CLASSES,
        truth=TruthFacts(frames=clips * FRAMES, clips=clips, per_class=np.bincount(truth(clips), minlength=3).tolist()),
        settings=Settings(**{"unanswered": "wrong", "resamples": 200, "seed": 0, **settings}),
        clips=[f"clip{number:02}.mp4" for number in range(clips)],
        items=items or [f"digest{number}" for number in range(clips)],
        subjects=list(subjects),
        systems=systems,
    )


def systems_of(skill, seed, clips=CLIPS):
    return [
        system("vlm", "labeler", guesses(0.5, 99, clips), clips=clips),
        system("resnet18", "network", guesses(skill / 2, seed + 1, clips), "pre-trained", clips),
        system("resnet18", "network", guesses(skill, seed + 2, clips), "fine-tuned", clips),
        system("ensemble", "ensemble", guesses(skill, seed + 3, clips), "unsmoothed", clips),
        system("ensemble", "ensemble", guesses(skill + 0.1, seed + 4, clips), "smoothed", clips),
    ]


@pytest.fixture
def file(home):
    def filed(run, found, by_seed=(), benchmark="trial"):
        record = Record(
            run=run, benchmark=benchmark, created=datetime(2026, 11, 22, tzinfo=UTC), configuration={},
            label_space={"name": "three"}, scores=found, by_seed=[SeedScores(seed=n, scores=s) for n, s in by_seed],
            machine=Machine(cpu="a", cores=2, memory=8, os="Linux", python="CPython 3.11"),
        )  # fmt: skip
        return file_record(record, home / "leaderboards")

    return filed


@pytest.fixture
def two(file):
    file("first", scores(systems_of(0.3, 10)))
    file("second", scores(systems_of(0.6, 20)))


def told(harness, *arguments, code=0):
    result = harness("compare", *arguments)
    assert result.exit_code == code, result.output
    return " ".join((result.output if code == 0 else result.stderr).split())


def test_two_runs_are_compared_by_their_last_word_and_it_is_said_in_words(harness, two):
    said = told(harness, "first", "second")
    assert "A second: ensemble (smoothed) B first: ensemble (smoothed)" in said
    assert "more macro-F1 than 'first: ensemble (smoothed)' on the same 480 frames of 24 clips" in said
    assert "more than chance explains." in said
    assert "McNemar: of 480 frames A alone has" in said
    for name in ("macro-F1", "accuracy", "UAR", "F1 Sadly Angry", "p swap"):
        assert name in said


def test_the_table_fits_80_columns(harness, two, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    for arguments in (("first", "second"), ("first", "second", "second:vlm")):
        lines = harness("compare", *arguments).output.splitlines()
        assert max(map(len, lines)) <= 80
        assert not any("…" in line for line in lines)


def test_what_cannot_be_told_apart_is_said_with_what_could_have_been_found(harness, two):
    said = told(harness, "first:labeler", "second:labeler")
    assert "'second: vlm' and 'first: vlm' do the same on the same 480 frames of 24 clips" in said
    said = told(harness, "first:ensemble:unsmoothed", "first:resnet18")
    assert "cannot be told apart on the same 480 frames" in said
    assert "or more would have been found 4 times out of 5" in said


def test_several_runs_are_compared_with_the_first_and_corrected_for_their_number(harness, two, home):
    told(harness, "first", "second", "second:labeler", "second:resnet18:pre-trained", "--out", "table.csv")
    rows = list(csv.DictReader((home / "table.csv").read_text().splitlines()))
    macro = [row for row in rows if row["metric"] == "macro_f1"]
    assert [(row["system"], row["phase"]) for row in macro] == [
        ("ensemble", "smoothed"), ("vlm", ""), ("resnet18", "pre-trained"),
    ]  # fmt: skip
    assert {row["reference_run"] for row in rows} == {"first"}
    least = min(macro, key=lambda row: float(row["p_permutation"]))
    assert float(least["p_holm"]) == pytest.approx(3 * float(least["p_permutation"]))
    accuracy = next(row for row in rows if row["metric"] == "accuracy")
    assert int(accuracy["mcnemar_only"]) > int(accuracy["mcnemar_reference_only"])
    assert macro[0]["p_mcnemar"] == ""


def test_every_number_can_be_written_as_json(harness, two, home):
    said = told(harness, "first", "second", "--out", "table.json")
    assert said.endswith("written to table.json")
    rows = json.loads((home / "table.json").read_text())
    assert [row["metric"] for row in rows] == [
        "macro_f1", "accuracy", "unweighted_average_recall", *(f"f1 {name}" for name in CLASSES),
    ]  # fmt: skip
    assert rows[0]["low"] < rows[0]["difference"] < rows[0]["high"]
    assert rows[0]["difference"] == pytest.approx(rows[0]["value"] - rows[0]["reference_value"])


def test_a_system_can_be_named_in_many_ways(harness, two, home):
    for name in ("resnet18", "resnet18:fine-tuned", "resnet18, fine-tuned", "resnet18 (fine-tuned)"):
        assert "A second: resnet18 (fine-tuned)" in told(harness, "first", f"second:{name}")
    assert "A second: vlm" in told(harness, "first", "second:labeler")
    assert "A second: ensemble (unsmoothed)" in told(harness, "first", "second:ensemble:unsmoothed")


def test_a_run_is_found_by_file_folder_and_name(harness, file, two, home):
    folder = home / "runs" / "mine"
    folder.mkdir(parents=True)
    path = home / "leaderboards" / "results" / "trial" / "second.json"
    (folder / "record.json").write_bytes(path.read_bytes())
    expected = told(harness, "first", "second")
    for one in (path, folder, "mine", "leaderboards/results/trial/second.json", f"{path}:ensemble"):
        assert told(harness, "first", one) == expected


def test_a_run_without_ensemble_is_compared_by_its_labeler_or_network(harness, file):
    file("labels", scores(systems_of(0.4, 1)[:1]))
    file("networks", scores(systems_of(0.4, 1)[1:3]))
    said = told(harness, "labels", "networks")
    assert "A networks: resnet18 (fine-tuned) B labels: vlm" in said


def test_means_over_seeds_are_compared_with_their_seeds(harness, file, home):
    for run, skill in (("first", 0.3), ("second", 0.7)):
        by_seed = {seed: scores(systems_of(skill, 100 * seed)) for seed in (1, 2, 3)}
        file(run, over_seeds(by_seed), by_seed.items())
    said = told(harness, "first", "second")
    assert "means over seeds; the seeds are drawn anew as well" in said
    assert "McNemar: not to be had" in said
    assert "more than chance explains" in said
    file("single", scores(systems_of(0.7, 5)))
    said = told(harness, "first", "single")
    assert "unlike numbers of seeds cannot be swapped; Holm has the p of their interval." in said
    told(harness, "first", "single", "--out", "table.csv")
    row = next(csv.DictReader((home / "table.csv").read_text().splitlines()))
    assert (row["p_permutation"], row["p_holm"]) == ("", row["p_student"])
    assert 0 < float(row["p_student"]) < 0.05


def test_subjects_are_drawn_where_the_runs_were_scored_by_subject(harness, file):
    who = [f"person{number // 2}" for number in range(CLIPS)]
    for run, skill in (("first", 0.3), ("second", 0.7)):
        file(run, scores(systems_of(skill, 10), subjects=who, clusters="subject"))
    said = told(harness, "first", "second")
    assert "480 frames of 12 subjects" in said
    assert "12 subjects are few: p boot. is too small, go by p swap or p Holm" in said


def test_other_items_are_refused_with_how_many_differ(harness, file, two):
    file("other", scores(systems_of(0.5, 3), items=["?", *(f"digest{number}" for number in range(1, CLIPS))]))
    said = told(harness, "first", "other", code=2)
    assert "were scored on other items: at least 1 of 480 frames differ (clips: 1 of both with other frames" in said
    assert said.count("error:") == 1
    file("longer", scores(systems_of(0.5, 3, CLIPS + 2), CLIPS + 2))
    said = told(harness, "first", "longer", code=2)
    assert "at least 40 of 520 frames differ (clips: 2 only of the second)" in said
    assert "only of the first" in told(harness, "longer", "first", code=2)


def test_one_clip_is_refused(harness, file):
    file("short", scores(systems_of(0.5, 3, 1), 1))
    said = told(harness, "short", "short:labeler", code=2)
    assert "were scored on one clip: that is one observation, however many frames it has" in said


def test_runs_that_were_scored_otherwise_are_refused(harness, file, two):
    file("space", scores(systems_of(0.5, 3), space="four"))
    assert "are of other classes (three, four): nothing can be compared" in told(harness, "first", "space", code=2)
    vlm = system("vlm", "labeler", np.where((found := guesses(0.5, 1)) < 0, 0, found))
    file("excluded", scores([vlm], unanswered="excluded"))
    said = told(harness, "first", "excluded", code=2)
    assert "have evaluation.unanswered = 'wrong' and 'excluded'; score them alike to compare them" in said


def test_a_record_without_counts_is_refused(harness, file, two):
    bare = systems_of(0.5, 3)[0].model_copy(update={"counts": [], "confusion": [], "unanswered": []})
    file("bare", scores([bare]))
    said = told(harness, "first", "bare", code=2)
    assert "'bare: vlm': its record holds no counts per clip that its score follows from; run it again" in said


def test_what_is_not_there_is_one_line(harness, file, two, home):
    assert "run 'secnd' is no folder of a run, no record" in told(harness, "first", "secnd", code=2)
    assert "did you mean 'second'?" in told(harness, "first", "secnd", code=2)
    said = told(harness, "first", "second:renset18", code=2)
    assert "run 'second' has no system 'renset18'; did you mean 'resnet18:" in said
    assert "one run alone cannot be compared" in told(harness, "first", code=2)
    said = told(harness, "first", "second", "--out", "table.xlsx", code=2)
    assert "--out 'table.xlsx': the file's name must end in .csv or .json" in said
    file("second", scores(systems_of(0.6, 20)), benchmark="another")
    assert "run 'second' has a record in several benchmarks; name one" in told(harness, "first", "second", code=2)
    (home / "runs" / "wild").mkdir(parents=True)
    (home / "runs" / "wild" / "run.json").write_text("{}")
    assert "run 'wild' has no record: it was scored on no annotation" in told(harness, "first", "wild", code=2)
    nothing = systems_of(0.5, 3)[0].model_copy(update={"macro_f1": None})
    file("unscored", scores([nothing]))
    said = told(harness, "first", "unscored", code=2)
    assert "run 'unscored' was scored on no annotated frame" in said


def test_names_are_text_on_the_terminal_and_in_csv(harness, file, home):
    evil, formula = "\x1b[2J[bold]x", "=cmd|' /C calc'!A0"
    file("a", scores([system(evil, "labeler", guesses(0.4, 1)), system(formula, "network", guesses(0.5, 2), "p")]))
    for arguments in (["a:labeler", "a:p"], ["a:p", "a:labeler", "a:labeler"]):
        arguments = [one.replace("a:p", f"a:{formula}") for one in arguments]
        done = harness("compare", *arguments, "--out", "table.csv")
        assert done.exit_code == 0
        assert "\x1b" not in done.output
        assert "\ufffd[2J[bold]x" in done.output
    rows = list(csv.DictReader((home / "table.csv").read_text().splitlines()))
    assert {row["reference_system"] for row in rows} == {f"'{formula}"}
    assert {row["system"] for row in rows} == {"\ufffd[2J[bold]x"}
    assert all(float(row["difference"]) < 1 for row in rows)


def test_frames_of_clips_in_another_order_are_not_paired_by_mcnemar(harness, file):
    whole = scores(systems_of(0.5, 3))
    shown = [one.model_copy(update={"counts": one.counts[::-1]}) for one in whole.systems]
    file("first", whole)
    file("turned", whole.model_copy(update={"clips": whole.clips[::-1], "items": whole.items[::-1], "systems": shown}))
    said = told(harness, "first", "turned")
    assert "do the same on the same 480 frames of 24 clips" in said
    assert "McNemar: not to be had" in said
    assert "clips in one order" in said


def test_other_subjects_of_the_same_clips_are_refused(harness, file):
    for run, many in (("pairs", 2), ("threes", 3)):
        who = [f"person{number // many}" for number in range(CLIPS)]
        file(run, scores(systems_of(0.5, 10), subjects=who, clusters="subject"))
    said = told(harness, "pairs", "threes", code=2)
    assert "see other subjects in the same clips; score them with the same list of subjects" in said
