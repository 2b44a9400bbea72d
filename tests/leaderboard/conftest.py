"""Small records, as `harness run` would file them."""

from datetime import UTC, datetime

import pytest

from harness.evaluation.scores import ClassScore, Scores, Settings, SystemScore, TruthFacts
from harness.leaderboard.record import DataRecord, Machine, Record

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
