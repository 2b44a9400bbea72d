"""Records of made-up runs with honest counts: leaderboards of any size, for tests of pages and their benchmark."""

from datetime import UTC, datetime, timedelta

import numpy as np

from harness.evaluation.counts import Counts
from harness.evaluation.score import measured_again
from harness.evaluation.scores import Calibration, Scores, Settings, SystemScore, TruthFacts
from harness.evaluation.spread import over_seeds
from harness.leaderboard.record import AskingRecord, DataRecord, Machine, Record, SeedScores

CLASSES = (
    "Fearfully Surprised", "Happily Surprised", "Sadly Surprised", "Disgustedly Surprised", "Angrily Surprised",
    "Sadly Fearful", "Sadly Angry",
)  # fmt: skip
NETWORKS = ("mobilenet_v2", "resnet152", "densenet201", "resnet50", "efficientnet_b0")
MACHINE = Machine(cpu="a processor", cores=2, memory=8, os="Linux x86_64", python="CPython 3.11.7")


class Target:
    """Annotated frames of K clips: of each clip one to three classes."""

    def __init__(self, clips=56, classes=CLASSES, seed=0, least=60, most=450):
        self.rng = np.random.default_rng(seed)
        self.classes = classes
        self.clips = [f"{number:012x}" for number in self.rng.integers(0, 2**48, clips)]
        self.frames = np.zeros((clips, len(classes)), np.int64)
        for row in self.frames:
            some = self.rng.choice(len(classes), self.rng.integers(1, min(4, len(classes) + 1)), replace=False)
            row[some] = 1 + self.rng.multinomial(self.rng.integers(least, most), self.rng.dirichlet(np.ones(len(some))))
        self.digests = [f"{number:012x}" for number in self.rng.integers(0, 2**48, clips)]

    def counts(self, skill, unanswered=0.0):
        """Of a system: frames of one clip and class mostly go the same way."""
        size = len(self.classes)
        shares = self.rng.dirichlet(np.ones(size), len(self.frames))[:, None] * (1 - skill) + skill * np.eye(size)
        found = np.zeros((*self.frames.shape, size + 1), np.int64)
        for clip, one in np.argwhere(self.frames):
            usual = np.append(shares[clip, one] * (1 - unanswered), unanswered)
            found[clip, one] = self.rng.multinomial(self.frames[clip, one], self.rng.dirichlet(usual * 6 + 1e-3))
            if not unanswered:
                found[clip, one, 0] += found[clip, one, -1]
                found[clip, one, -1] = 0
        return Counts(found[:, :, :-1], found[:, :, -1])

    def system(self, name, role, phase="", skill=0.4, unanswered=0.0, settings=None, **more):
        counts = self.counts(skill, unanswered)
        values = measured_again(counts, self.classes, settings or SETTINGS)
        if role != "labeler":
            more.setdefault("calibration", self.calibration(counts))
        return SystemScore(
            system=name, role=role, phase=phase, counts=counts.triples(), **values, **more
        )  # fmt: skip

    def calibration(self, counts):
        total = counts.confusion.sum()
        frames = self.rng.multinomial(total, self.rng.dirichlet(np.arange(1, 16)))
        sure = (np.arange(15) + 0.5) / 15
        right = self.rng.binomial(frames, sure**1.5)
        bins = [(int(n), float(n * p), int(k)) for n, p, k in zip(frames, sure, right, strict=True)]
        return Calibration(bins=bins, brier=0.6 * int(total), frames=int(total))


SETTINGS = Settings(unanswered="wrong", resamples=200, seed=0)


def record(target, run, systems, cost=None, day=0, settings=SETTINGS, asked=None):
    """A record of `systems` on the target; cost: US dollars of a vision-language labeler, None: nobody was asked."""
    if asked is None:
        asked = cost is not None
    return Record(
        run=run,
        benchmark="made-up",
        created=datetime(2026, 11, 1, tzinfo=UTC) + timedelta(days=day),
        configuration={},
        label_space={"name": "compound", "labels": [{"name": one} for one in target.classes]},
        machine=MACHINE,
        data=[DataRecord(role="target", name="folder", fingerprint="f" * 64)],
        asked=[asking(cost)] if asked else [],
        scores=Scores(
            label_space="compound",
            classes=list(target.classes),
            truth=TruthFacts(
                frames=int(target.frames.sum()), clips=len(target.clips), per_class=target.frames.sum(axis=0).tolist()
            ),
            settings=settings,
            clips=target.clips,
            items=target.digests,
            systems=[*systems, chance(target)],
        ),
    )


def asking(cost):
    return AskingRecord(
        labeler="claude", model="a-model", prompts="P1", prompts_sha256="0" * 64, parser=1, faces=1000, replies=1000,
        cost=cost,
    )  # fmt: skip


def chance(target):
    return SystemScore(
        system="chance (uniform guessing)", role="reference", macro_f1=1 / len(target.classes) * 0.9, accuracy=0.14,
        unweighted_average_recall=0.14, coverage=1.0, frames=int(target.frames.sum()), clips=len(target.clips),
    )  # fmt: skip


def run(target, number, systems=13, settings=SETTINGS):
    """A run of up to thirteen rows: labeler, five networks before and after fine-tuning, two ensembles."""

    def system(*named, **more):
        return target.system(*named, settings=settings, **more)

    skill = 0.15 + 0.6 * target.rng.random()
    shown = [system("claude" if not number else f"labeler-{number % 7}", "labeler", skill=skill, unanswered=0.04)]
    for phase, gain in (("pre-trained", -0.12), ("fine-tuned", 0.0)):
        shown += [system(name, "network", phase, max(0.05, skill + gain)) for name in NETWORKS]
    for phase, gain in (("unsmoothed", 0.03), ("smoothed", 0.05)):
        shown.append(system("mean probability", "ensemble", phase, min(0.95, skill + gain)))
    cost = None if number % 3 == 2 else round(0.5 * 1.6 ** (number % 12), 3)
    return record(
        target, f"run-{number:04d}", shown[:1] + shown[14 - systems :], cost=cost, day=number % 28, settings=settings
    )


def runs(count, clips=56, systems=13, resamples=200):
    """Records of `count` runs on the same 56 clips; the same ones each time."""
    target = Target(clips)
    settings = SETTINGS.model_copy(update={"resamples": resamples})
    return [run(target, number, systems, settings) for number in range(count)]


def seeded(seeds=(1, 2, 3), clips=24):
    """One run of two networks, each trained with several seeds."""
    target = Target(clips)
    by_seed = {
        seed: record(target, "seeded", [target.system(name, "network", "fine-tuned", skill)
                                        for name, skill in (("resnet50", 0.5), ("resnet152", 0.45))]).scores
        for seed in seeds
    }  # fmt: skip
    whole = record(target, "seeded", [])
    each = [SeedScores(seed=seed, scores=scores) for seed, scores in by_seed.items()]
    return [whole.model_copy(update={"scores": over_seeds(by_seed), "by_seed": each})]
