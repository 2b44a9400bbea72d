"""Learning curves of every training, laid out as lines of an SVG in which the page's style chooses the colours.

They are drawn here and not by the page's script: so they are there without it, follow light and dark, and need neither
matplotlib (an extra of the harness) nor a picture that a screen reader cannot look into. A table beside them has the
numbers.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.charts.curves import read_history
from harness.errors import DataError, StoreError

if TYPE_CHECKING:
    from harness.report.sources import Sources

PHASES = ("pre-train", "fine-tune")
MEASURES = (
    ("train_loss", "training loss"), ("validation_loss", "validation loss"),
    ("validation_macro_f1", "validation macro-F1"),
)  # fmt: skip
WIDTH, HEIGHT = 340, 210  # of a panel's viewBox
LEFT, RIGHT, TOP, BOTTOM = 44, 12, 10, 30


@dataclass(frozen=True)
class Training:
    """One training: its phase, network, seed ("" for the first), history by column, and the epoch that was kept."""

    phase: str
    network: str
    seed: str
    history: dict[str, list[float]]
    kept: int | None

    def at_kept(self, measure: str) -> float | None:
        """A measure at the kept epoch, if it was measured there."""
        for epoch, value in self.points(measure):
            if epoch == self.kept:
                return value
        return None

    def points(self, measure: str) -> list[tuple[float, float]]:
        """(epoch, value) as far as it was measured."""
        pairs = zip(self.history["epoch"], self.history[measure], strict=True)
        return [(epoch, value) for epoch, value in pairs if math.isfinite(value)]

    @property
    def epochs(self) -> int:
        """Epochs that were trained."""
        return int(max(self.history["epoch"], default=0))


@dataclass(frozen=True)
class Tick:
    """A mark of an axis: where, and what it reads."""

    at: float
    text: str


@dataclass(frozen=True)
class Line:
    """A curve: its network's number, whether it is of another seed than the first, the line and its points as paths of
    an SVG, and where the kept epoch is."""

    network: int
    other_seed: bool
    path: str
    points: str
    dot: tuple[float, float] | None


@dataclass(frozen=True)
class Panel:
    """One measure of one phase."""

    phase: str
    title: str
    lines: Sequence[Line]
    across: Sequence[Tick]
    up: Sequence[Tick]


def read_trainings(sources: Sources) -> list[Training]:
    """Every training whose artifact is in the store; the others are told."""
    return list(_trainings(sources))


def _trainings(sources: Sources) -> Iterator[Training]:
    from harness.report.sources import facts

    for role in sources.run.fingerprints:
        start, _, network = role.partition(":")
        phase, _, seed = start.partition("@")
        if phase not in PHASES:
            continue
        folder = sources.folder("train", role, "learning curves", role)
        if folder is None:
            continue
        try:
            history = read_history(folder / "history.csv")
        except DataError as error:
            raise StoreError(f"{role!r}: {error}; compute it again") from error
        known = facts(folder, "training.json")
        kept = known.get("kept_epoch", known.get("best_epoch"))  # its name before
        yield Training(phase, network, seed, history, kept if isinstance(kept, int) else None)


def panels(trainings: Sequence[Training]) -> list[Panel]:
    """A panel for each phase and measure that has a value; the panels of a measure share their scale."""
    networks = list(dict.fromkeys(one.network for one in trainings))
    found = []
    for phase in PHASES:
        here = [one for one in trainings if one.phase == phase]
        for measure, title in MEASURES:
            values = [value for one in trainings for _, value in one.points(measure)]
            if any(one.points(measure) for one in here):
                found.append(_panel(phase, (measure, title), here, networks, values))
    return found


def _panel(
    phase: str, what: tuple[str, str], trainings: Sequence[Training], networks: Sequence[str], values: Sequence[float]
) -> Panel:
    measure, title = what
    steps = nice(0.0 if measure == "validation_macro_f1" else min(values), max(values))
    low, high = steps[0], steps[-1]
    first, last = 0.0, float(max(one.epochs for one in trainings) or 1)

    def place(epoch: float, value: float) -> tuple[float, float]:
        x = LEFT + (epoch - first) / (last - first) * (WIDTH - LEFT - RIGHT)
        return round(x, 1), round(TOP + (high - value) / (high - low) * (HEIGHT - TOP - BOTTOM), 1)

    lines = []
    for one in trainings:
        points = one.points(measure)
        if points:
            value = one.at_kept(measure)
            places = [place(*point) for point in points]
            path = "M" + "L".join(f"{x} {y}" for x, y in places)
            dots = "".join(f"M{x} {y}h0" for x, y in places)
            dot = None if value is None or one.kept is None else place(one.kept, value)
            lines.append(Line(networks.index(one.network), bool(one.seed), path, dots, dot))
    stride = max(1, math.ceil(last / 8))
    across = [Tick(place(epoch, low)[0], str(epoch)) for epoch in range(0, int(last) + 1, stride)]
    up = [Tick(place(0, value)[1], f"{value:g}") for value in steps]
    return Panel(phase, title, lines, across, up)


def nice(low: float, high: float, about: int = 4) -> list[float]:
    """Round numbers that span low to high, at steps of 1, 2 or 5 times a power of ten; at least two."""
    span = high - low
    if span < 1e-6 * max(1.0, abs(high)):  # as good as one value
        span = abs(high) if abs(high) > 1e-6 else 1.0
    power = 10 ** math.floor(math.log10(span / about))
    step = next(factor * power for factor in (1, 2, 5, 10) if span / (factor * power) <= about)
    first = math.floor(low / step + 1e-9)
    last = max(math.ceil(high / step - 1e-9), first + 1)
    return [round(number * step, 10) for number in range(first, last + 1)]
