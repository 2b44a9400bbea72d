"""Charts drawn for real; what they look like is for eyes, that they hold the data is for tests."""

import builtins
import subprocess
import sys

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from harness.charts import curves, scores, style, timeline, write_charts
from harness.documents import readable_json
from harness.errors import DataError, MissingPackage
from harness.evaluation.scores import ClassScore, Scores, Settings, Spread, SystemScore, TruthFacts

pytest.importorskip("matplotlib")
CLASSES = ["Sadly Fearful", "Sadly Angry", "$x_1$ & <b>"]
HISTORY = "epoch,train_loss,validation_macro_f1,seconds\n1,2.0,0.3,1\n2,1.0,,1\n3,0.5,0.6,1\n"


def system(name, role, macro_f1=0.5, interval=(0.4, 0.6), phase="", unanswered=(0, 0, 1)):
    per_class = [
        ClassScore(name=one, precision=0.5, recall=0.5, f1=0.5, interval=None, support=4, predicted=4)
        for one in CLASSES
    ]
    return SystemScore(
        system=name, role=role, phase=phase, macro_f1=macro_f1, interval=interval, accuracy=0.5,
        unweighted_average_recall=0.5, coverage=0.9, frames=9, clips=2, per_class=per_class,
        confusion=[[2, 1, 0], [0, 3, 0], [1, 1, 0]], unanswered=list(unanswered),
    )  # fmt: skip


def run_scores(*systems):
    return Scores(
        label_space="abc",
        classes=CLASSES,
        truth=TruthFacts(frames=9, clips=2, per_class=[3, 3, 3]),
        settings=Settings(unanswered="wrong", resamples=200, seed=0),
        systems=systems,
    )


CHANCE = system("chance", "reference", 0.3, None)


def lists(rows):
    return pa.FixedSizeListArray.from_arrays(pa.array(np.asarray(rows, np.float32).ravel()), len(CLASSES))


@pytest.fixture
def run_folder(tmp_path):
    """The artifacts of a run on three clips of two frames; the second frame of each has no face."""
    folders = {name: tmp_path / name for name in ("faces", "truth", "labels", "fused", "scored", "net")}
    for folder in folders.values():
        folder.mkdir()
    index = pd.DataFrame({"clip": ["a/b", "a/b", "a b", "a b", "c", "c"], "frame": [0, 1] * 3})
    index["time"], index["face"] = index["frame"] / 25, [0, -1, 1, -1, 2, -1]
    index.to_parquet(folders["faces"] / "index.parquet")
    pd.DataFrame({"face": range(3)}).to_parquet(folders["faces"] / "crops.parquet")
    index[["clip", "frame"]].assign(label=[0, 1, 2, -1, 0, 1]).to_parquet(folders["truth"] / "truth.parquet")
    votes = {
        "face": [0, 2],
        "outcome": ["label", "abstain"],
        "label": [1, -1],
        "probabilities": lists([[0, 1, 0], [np.nan] * 3]),
    }
    pq.write_table(pa.table(votes), folders["labels"] / "labels.parquet")
    decided = {"label": [1, -1] * 3, "probabilities": lists([[0.2, 0.5, 0.3], [np.nan] * 3] * 3)}
    pq.write_table(pa.table(decided), folders["fused"] / "decisions.parquet")
    found = run_scores(system("labeler", "labeler"), system("ensemble", "ensemble"), CHANCE)
    (folders["scored"] / "scores.json").write_text(readable_json(found.model_dump(mode="json")))
    (folders["net"] / "history.csv").write_text(HISTORY)
    return folders


def test_all_charts_of_a_run_are_written(run_folder, tmp_path):
    net = run_folder.pop("net")
    written = write_charts(
        tmp_path / "charts", classes=CLASSES, trainings={"pre-training": {"resnet18": net}, "none": {}}, **run_folder
    )
    assert [path.name for path in written] == [
        "systems.png", "confusion-labeler.png", "confusion-ensemble.png", "learning-curves.png",
        "clip-a-b.png", "clip-a-b-2.png", "clip-c.png",
    ]  # fmt: skip
    for path in written:
        with Image.open(path) as image:
            assert min(image.size) > 200
            assert len(image.convert("RGB").getcolors(1 << 24)) > 4


def test_the_same_run_gives_the_same_bytes(run_folder, tmp_path):
    given = {"classes": CLASSES, "faces": run_folder["faces"], "fused": run_folder["fused"], "most_clips": 1}
    (first,) = write_charts(tmp_path / "1", **given)
    (second,) = write_charts(tmp_path / "2", **given, trained=True)
    assert first.read_bytes() == second.read_bytes()


