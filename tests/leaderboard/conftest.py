"""Small records, as `harness run` would file them."""

from datetime import UTC, datetime

import numpy as np
import pytest

from harness.evaluation import metrics
from harness.evaluation.counts import Counts
from harness.evaluation.scores import ClassScore, Scores, Settings, SystemScore, TruthFacts
from harness.leaderboard.record import DataRecord, Machine, Record, SeedScores

CLASSES = ["Sadly Fearful", "Sadly Angry"]


def system(name="ensemble", macro_f1=0.5, role="ensemble", phase="", interval=(0.4, 0.6), **more):
    if macro_f1 is None:
        return SystemScore(
            system=name, role=role, phase=phase, macro_f1=None, accuracy=None, unweighted_average_recall=None,
            coverage=1.0, frames=0, clips=0,
        )  # fmt: skip
    per_class = [
        ClassScore(name=one, precision=0.5, recall=0.5, f1=macro_f1, interval=None, support=4, predicted=4)
        for one in CLASSES
    ]
    return SystemScore(
        system=name, role=role, phase=phase, macro_f1=macro_f1, interval=interval, accuracy=0.5,
        unweighted_average_recall=0.5, coverage=0.75, frames=8, clips=2, per_class=per_class,
        confusion=[[2, 2], [2, 2]], unanswered=[0, 0], counts=[[(0, 0, 2), (0, 1, 2)], [(1, 0, 2), (1, 1, 2)]],
        **more,
    )  # fmt: skip


@pytest.fixture
def make_system():
    return system


@pytest.fixture
def make_record():
    def make(run="facs", systems=None, truth_frames=8, fingerprint="f" * 64, space="two", **changes):
        scores = Scores(
            label_space=space,
            classes=CLASSES,
            truth=TruthFacts(frames=truth_frames, clips=2, per_class=[4, 4]),
            settings=Settings(
                unanswered=changes.pop("unanswered", "wrong"),
                resamples=200,
                seed=0,
                reference=changes.pop("reference", []),
            ),
            clips=["ada.mp4", "bob.mp4"],
            systems=systems
            if systems is not None
            else [system(), system("chance (uniform guessing)", 0.25, "reference", interval=None)],
        )
        values = {
            "run": run,
            "benchmark": "trial",
            "created": datetime(2026, 11, 22, tzinfo=UTC),
            "configuration": {"data": {"target": {"use": "folder", "root": "/home/ada/videos"}}},
            "label_space": {"name": space, "labels": [{"name": one} for one in CLASSES]},
            "machine": Machine(cpu="a processor", cores=2, memory=8, os="Linux x86_64", python="CPython 3.11.7"),
            "data": [DataRecord(role="target", name="folder", fingerprint=fingerprint)],
            "scores": scores,
        }
        return Record(**{**values, **changes})

    return make


@pytest.fixture
def make_counted():
    """Systems whose scores follow from their counts: in every clip 10 frames of each of two classes, `right` of each
    right (one number, or one a clip), `unanswered` of each without a prediction, the rest taken for the other class."""

    def make(name="ensemble", right=5, role="ensemble", phase="", *, clips=12, unanswered=0, frames=10, **more):
        rights = [right] * clips if isinstance(right, int) else list(right)
        confusion = np.array([[[one, frames - one - unanswered], [frames - one - unanswered, one]] for one in rights])
        counts = Counts(confusion, np.full((len(rights), 2), unanswered))
        sums = counts.sums(more.pop("policy", "wrong")).sum(axis=0)
        per_class = [
            ClassScore(name=one, precision=0.5, recall=0.5, f1=float(f1), interval=None, support=1, predicted=1)
            for one, f1 in zip(CLASSES, metrics.f1(sums), strict=True)
        ]
        values = {
            "system": name, "role": role, "phase": phase, "macro_f1": float(metrics.macro_f1(sums)),
            "interval": (0.1, 0.9), "accuracy": float(metrics.accuracy(sums)), "unweighted_average_recall": 0.5,
            "coverage": counts.coverage, "frames": counts.frames, "clips": len(rights), "per_class": per_class,
            "counts": counts.triples(),
        }  # fmt: skip
        return SystemScore(**{**values, **more})

    return make


@pytest.fixture
def make_run(make_record):
    """Records of systems that were made by make_counted."""

    def make(run, systems, *, clips=12, names=None, items=(), subjects=(), by_seed=(), settings=None, **changes):
        record = make_record(run, systems=[], **changes)
        update = {
            "clips": list(names or [f"clip-{one:02}" for one in range(clips)]),
            "items": list(items),
            "subjects": list(subjects),
            "settings": record.scores.settings.model_copy(update=settings or {}),
        }
        scores = record.scores.model_copy(update=update)
        seeds = [
            SeedScores(seed=number, scores=scores.model_copy(update={"systems": one}))
            for number, one in enumerate(by_seed)
        ]
        return record.model_copy(
            update={"scores": scores.model_copy(update={"systems": list(systems)}), "by_seed": seeds}
        )

    return make
