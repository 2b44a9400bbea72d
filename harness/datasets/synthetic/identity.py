"""Who a rendered person is: proportions, colours, hair, beard, glasses, and how this person moves the face."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from harness.datasets.synthetic.action_units import Displacement
from harness.datasets.synthetic.geometry import REST, SIDED, Array, field
from harness.datasets.synthetic.prototypes import PROTOTYPES

Colour = tuple[float, float, float]
Hair = Literal["none", "short", "side", "long", "bob", "afro", "bun"]

# RGB; from very light to very dark skin.
SKINS: tuple[Colour, ...] = (
    (245, 215, 198), (236, 196, 172), (222, 176, 146), (206, 156, 122), (180, 130, 98), (150, 103, 76), (116, 77, 57),
    (88, 58, 44),
)  # fmt: skip
HAIRS: tuple[Colour, ...] = (
    (32, 26, 24), (52, 36, 28), (84, 56, 38), (122, 84, 52), (176, 136, 84), (128, 58, 34), (138, 134, 132),
)  # fmt: skip
IRISES: tuple[Colour, ...] = ((70, 44, 28), (96, 64, 36), (84, 96, 60), (78, 112, 140), (96, 106, 112), (44, 30, 22))
CLOTHES: tuple[Colour, ...] = (
    (58, 66, 84), (150, 60, 58), (66, 104, 86), (206, 200, 190), (40, 40, 44), (188, 150, 70), (96, 84, 130),
)  # fmt: skip

# Standard deviations of independent proportions, as displacement of control points in face units.
_UPPER_LID, _LOWER_LID = ("up1", "up2", "up3"), ("lo1", "lo2", "lo3")
_EYE = ("eye_in", "eye_out", "iris", *_UPPER_LID, *_LOWER_LID, "crease0", "crease1", "crease2", "crease3", "crease4")
_BROW = ("brow0", "brow1", "brow2", "brow3", "brow4")
_MOUTH = tuple(name for name in SIDED if name.startswith(("corner", "lip_", "gap_")))
_MOUTH_MIDDLE = ("lip_top0", "gap_top0", "gap_low0", "lip_low0")
_NOSE = ("ala_top", "ala", "ala_low", "nostril")
_NOSE_MIDDLE = ("tip", "columella")
_JAW = ("jaw1", "jaw2", "jaw3")


def _all(names: tuple[str, ...], right: float, down: float, forward: float = 0.0) -> Mapping[str, Displacement]:
    return dict.fromkeys(names, (right, down, forward))


def _wider(names: tuple[str, ...], share: float) -> Mapping[str, Displacement]:
    return {name: (share * SIDED[name][0], 0.0, 0.0) for name in names}


PROPORTIONS: Array = np.stack(
    [
        field(moves)
        for moves in (
            _all(_EYE + _BROW, 0.022, 0.0),  # distance between the eyes
            _all(_EYE, 0.0, 0.02),  # height of the eyes
            _all(_BROW, 0.0, 0.035),  # height of the brows
            {"brow0": (0, 0.012, 0), "brow3": (0, -0.02, 0), "brow4": (0, -0.03, 0)},  # slant of the brows
            {"brow2": (0, -0.02, 0), "brow1": (0, -0.01, 0), "brow3": (0, -0.01, 0)},  # arch of the brows
            {"brow0": (0.025, 0, 0), "brow4": (0.02, 0, 0)},  # length of the brows
            {**_all(_UPPER_LID, 0.0, -0.011), **_all(_LOWER_LID, 0.0, 0.005)},  # opening of the eyes
            {"eye_out": (0.0, -0.018, 0), "up3": (0, -0.010, 0), "lo3": (0, -0.010, 0)},  # slant of the eyes
            _all(("crease1", "crease2", "crease3"), 0.0, -0.014),  # depth of the lid fold
            _wider(_NOSE, 0.10),  # width of the nose
            {**_all((*_NOSE, "fold0"), 0.0, 0.035), **_all(_NOSE_MIDDLE, 0.0, 0.035)},  # length of the nose
            {"tip": (0, 0.02, 0.06), "columella": (0, 0.0, 0.02)},  # tip of the nose
            _wider(_MOUTH, 0.07),  # width of the mouth
            {**_all(_MOUTH, 0.0, 0.028), **_all((*_MOUTH_MIDDLE, "sulcus"), 0.0, 0.028)},  # height of the mouth
            {"lip_top0": (0, -0.014, 0), "lip_top1": (0, -0.010, 0), "lip_top2": (0, -0.018, 0)},  # upper lip
            {"lip_low0": (0, 0.026, 0), "lip_low1": (0, 0.014, 0), "lip_low2": (0, 0.024, 0)},  # lower lip
            {"corner": (0, 0.012, 0), "gap_corner": (0, 0.012, 0)},  # corners that point down or up at rest
            {"chin": (0, 0.07, 0), "jaw4": (0, 0.06, 0), "jaw3": (0, 0.035, 0), "boss": (0, 0.04, 0)},  # chin
            _wider(_JAW, 0.05),  # width of the jaw
            {"jaw4": (0.06, 0.01, 0), "jaw3": (0.03, 0, 0)},  # square or pointed chin
            _wider(("zygoma", "temple", "temple0"), 0.03),  # cheekbones
            {"hair0": (0, 0.06, 0), "hair1": (0, 0.06, 0), "hair2": (0, 0.04, 0), "fore": (0, 0.02, 0)},  # hairline
        )
    ]
)  # (P, N, 3)


@dataclass(frozen=True)
class Identity:
    """One person. shape (N, 3) control points at rest; colours RGB 0 to 255; thicknesses relative to an average.

    habits: per class the action units this person uses; strengths: how strongly this person shows a unit (about 1).
    """

    shape: Array
    skin: Colour
    hair: Colour
    brow: Colour
    iris: Colour
    lips: Colour
    clothes: Colour
    style: Hair
    fringe: float
    brow_thickness: float
    beard: float
    moustache: float
    glasses: Literal["none", "round", "square"]
    glasses_colour: Colour
    lashes: float
    folds: float
    lopsided: float
    habits: Mapping[str, tuple[int, ...]]
    strengths: Mapping[int, float]
    seed: int


def draw_identity(random: np.random.Generator) -> Identity:
    """A new person."""
    amounts = np.clip(random.normal(size=len(PROPORTIONS)), -2.0, 2.0)
    shape = REST + np.tensordot(amounts, PROPORTIONS, 1) + random.normal(0.0, 0.004, REST.shape)
    tone = random.uniform(0, len(SKINS) - 1)
    skin = _between(SKINS[int(tone)], SKINS[min(int(tone) + 1, len(SKINS) - 1)], tone % 1.0)
    skin = _jitter(skin, 5, random)
    dark = tone > 4
    hair = _jitter(HAIRS[int(random.integers(0, 2 if dark else len(HAIRS)))], 6, random)
    bearded = random.random() < 0.2
    style: Hair = random.choice(
        ["short", "side", "none", "afro"]
        if bearded
        else ["short", "side", "long", "bob", "bun", "long", "afro", "none"],
        p=[0.45, 0.3, 0.15, 0.1] if bearded else [0.2, 0.15, 0.2, 0.15, 0.1, 0.1, 0.05, 0.05],
    )
    redness = random.uniform(0.0, 0.5)
    lips = _between((skin[0] * 0.86, skin[1] * 0.66, skin[2] * 0.66), (178, 64, 72), redness * (0.4 if dark else 0.7))
    frame = random.random()
    return Identity(
        shape=shape,
        skin=skin,
        hair=hair,
        brow=_between(hair, (40, 30, 26), 0.45),
        iris=IRISES[int(random.choice((0, 1, 5)))] if dark else IRISES[int(random.integers(len(IRISES)))],
        lips=lips,
        clothes=_jitter(CLOTHES[int(random.integers(len(CLOTHES)))], 14, random),
        style=style,
        fringe=float(random.uniform(0.0, 1.0)),
        brow_thickness=float(np.clip(random.normal(1.0, 0.22), 0.6, 1.5)) * (1.15 if bearded else 1.0),
        beard=float(random.uniform(0.35, 0.9)) if bearded else 0.0,
        moustache=float(random.uniform(0.35, 0.9)) if bearded and random.random() < 0.8 else 0.0,
        glasses="none" if frame > 0.2 else "round" if frame > 0.1 else "square",
        glasses_colour=_jitter((48, 44, 46), 22, random),
        lashes=0.5 if bearded else float(random.uniform(0.6, 1.4)),
        folds=float(random.uniform(0.15, 0.7)),
        lopsided=float(np.clip(random.normal(0, 0.05), -0.12, 0.12)),
        habits={name: prototype.draw(random) for name, prototype in PROTOTYPES.items()},
        strengths={unit: float(np.clip(random.normal(1.0, 0.12), 0.7, 1.25)) for unit in range(1, 28)},
        seed=int(random.integers(2**31)),
    )


def _between(first: Colour, second: Colour, share: float) -> Colour:
    red, green, blue = (float(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return red, green, blue


def _jitter(colour: Colour, spread: float, random: np.random.Generator) -> Colour:
    """Lighter or darker by `spread` per cent, and a third of that in hue: skin and hair never turn green."""
    shade = 1 + random.normal(0, spread / 100)
    red, green, blue = (
        float(v) for v in np.clip(np.asarray(colour) * (shade + random.normal(0, spread / 300, 3)), 8, 250)
    )
    return red, green, blue
