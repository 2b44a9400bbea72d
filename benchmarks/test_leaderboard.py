"""A leaderboard of 1,000 runs: read, compared and rendered, with 2 rows a run (a labeler and an ensemble) and with 13
(a labeler, five networks before and after fine-tuning, the ensemble before and after smoothing).

    pytest benchmarks/test_leaderboard.py --benchmark-enable -m ""

The records are simulated: 56 clips of one to four of seven classes, some 20,000 frames, counts of every clip.
"""

import json
import subprocess
import sys
from datetime import UTC, datetime

import numpy as np
import pytest

from harness.evaluation import metrics
from harness.evaluation.correctness import packed
from harness.evaluation.counts import Counts
from harness.evaluation.scores import ClassScore, Scores, Settings, SystemScore, TruthFacts
from harness.leaderboard.build import RENDERERS, build, read_leaderboard
from harness.leaderboard.record import DataRecord, Machine, Record
from harness.leaderboard.rows import leaderboard, record_files

CLASSES = [f"class {number}" for number in range(7)]
CLIPS, RUNS = 56, 1000
NETWORKS = ["mobilenet_v2", "resnet152", "densenet121", "resnet18", "densenet201"]
SYSTEMS = {
    2: [("labeler", "claude", ""), ("ensemble", "ensemble", "")],
    13: [
        ("labeler", "claude", ""),
        *(("network", name, phase) for name in NETWORKS for phase in ("pre-trained", "fine-tuned")),
        *(("ensemble", "ensemble", phase) for phase in ("unsmoothed", "smoothed")),
    ],
}
ALONE = (
    "import pathlib, resource, sys; from harness.leaderboard.build import build; "
    "build(pathlib.Path(sys.argv[1]), 'simulated'); print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
)


def truth(rng):
    """(K, C) frames of each class in each clip."""
    classes = rng.random((CLIPS, len(CLASSES))).argsort(axis=1) < rng.integers(1, 5, (CLIPS, 1))
    return np.where(classes, rng.integers(30, 300, (CLIPS, len(CLASSES))), 0)


def score(rng, frames, correctness, skill, role, name, phase):
    likely = rng.dirichlet(np.full(len(CLASSES), 0.5), frames.shape) * (1 - skill) + np.eye(len(CLASSES)) * skill
    counts = Counts(rng.multinomial(frames, likely), np.zeros_like(frames))
    sums = counts.sums().sum(axis=0)
    per_class = [
        ClassScore(name=one, precision=0.5, recall=0.5, f1=float(f1), interval=(0.1, 0.9), support=9, predicted=9)
        for one, f1 in zip(CLASSES, metrics.f1(sums), strict=True)
    ]
    return SystemScore(
        system=name, role=role, phase=phase, macro_f1=float(metrics.macro_f1(sums)), interval=(0.2, 0.4),
        accuracy=float(metrics.accuracy(sums)), unweighted_average_recall=0.3, coverage=1.0, frames=counts.frames,
        clips=CLIPS, per_class=per_class, confusion=counts.confusion.sum(axis=0).tolist(), unanswered=[0] * 7,
        counts=counts.triples(), distribution=[1 / 7] * 7, correctness=correctness,
    )  # fmt: skip


@pytest.fixture(scope="module", params=[2, pytest.param(13, marks=pytest.mark.slow)])
def filed(request, tmp_path_factory):
    """A folder of 1,000 records; of 20 where nothing is measured."""
    rng = np.random.default_rng(0)
    frames = truth(rng)
    correctness = packed(rng.random(frames.sum()) < 0.3)  # read over when boards are made, and slow to pack
    folder = tmp_path_factory.mktemp("leaderboards")
    (folder / "results" / "simulated").mkdir(parents=True)
    for run in range(RUNS if request.config.getoption("benchmark_enable") else 20):
        skills = rng.normal(0.3, 0.08, len(SYSTEMS[request.param])).clip(0.05, 0.9)
        systems = [
            score(rng, frames, correctness, *one)
            for one in zip(skills, *zip(*SYSTEMS[request.param], strict=True), strict=True)
        ]
        record = Record(
            run=f"run-{run:04}",
            benchmark="simulated",
            created=datetime(2026, 1, 1, tzinfo=UTC),
            configuration={"name": "simulated"},
            label_space={"name": "seven", "labels": [{"name": one} for one in CLASSES]},
            machine=Machine(cpu="a processor", cores=2, memory=2**33, os="Linux", python="CPython 3.11"),
            data=[DataRecord(role="target", name="folder", fingerprint="f" * 64)],
            scores=Scores(
                label_space="seven",
                classes=CLASSES,
                truth=TruthFacts(frames=int(frames.sum()), clips=CLIPS, per_class=frames.sum(axis=0).tolist()),
                settings=Settings(unanswered="wrong", resamples=1000, seed=0),
                clips=[f"{clip:012x}" for clip in range(CLIPS)],
                systems=systems,
            ),
        )
        path = folder / "results" / "simulated" / f"{record.run}.json"
        path.write_text(json.dumps(record.model_dump(mode="json")))
    return folder


def test_reading_the_records(benchmark, filed):
    paths = record_files(filed, "simulated")
    benchmark.pedantic(lambda: [Record.read(path).run for path in paths], rounds=1)
    benchmark.extra_info["megabytes"] = sum(path.stat().st_size for path in paths) / 1e6


def test_reading_and_comparing(benchmark, filed):
    board = benchmark.pedantic(read_leaderboard, (filed, "simulated"), rounds=1)
    benchmark.extra_info["rows"] = len(board.rows)
    benchmark.extra_info["groups"] = [len({row.group for row in one.rows}) for one in board.boards]


@pytest.mark.parametrize("suffix", RENDERERS)
def test_rendering(benchmark, filed, suffix):
    board = read_leaderboard(filed, "simulated")
    text = benchmark.pedantic(RENDERERS[suffix], (board,), rounds=1)
    benchmark.extra_info["megabytes"] = len(text.encode()) / 1e6


def test_building_it_all(benchmark, filed):
    benchmark.pedantic(build, (filed, "simulated"), rounds=1)
    # memory in a process of its own: this one has simulated the records
    found = subprocess.run([sys.executable, "-c", ALONE, str(filed)], capture_output=True, text=True, check=True)
    benchmark.extra_info["megabytes of memory"] = int(found.stdout) / 1e3
    if not benchmark.disabled and len(read_leaderboard(filed, "simulated").rows) == 2 * RUNS:
        assert benchmark.stats.stats.min < 5


def test_the_statistics_of_one_board(benchmark, filed):
    records = [Record.read(path) for path in record_files(filed, "simulated")[:100]]
    board = benchmark.pedantic(leaderboard, (records,), rounds=1)
    assert [row.rank for row in board.boards[0].rows] == list(range(1, len(records) + 1))
