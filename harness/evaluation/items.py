"""Whether two systems were scored on the same items: frames of clips, with the same annotations.

Systems of different items are not compared: a difference between them may be one of the items.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.evaluation.counts import Counts


@dataclass(frozen=True)
class Items:
    """What a system was scored on: names of K clips, of each a digest of its annotated frames ("" if not known), and
    frames (K, C), how many were scored, by class. Clips without a scored frame are left out."""

    clips: tuple[str, ...]
    digests: tuple[str, ...]
    frames: NDArray[np.int64]

    @classmethod
    def of(cls, counts: Counts, clips: Sequence[str], digests: Sequence[str] = ()) -> Items:
        """From a system's counts (Counts.from_triples(SystemScore.counts, classes)) and Scores.clips and .items."""
        frames = counts.confusion.sum(axis=2) + counts.unanswered
        known = digests if len(digests) == len(clips) else [""] * len(clips)
        kept = [place for place in range(len(clips)) if frames[place].any()]
        return cls(tuple(clips[one] for one in kept), tuple(known[one] for one in kept), frames[kept])

    @property
    def order(self) -> list[int]:
        """Positions of the clips by name: `counts.present().sums()[items.order]` of equal items belong together."""
        return sorted(range(len(self.clips)), key=self.clips.__getitem__)

    @property
    def fingerprint(self) -> str:
        """Equal for systems that were scored on the same items, whatever the order of the clips."""
        found = hashlib.sha256()
        for place in self.order:
            row = f"{self.clips[place]}\0{self.digests[place]}\0{self.frames[place].tolist()}\n"
            found.update(row.encode())
        return found.hexdigest()


@dataclass(frozen=True)
class Unlike:
    """How the items of two systems differ: clips of one alone, clips of both whose frames or classes differ, and the
    least number of frames that can explain it, of how many in all."""

    first_only: tuple[str, ...]
    second_only: tuple[str, ...]
    changed: tuple[str, ...]
    least_frames: int
    frames: int

    def __bool__(self) -> bool:
        return bool(self.first_only or self.second_only or self.changed)


def unlike(first: Items, second: Items) -> Unlike:
    """Compare the items of two systems; false if they are the same."""
    one, other = (dict(zip(of.clips, range(len(of.clips)), strict=True)) for of in (first, second))
    alone = tuple(clip for clip in first.clips if clip not in other)
    new = tuple(clip for clip in second.clips if clip not in one)
    least = sum(int(first.frames[one[clip]].sum()) for clip in alone)
    least += sum(int(second.frames[other[clip]].sum()) for clip in new)
    changed = []
    for clip in first.clips:
        if clip not in other:
            continue
        difference = first.frames[one[clip]] - second.frames[other[clip]]
        digests = {first.digests[one[clip]], second.digests[other[clip]]}
        if difference.any() or len(digests - {""}) > 1:
            changed.append(clip)
            # a frame whose class differs is one item, though it shows as one less here and one more there
            least += max(int(difference.clip(0).sum()), int((-difference).clip(0).sum()), 1)
    frames = max(int(first.frames.sum()), int(second.frames.sum()))
    return Unlike(alone, new, tuple(changed), least, frames)
