"""What each action unit does to the measures: anatomy as numbers.

The effect of a unit at full intensity on each measure, relative to that measure's strongest mover, signed; from the
descriptions in Ekman, Friesen & Hager, Facial Action Coding System (2002). Judgement, not a fit; but some entries (the
upper lip and lip gap of 12, 15, 20 and 25, the brow gap of 1 and 2) and NOISE were revised after looking at annotated
rendered faces, so scores on rendered faces flatter them.
`NOISE` says how well Face Mesh sees a measure, in the same unit: it follows brows and mouth, but hardly lids, cheeks
and the nose's wings.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from harness_facs.measures import MEASURES

EFFECTS: Mapping[int, Mapping[str, float]] = {
    1: {"inner_brow": 1.0, "outer_brow": 0.3, "brow_gap": 0.1},  # inner brow raiser
    2: {"inner_brow": 0.4, "outer_brow": 1.0, "brow_gap": 0.2},  # outer brow raiser
    4: {"inner_brow": -1.0, "outer_brow": -0.6, "brow_gap": -1.0, "eye_opening": -0.2},  # brow lowerer
    5: {"eye_opening": 1.0, "inner_brow": 0.1},  # upper lid raiser
    6: {"cheek": 1.0, "eye_opening": -0.5},  # cheek raiser
    7: {"eye_opening": -1.0},  # lid tightener
    9: {"nose_wing": 1.0, "inner_brow": -0.5, "upper_lip": 0.5, "cheek": 0.5, "brow_gap": -0.3},  # nose wrinkler
    10: {"upper_lip": 1.0, "lip_gap": 0.3, "nose_wing": 0.4},  # upper lip raiser
    11: {"upper_lip": 0.2},  # nasolabial deepener
    # lip corner puller; a smile also lifts and thins the upper lip
    12: {"lip_corner": 1.0, "mouth_width": 1.0, "cheek": 0.7, "upper_lip": 0.7, "red_lip": -0.5},
    15: {"lip_corner": -1.0, "mouth_width": -0.1, "upper_lip": -0.3},  # lip corner depressor
    17: {"lower_lip": 1.0, "jaw": -0.5, "lip_corner": -0.3},  # chin raiser
    20: {"mouth_width": 0.9, "lip_corner": -0.2, "upper_lip": 0.2, "red_lip": -0.3},  # lip stretcher
    23: {"red_lip": -0.6, "mouth_width": -0.4},  # lip tightener
    24: {"red_lip": -1.0, "mouth_width": -0.4, "lip_gap": -0.3},  # lip pressor
    25: {"lip_gap": 0.6, "upper_lip": 0.3, "lower_lip": -0.4, "jaw": 0.2},  # lips part
    26: {"lip_gap": 1.0, "jaw": 1.0, "mouth_width": -0.3},  # jaw drop
}
UNITS = tuple(EFFECTS)
EFFECT = np.array([[effect.get(name, 0.0) for name in MEASURES] for effect in EFFECTS.values()])  # (A, K)
_NOISE: Mapping[str, float] = {
    "inner_brow": 0.5, "outer_brow": 0.5, "brow_gap": 0.8, "eye_opening": 0.8, "cheek": 0.9, "nose_wing": 0.9,
    "upper_lip": 0.6, "lip_corner": 0.5, "mouth_width": 0.5, "lip_gap": 0.5, "red_lip": 0.8, "jaw": 0.7,
    "lower_lip": 0.7,
}  # fmt: skip
NOISE = np.array([_NOISE[name] for name in MEASURES])  # (K,)
