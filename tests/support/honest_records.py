"""Records whose every number follows from their counts, as `harness run` makes them; without running anything."""

from datetime import UTC, datetime

import numpy as np

from harness.evaluation.correctness import NOT_ASKED, RIGHT, UNANSWERED, WRONG, packed
from harness.evaluation.score import System, Target, chance_score, score_system
from harness.evaluation.scores import Calibration, Scores, Settings, TruthFacts
from harness.evaluation.spread import over_seeds
from harness.leaderboard.record import AskingRecord, DataRecord, Machine, Record, SeedScores, StageRecord

CLASSES = ("Sadly Fearful", "Sadly Angry", "Happily Surprised")


def target(clips=6, frames=20, seed=0):
    rng = np.random.default_rng(seed)
    code = np.repeat(np.arange(clips), frames)
    truth = np.repeat(rng.integers(0, len(CLASSES), 2 * clips), frames // 2)
    names = tuple(f"person-{number}.mp4" for number in range(clips))
    return Target(CLASSES, code, np.tile(np.arange(frames) / 10, clips), names, truth, code, np.arange(len(code)))


def guesses(truth, right, seed):
    rng = np.random.default_rng(seed)
    return np.where(rng.random(len(truth)) < right, truth, rng.integers(-1, len(CLASSES), len(truth)))


def correctness(truth, labels, asked=None):
    codes = np.where(labels < 0, UNANSWERED, np.where(labels == truth, RIGHT, WRONG))
    return packed(codes if asked is None else np.where(asked, codes, NOT_ASKED))


def scores(seed=0, on=None, subjects=(), **settings):
    on = on or target()
    settings = Settings(
        **{"unanswered": "wrong", "resamples": 200, "seed": 0, "reference": [0.5, 0.3, 0.2], **settings}
    )
    asked = np.arange(len(on.truth)) % 3 > 0
    systems = [
        System("facs", "labeler", guesses(on.truth, 0.6, 1), "", asked, {"label": 70, "refused_text": 10}),
        System("resnet18", "network", guesses(on.truth, 0.7, 2 + seed), "fine-tuned"),
        System("ensemble", "ensemble", guesses(on.truth, 0.8, 3 + seed), "smoothed"),
    ]
    found = []
    for one in systems:
        score = score_system(one, on, settings, subjects)
        codes = correctness(on.truth, one.labels, one.asked)
        found.append(score.model_copy(update={"correctness": codes}))
    hits = sum(row[number] for number, row in enumerate(found[1].confusion))
    frames = sum(map(sum, found[1].confusion))
    bins = [(0, 0.0, 0), (frames, 0.8 * frames, hits)]
    found[1] = found[1].model_copy(update={"calibration": Calibration(bins=bins, brier=0.5 * frames, frames=frames)})
    return Scores(
        label_space="three",
        classes=list(CLASSES),
        truth=TruthFacts(frames=len(on.truth), clips=len(on.clips), per_class=on.support.tolist()),
        settings=settings,
        clips=list(on.clips),
        subjects=list(subjects),
        items=[f"{number:012x}" for number in range(len(on.clips))],
        systems=[*found, chance_score(on, settings)],
    )


def record(run="facs", seeds=1, **changes):
    """A record before it is filed; seeds: of how many trainings."""
    numpy = {"numpy": np.__version__}
    of = changes.pop("of", {})
    by_seed = {seed: scores(seed, **of) for seed in range(seeds)}
    values = {
        "run": run,
        "benchmark": "trial",
        "created": datetime(2026, 11, 22, tzinfo=UTC),
        "configuration": {"data": {"target": {"use": "folder", "root": "/home/ada/videos"}}},
        "label_space": {"name": "three", "labels": [{"name": one} for one in CLASSES]},
        "packages": numpy,
        "machine": Machine(cpu="a processor", cores=2, memory=8, os="Linux x86_64", python="CPython 3.11.7"),
        "data": [DataRecord(role="target", name="folder", fingerprint="f" * 64)],
        "stages": [
            StageRecord(
                kind="score", title="score", fingerprint=run.ljust(64, "0"), seconds=1.5, peak_memory=9, cached=False
            )
        ],
        "asked": [
            AskingRecord(
                labeler="claude", model="m", models={"m-1": 80}, prompts="table-1", prompts_sha256="0" * 64, parser=1,
                faces=80, replies=80, tokens={"input": 100}, cost=0.25,
            )
        ],
        "scores": over_seeds(by_seed),
        "by_seed": [SeedScores(seed=seed, scores=one) for seed, one in by_seed.items()] if seeds > 1 else [],
    }  # fmt: skip
    return Record(**{**values, **changes})
