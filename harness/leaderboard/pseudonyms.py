"""Other names for clips and subjects: runs stay comparable clip by clip, file names and people's names stay at home.

A clip's pseudonym is the same for everybody who has the clip, or two runs could not be compared; so whoever guesses a
name can tell that it is there. It hides names, it does not encrypt them.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence

from harness.evaluation.scores import Scores

LENGTH = 12
PSEUDONYM = re.compile(rf"[0-9a-f]{{{LENGTH}}}")
SHORT = 4  # a name as short as this, such as "12" or "clip", is only taken for one where it stands in quotes


def pseudonyms(clips: Sequence[str]) -> dict[str, str]:
    """Clip name -> its pseudonym."""
    return {name: _digest(name) for name in clips}


def pseudonymous(scores: Scores) -> Scores:
    """The scores with other names for clips and subjects, in the notes too."""
    names = pseudonyms(scores.clips)
    return scores.model_copy(
        update={
            "clips": list(names.values()),
            "subjects": _subjects(scores.subjects, list(names.values())),
            "notes": [without_names(note, names) for note in scores.notes],
        }
    )


def _subjects(subjects: Sequence[str], clips: Sequence[str]) -> list[str]:
    """A subject's pseudonym is made of those of its clips: nothing of a person's name is in it, guessed or not."""
    of: dict[str, list[str]] = {}
    for subject, clip in zip(subjects, clips, strict=False):
        of.setdefault(subject, []).append(clip)
    return [_digest("\n".join(sorted(of[subject]))) for subject in subjects]


def without_names(text: str, names: Mapping[str, str]) -> str:
    """Text with clip names, quoted or standing alone, replaced by their pseudonyms."""
    for name in sorted((one for one in names if one in text), key=len, reverse=True):
        found = re.escape(name)
        bare = rf"|(?<![\w./-]){found}(?![\w/-]|\.\w)" if len(name) > SHORT else ""
        text = re.sub(rf"(?<=['\"`]){found}(?=['\"`]){bare}", names[name], text)
    return text


def _digest(name: str) -> str:
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:LENGTH]
