"""What a face does over time: episodes of onset, apex and offset, blinks, a head that moves; and what a still shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from harness.datasets.synthetic.geometry import Pose
from harness.datasets.synthetic.identity import Identity

Intensities = Mapping[int, float]
_OPEN_MOUTH = {25: 0.12, 26: 0.06}  # speech and breath between expressions


def apex(name: str, who: Identity, random: np.random.Generator, strength: float) -> dict[int, float]:
    """Intensities (0 to about 1.2) of the units with which this person shows a class at its apex."""
    units = {unit: strength * who.strengths[unit] * random.uniform(0.8, 1.1) for unit in who.habits[name]}
    return {unit: float(min(value, 1.2)) for unit, value in units.items()}


def stray(random: np.random.Generator, most: float) -> dict[int, float]:
    """Slight movements that belong to no expression."""
    units = random.choice((1, 2, 4, 6, 7, 12, 15, 17, 25), size=2, replace=False)
    return {int(unit): float(random.uniform(0, most)) for unit in units}


def together(*parts: Intensities) -> dict[int, float]:
    """The stronger intensity of each unit."""
    units: dict[int, float] = {}
    for part in parts:
        for unit, value in part.items():
            units[unit] = max(value, units.get(unit, 0.0))
    return units


@dataclass(frozen=True)
class Episode:
    """One expression in time; seconds. start to full is the onset, fading to end the offset."""

    label: str
    units: Intensities
    start: float
    full: float
    fading: float
    end: float

    def envelope(self, time: float) -> float:
        """Share of the apex intensity at a time, 0 to 1: half a cosine up and down."""
        if time <= self.start or time >= self.end:
            return 0.0
        if time < self.full:
            share = (time - self.start) / (self.full - self.start)
        elif time > self.fading:
            share = (self.end - time) / (self.end - self.fading)
        else:
            return 1.0
        return float(0.5 - 0.5 * np.cos(np.pi * share))


def episodes(names: Sequence[str], seconds: float, who: Identity, random: np.random.Generator) -> tuple[Episode, ...]:
    """Expressions one after another with neutral stretches before, between and after, over a whole clip."""
    span = seconds / len(names)
    found = []
    for number, name in enumerate(names):
        begin = number * span
        start = begin + span * random.uniform(0.02, 0.15)
        end = begin + span * random.uniform(0.90, 1.0)
        rise, fall = span * random.uniform(0.12, 0.22), span * random.uniform(0.12, 0.25)
        units = apex(name, who, random, random.uniform(0.75, 1.05))
        found.append(Episode(name, units, start, start + rise, end - fall, end))
    return tuple(found)


@dataclass(frozen=True)
class Performance:
    """A person's face over a clip."""

    episodes: tuple[Episode, ...]
    stray: Intensities
    blinks: tuple[float, ...]
    phase: tuple[float, float, float, float]
    liveliness: float

    def units(self, time: float) -> dict[int, float]:
        """Intensities at a time in seconds."""
        sway = 0.5 + 0.5 * np.sin(2.1 * time + self.phase[3])
        parts: list[Intensities] = [{unit: value * float(sway) for unit, value in self.stray.items()}]
        for episode in self.episodes:
            share = episode.envelope(time)
            if share > 0:
                parts.append({unit: value * share for unit, value in episode.units.items()})
        return together(*parts)

    def label(self, time: float, least: float) -> str:
        """The class whose intensity is at least `least` of its apex, or ""."""
        for episode in self.episodes:
            if episode.envelope(time) >= least:
                return episode.label
        return ""

    def blink(self, time: float) -> float:
        """How far the lids are closed, 0 to 1; a blink takes a fifth of a second."""
        return float(max((max(0.0, 1.0 - abs(time - moment) / 0.1) for moment in self.blinks), default=0.0))

    def pose(self, time: float, around: Pose) -> Pose:
        """The head sways about a pose."""
        a, b, c, _ = self.phase
        far = self.liveliness
        return Pose(
            around.yaw + far * 5 * float(np.sin(1.3 * time + a)),
            around.pitch + far * 3 * float(np.sin(1.7 * time + b)),
            around.roll + far * 3 * float(np.sin(1.1 * time + c)),
        )


def perform(names: Sequence[str], seconds: float, who: Identity, random: np.random.Generator) -> Performance:
    """A person shows the named classes one after another; none named: a neutral face."""
    count = random.poisson(seconds / 4)
    return Performance(
        episodes(names, seconds, who, random) if names else (),
        {**stray(random, 0.25), **_OPEN_MOUTH} if random.random() < 0.4 else stray(random, 0.25),
        tuple(float(moment) for moment in random.uniform(0, seconds, count)),
        tuple(float(angle) for angle in random.uniform(0, 2 * np.pi, 4)),  # type: ignore[arg-type]
        float(random.uniform(0.4, 1.3)),
    )
