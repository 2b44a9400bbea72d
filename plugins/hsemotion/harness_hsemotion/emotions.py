"""Names of the basic emotions: one spelling for what data sets and networks spell in many ways."""

from __future__ import annotations

from collections.abc import Mapping

from harness.errors import nearest

# contempt is no basic emotion of the harness's own label spaces, but networks trained on AffectNet have it; "other"
# stands for an output of a network that is none of them.
EMOTIONS = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral", "contempt", "other")
_SPELLINGS: Mapping[str, tuple[str, ...]] = {
    "anger": ("angry", "an", "ang"),
    "disgust": ("disgusted", "di", "dis"),
    "fear": ("fearful", "afraid", "scared", "fe", "fea"),
    "happiness": ("happy", "joy", "joyful", "smile", "ha", "hap"),
    "sadness": ("sad", "sa", "unhappy"),
    "surprise": ("surprised", "su", "sur"),
    "neutral": ("neutrality", "calm", "ne", "neu"),
    "contempt": ("contemptuous", "co", "con"),
    "other": ("others", "unknown", "none", "uncertain"),
}
_CANONICAL = {name: name for name in EMOTIONS} | {
    spelling: name for name, spellings in _SPELLINGS.items() for spelling in spellings
}


def canonical(name: str) -> str:
    """The name in EMOTIONS that a spelling means, whatever its case; ValueError names the nearest otherwise."""
    found = _CANONICAL.get(name.strip().casefold())
    if found is None:
        raise ValueError(f"emotion {name!r} is not known{nearest(name, EMOTIONS)}")
    return found