def test_without_annotations_there_is_no_score_chart(run_folder, tmp_path):
    scored = run_folder["scored"] / "scores.json"
    scored.write_text(readable_json(run_scores().model_dump(mode="json")))
    written = write_charts(
        tmp_path / "charts", classes=CLASSES, faces=run_folder["faces"], scored=scored.parent, most_clips=0
    )
    assert written == []


def test_an_unannotated_data_set_has_no_strip_of_truth(run_folder):
    from harness.charts.write import _clips

    empty = pd.DataFrame({"clip": [], "frame": [], "label": []}).astype({"clip": "str", "frame": "int64"})
    empty.to_parquet(run_folder["truth"] / "truth.parquet")
    series = list(
        _clips(run_folder["faces"], run_folder["fused"], None, run_folder["truth"], CLASSES, trained=False, most=None)
    )
    assert [list(one.strips) for one in series] == [["smoothed"]] * 3


def test_the_timeline_shows_each_frame_of_the_clip_alone(run_folder):
    from harness.charts.write import _clips

    *_, last = _clips(
        run_folder["faces"], run_folder["fused"], run_folder["labels"], run_folder["truth"], CLASSES, True, None
    )
    assert last.clip == "c"
    assert {name: values.tolist() for name, values in last.strips.items()} == {
        "truth": [0, 1],
        "labeler": [-1, -1],
        "ensemble": [1, -1],
    }
    assert np.isnan(last.panels["labeler"]).all()


