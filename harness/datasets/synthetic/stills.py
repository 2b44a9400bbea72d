"""Annotated stills: one person an image at the apex, of varied size, light, background and quality."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from harness.datasets.synthetic.geometry import Pose
from harness.datasets.synthetic.identity import Identity, draw_identity
from harness.datasets.synthetic.options import SyntheticOptions
from harness.datasets.synthetic.relief import Light
from harness.datasets.synthetic.scene import Camera, Grain, Person, add_person, background
from harness.datasets.synthetic.strokes import Image
from harness.datasets.synthetic.timeline import apex, stray, together

PART = 1  # separates the random streams of the two parts: no person is in both
# RAF-DB's training counts of the seven compounds.
RAF_DB_COUNTS = {
    "Fearfully Surprised": 444, "Happily Surprised": 562, "Sadly Surprised": 68, "Disgustedly Surprised": 113,
    "Angrily Surprised": 138, "Sadly Fearful": 107, "Sadly Angry": 130,
}  # fmt: skip


@dataclass(frozen=True)
class Still:
    """One image to render; quality is JPEG's, 1 to 100."""

    label: str
    subject: int
    person: Person
    light: Light
    camera: Camera
    size: int
    quality: int
    seed: tuple[int, ...]


def still_labels(options: SyntheticOptions) -> list[str]:
    """The class of every still, shuffled."""
    names = options.names
    shares = np.array([RAF_DB_COUNTS[name] if options.balance == "raf-db" else 1.0 for name in names])
    ends = np.round(np.cumsum(shares / shares.sum()) * options.stills).astype(int)
    labels = np.repeat(np.arange(len(names)), np.diff(ends, prepend=0))
    order = np.random.default_rng([options.seed, PART]).permutation(len(labels))
    return [names[int(number)] for number in labels[order]]


def plan_stills(options: SyntheticOptions) -> Iterator[Still]:
    """All stills in order, one after another."""
    who: Identity | None = None
    for number, label in enumerate(still_labels(options)):
        subject = number // options.stills_per_subject
        if who is None or number % options.stills_per_subject == 0:
            who = draw_identity(np.random.default_rng([options.seed, PART, 0, subject]))
        yield _plan(label, subject, who, options, number)


def _plan(label: str, subject: int, who: Identity, options: SyntheticOptions, number: int) -> Still:
    seed = (options.seed, PART, 1, number)
    random = np.random.default_rng(seed)
    size = int(random.integers(options.smallest_still, options.largest_still + 1))
    units = together(apex(label, who, random, random.uniform(0.8, 1.1)), stray(random, 0.2))
    scale = size * random.uniform(0.21, 0.27)
    pose = Pose(*(float(v) for v in np.clip(random.normal(0, (8, 5, 5)), (-22, -12, -14), (22, 12, 14))))
    centre = size * (0.5 + random.uniform(-0.04, 0.04)), size * 0.5 + scale * random.uniform(0.28, 0.45)
    person = Person(who, units, pose, centre, scale, gaze=tuple(random.normal(0, 0.012, 2)))
    light = Light(float(random.uniform(-1, 1)), float(random.uniform(-1, 0.1)), float(random.uniform(0.2, 0.8)))
    warmth = float(random.normal(0, 0.03))
    gain = float(random.uniform(0.95, 1.1))
    camera = Camera(
        blur=float(random.uniform(0, 0.8)),
        noise=float(random.uniform(0, 5)),
        gain=(gain * (1 + warmth), gain, gain * (1 - warmth)),
        gamma=float(random.uniform(0.8, 1.1)),
    )
    return Still(label, subject, person, light, camera, size, int(random.integers(70, 96)), seed)


def render_still(still: Still, grain: Grain) -> Image:
    """The image (S, S, 3) RGB."""
    random = np.random.default_rng((*still.seed, 2))
    scene = background(still.size, still.size, random, "studio")
    scene = add_person(scene, still.person, still.light)
    return still.camera.expose(scene, grain, random)


def encode_still(image: Image, quality: int) -> bytes:
    """JPEG bytes."""
    _, data = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality])
    return bytes(data)
