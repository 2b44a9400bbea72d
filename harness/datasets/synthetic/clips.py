"""Clips: people move, talk and blink in rooms; shots are cut together, some show several faces, some nobody."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from harness.datasets.synthetic.geometry import Pose
from harness.datasets.synthetic.identity import Identity, draw_identity
from harness.datasets.synthetic.options import SyntheticOptions
from harness.datasets.synthetic.relief import Light
from harness.datasets.synthetic.scene import Camera, Grain, Person, add_person, background
from harness.datasets.synthetic.strokes import Image
from harness.datasets.synthetic.timeline import Performance, perform

PART = 2
SECONDS_PER_EXPRESSION = 1.7


@dataclass(frozen=True)
class Stand:
    """Where a person is in a shot, and who it is."""

    who: Identity
    performance: Performance
    pose: Pose
    centre: tuple[float, float]
    scale: float


@dataclass(frozen=True)
class Shot:
    """Frames first to last (exclusive) between two cuts. people: from back to front, the annotated person last."""

    first: int
    last: int
    backdrop: Image
    people: tuple[Stand, ...]
    light: Light


@dataclass(frozen=True)
class ClipPlan:
    """One clip to render: `labels` of all frames, shots in order."""

    number: int
    subject: int
    shots: tuple[Shot, ...]
    labels: tuple[str, ...]
    camera: Camera
    frames_per_second: int
    seed: tuple[int, ...]

    def faces(self) -> tuple[int, ...]:
        """How many faces each frame shows."""
        return tuple(len(shot.people) for shot in self.shots for _ in range(shot.first, shot.last))


def clip_labels(options: SyntheticOptions) -> list[list[str]]:
    """The classes of every clip in order of time: every class as often as any other, up to one."""
    each = max(1, round(options.seconds / SECONDS_PER_EXPRESSION))
    random = np.random.default_rng([options.seed, PART])
    names: list[str] = []
    while len(names) < each * options.clips:
        names += [options.names[int(number)] for number in random.permutation(len(options.names))]
    return [names[number * each : (number + 1) * each] for number in range(options.clips)]


def plan_clips(options: SyntheticOptions) -> Iterator[ClipPlan]:
    """All clips in order."""
    for number, names in enumerate(clip_labels(options)):
        yield _plan(number, names, options)


def _plan(number: int, names: list[str], options: SyntheticOptions) -> ClipPlan:
    seed = (options.seed, PART, 1, number)
    random = np.random.default_rng(seed)
    subject = number // options.clips_per_subject
    who = draw_identity(np.random.default_rng([options.seed, PART, 0, subject]))
    seconds = options.seconds * random.uniform(0.9, 1.1)
    frames = max(2, round(seconds * options.frames_per_second))
    performance = perform(names, seconds, who, random)
    labels = [performance.label(frame / options.frames_per_second, options.label_from) for frame in range(frames)]
    zoom = random.choice((1.0, 1.0, 0.8))
    width, height = (2 * round(side * zoom / 2) for side in (options.width, options.height))
    shots = _shots(number, who, performance, frames, (width, height), seconds, random)
    gain = float(random.uniform(0.8, 1.0))
    cast = random.normal(0, 0.06, 3)
    camera = Camera(
        blur=float(random.uniform(0.4, 1.0)),
        noise=float(random.uniform(2, 7)),
        gain=tuple(gain * (1 + cast)),
        gamma=float(random.uniform(0.95, 1.35)),
    )
    return ClipPlan(number, subject, shots, tuple(labels), camera, options.frames_per_second, seed)


def _shots(
    number: int, who: Identity, performance: Performance, frames: int, size: tuple[int, int], seconds: float,
    random: np.random.Generator,
) -> tuple[Shot, ...]:  # fmt: skip
    """Every second clip has a cut, every third an empty shot, every third bystanders."""
    cuts = [0, frames]
    if number % 2 == 0 and frames >= 8:
        cuts.insert(1, int(random.integers(frames // 3, 2 * frames // 3)))
    empty: tuple[int, int] | None = None
    if number % 3 == 0 and frames >= 12:
        length = max(2, round(frames * random.uniform(0.08, 0.16)))
        begin = int(random.integers(0, frames - length))
        empty = begin, begin + length
        cuts = sorted({0, frames, *empty, *(cut for cut in cuts if not begin <= cut <= begin + length)})
    found = []
    for first, last in itertools.pairwise(cuts):
        backdrop = background(*size, random, "room")
        nobody = empty is not None and first == empty[0]
        people = () if nobody else _stands(who, performance, size, seconds, random, number % 3 == 1)
        side = float(random.choice((-1, 1)) * random.uniform(0.4, 1))
        light = Light(side, float(random.uniform(-1, 0.3)), float(random.uniform(0.5, 1.0)))
        found.append(Shot(first, last, backdrop, people, light))
    return tuple(found)


def _stands(
    who: Identity, performance: Performance, size: tuple[int, int], seconds: float, random: np.random.Generator,
    company: bool,
) -> tuple[Stand, ...]:  # fmt: skip
    width, height = size
    scale = height * random.uniform(0.15, 0.21)
    shift = random.uniform(0.14, 0.22) * random.choice((-1, 1)) if company else random.uniform(-0.1, 0.1)
    centre = width * (0.5 + shift), height * 0.5 + scale * random.uniform(0.2, 0.5)
    main = Stand(who, performance, _pose(random), centre, scale)
    if not company:
        return (main,)
    other = draw_identity(random)
    small = scale * random.uniform(0.5, 0.65)
    place = width * (0.5 - np.sign(shift) * random.uniform(0.24, 0.32)), height * random.uniform(0.4, 0.55)
    return Stand(other, perform((), seconds, other, random), _pose(random), place, small), main


def _pose(random: np.random.Generator) -> Pose:
    return Pose(*(float(v) for v in np.clip(random.normal((0, 2, 0), (10, 5, 5)), (-22, -10, -12), (22, 12, 12))))


def render_clip(plan: ClipPlan, grain: Grain) -> Iterator[Image]:
    """Frames (H, W, 3) RGB in order."""
    random = np.random.default_rng((*plan.seed, 2))
    for shot in plan.shots:
        for frame in range(shot.first, shot.last):
            time = frame / plan.frames_per_second
            scene = shot.backdrop
            for stand in shot.people:
                scene = add_person(scene, _person(stand, time), shot.light)
            yield plan.camera.expose(scene, grain, random)


def _person(stand: Stand, time: float) -> Person:
    acts = stand.performance
    pose = acts.pose(time, stand.pose)
    drift = stand.scale * 0.12 * acts.liveliness
    centre = (
        stand.centre[0] + drift * float(np.sin(0.9 * time + acts.phase[0])),
        stand.centre[1] + drift * 0.5 * float(np.sin(1.4 * time + acts.phase[1])),
    )
    gaze = 0.02 * float(np.sin(0.8 * time + acts.phase[2])), 0.01 * float(np.sin(0.5 * time + acts.phase[3]))
    return Person(stand.who, acts.units(time), pose, centre, stand.scale, acts.blink(time), gaze)