@pytest.mark.parametrize("frames", [1, 5, 5000])
@pytest.mark.parametrize("known", [True, False])
def test_clips_of_any_length_and_without_times_are_drawn(frames, known, tmp_path):
    rows = np.random.default_rng(0).dirichlet(np.ones(3), frames)
    rows[frames // 2] = np.nan
    times = np.arange(frames) / 25 if known else np.full(frames, np.nan)
    series = timeline.Series("x", times, {"ensemble": rows}, {"ensemble": np.zeros(frames, int)})
    with style.settings():
        drawn = timeline.timeline(series, CLASSES)
        style.save(drawn, tmp_path / "x.png")
    assert drawn.axes[-1].get_xlabel() == ("time, seconds" if known else "frame")


def test_a_clip_looks_the_same_on_the_canvas_of_another_one(tmp_path):
    def series(clip, seed):
        rng = np.random.default_rng(seed)
        strips = {name: rng.integers(-1, 3, 50) for name in ("truth", "ensemble")}
        return timeline.Series(clip, np.arange(50) / 25, {"ensemble": rng.dirichlet(np.ones(3), 50)}, strips)

    with style.settings():
        used = timeline.timeline(series("b1", 0), CLASSES)
        style.save(used, tmp_path / "a.png")
        again = style.save(timeline.timeline(series("b2", 1), CLASSES, used), tmp_path / "again.png")
        fresh = style.save(timeline.timeline(series("b2", 1), CLASSES), tmp_path / "fresh.png")
    assert again.read_bytes() == fresh.read_bytes()


def test_averaging_a_long_clip_keeps_its_shape():
    x = np.arange(4001, dtype=float)
    rows = np.stack([x / 4000, 1 - x / 4000], axis=1)
    rows[:30] = np.nan
    thin_x, thin = timeline._thinned(x, rows)
    assert len(thin) <= timeline.MOST_POINTS
    assert np.isnan(thin[:10]).all()
    np.testing.assert_allclose(thin[20:, 0], thin_x[20:] / 4000)


def test_a_bar_a_system_with_its_interval_and_guessing():
    pair = [system("resnet18", "network", phase=phase) for phase in ("pre-trained", "fine-tuned")]
    with style.settings():
        axis = scores.systems_chart(run_scores(*pair, system("ensemble", "ensemble", 0.7, None), CHANCE)).axes[0]
    names = [label.get_text() for label in axis.get_yticklabels()]
    assert names == ["resnet18, pre-trained", "resnet18, fine-tuned", "ensemble"]
    assert [bar.get_width() for bar in axis.patches] == [0.5, 0.5, 0.7]
    assert {text.get_text() for text in axis.texts} >= {"0.500", "0.700", "guessing 0.300"}


def test_the_confusion_matrix_has_a_column_for_no_answer_if_there_is_any():
    with style.settings():
        some = scores.confusion_chart(system("labeler", "labeler"), CLASSES).axes[0]
        none = scores.confusion_chart(system("labeler", "labeler", unanswered=(0, 0, 0)), CLASSES).axes[0]
    assert len(some.texts) == 12
    assert len(none.texts) == 9
    assert some.texts[0].get_text() == "67%"


def test_each_seed_is_a_ring_beside_the_bar_of_their_mean():
    spread = Spread(seeds=[0, 1, 2], macro_f1=[0.4, 0.5, 0.65], deviation=0.12, lowest=0.4, highest=0.65)
    several = system("ensemble", "ensemble", 0.516).model_copy(update={"spread": spread})
    with style.settings():
        found = run_scores(several, CHANCE).model_copy(update={"seeds": [0, 1, 2]})
        axis = scores.systems_chart(found).axes[0]
        rings = [line.get_xdata() for line in axis.lines if line.get_marker() == "o"]
    assert [list(one) for one in rings] == [[0.4, 0.5, 0.65]]
    assert "mean of 3 seeds (rings)" in axis.get_xlabel()


def test_learning_curves_mark_the_best_epoch(tmp_path):
    (tmp_path / "history.csv").write_text(HISTORY)
    curve = curves.read_history(tmp_path / "history.csv")
    with style.settings():
        drawn = curves.learning_curves({"fine-tuning": {"resnet18": curve}})
    lower = drawn.axes[1]
    assert lower.lines[1].get_xydata().tolist() == [[3, 0.6]]


def test_of_equally_good_epochs_the_one_of_lower_loss_is_marked(tmp_path):
    (tmp_path / "history.csv").write_text(
        "epoch,train_loss,validation_macro_f1,validation_loss\n1,2,0.6,0.9\n2,1,0.6,0.4\n3,1,0.6,0.5\n"
    )
    with style.settings():
        drawn = curves.learning_curves({"a": {"resnet18": curves.read_history(tmp_path / "history.csv")}})
    assert drawn.axes[1].lines[1].get_xydata().tolist() == [[2, 0.6]]


@pytest.mark.parametrize("text", ["", "epoch,loss\n1,2\n", "epoch,train_loss,validation_macro_f1\n1,x,2\n", None])
def test_a_file_that_is_no_history_is_named(tmp_path, text):
    path = tmp_path / "history.csv"
    if text is not None:
        path.write_text(text)
    if text == "":
        assert curves.read_history(path)["epoch"] == []
        return
    with pytest.raises(DataError, match=r"history.csv: not a training history: "):
        curves.read_history(path)


def test_classes_beyond_the_palette_have_colours_of_their_own():
    assert len(set(style.class_colours(24))) == 24
    assert style.class_colours(3) == list(style.PALETTE[:3])


def test_without_matplotlib_the_command_is_named(monkeypatch, tmp_path):
    original = builtins.__import__

    def without(name, *args, **kwargs):
        if name.partition(".")[0] == "matplotlib":
            raise ImportError(name)
        return original(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingPackage, match=r"run: pip install 'cer-harness\[charts\]'"):
        write_charts(tmp_path, classes=CLASSES, faces=tmp_path)


def test_importing_charts_does_not_import_matplotlib():
    code = "import sys, harness.charts; sys.exit('matplotlib' in sys.modules or 'pandas' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_a_training_without_validation_has_a_curve_of_its_loss(tmp_path):
    (tmp_path / "history.csv").write_text("epoch,train_loss\n1,2.0\n2,1.5\n")
    found = curves.read_history(tmp_path / "history.csv")
    assert found["train_loss"] == [2.0, 1.5]
    assert all(np.isnan(value) for value in found["validation_macro_f1"])
    curves.learning_curves({"fine-tune": {"small": found}})


def test_a_phase_of_no_epochs_has_the_score_that_it_began_with(tmp_path):
    (tmp_path / "history.csv").write_text("epoch,validation_loss,validation_macro_f1\n0.0,1.5,0.4\n")
    found = curves.read_history(tmp_path / "history.csv")
    assert (found["epoch"], found["validation_macro_f1"]) == ([0.0], [0.4])
    assert np.isnan(found["train_loss"][0])
    with style.settings():
        drawn = curves.learning_curves({"fine-tune": {"small": found}})
        style.save(drawn, tmp_path / "curves.png")
    assert drawn.axes[1].lines[1].get_xydata().tolist() == [[0, 0.4]]
