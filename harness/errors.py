"""Every error the harness raises on purpose.

HarnessError                what went wrong, where, and what to do: one line; the command line exits with 2
|-- ConfigError             an experiment file, an override or a component's options
|-- PluginError             a component that cannot be used
|   |-- UnknownComponent    no such name; names the nearest
|   |-- AmbiguousComponent  two distributions announce the name
|   `-- MissingPackage      a package has to be installed first; says the command
|-- DataError               clips, images, annotations, label files
|   `-- MediaError          a file that cannot be decoded
|-- WeightsError            weights that cannot be found, or whose sha256 is wrong
|-- StoreError              artifacts that cannot be read or written
`-- StageError              a stage that failed for a reason of its own (killed, out of memory)
    |-- PartialResult       stopped with a part of the work done and kept; the command line exits with 3
    `-- Interrupted         stopped by the user, its work so far kept; exits with 130
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

UNPRINTABLE = "\ufffd"


class HarnessError(Exception):
    """Root of all deliberate errors; its text is one line for a person."""


class ConfigError(HarnessError):
    """A configuration key or value that cannot be used."""


class PluginError(HarnessError):
    """A component that cannot be used."""


class UnknownComponent(PluginError):
    """A component name that nobody announces."""


class AmbiguousComponent(PluginError):
    """A component name that more than one distribution announces."""


class MissingPackage(PluginError):
    """A component whose packages are not installed."""


class DataError(HarnessError):
    """Input data that cannot be used."""


class MediaError(DataError):
    """A video or image that cannot be decoded."""


class WeightsError(HarnessError):
    """Model weights that cannot be found or do not match their pinned sha256."""


class StoreError(HarnessError):
    """An artifact that cannot be read or written."""


class StageError(HarnessError):
    """A stage that did not finish."""


class PartialResult(StageError):
    """A stage that stopped before its end, at a cap or for want of answers; what it has is kept, and it can go on."""


class Interrupted(StageError):
    """A stage that the user stopped; what it has is kept, and it can go on."""


def one_line(text: str) -> str:
    """One line of printable characters: no line breaks, terminal codes or marks that turn the writing round."""
    return "".join(one if one.isprintable() else UNPRINTABLE for one in " ".join(text.split()))


def nearest(name: str, known: Iterable[str]) -> str:
    """The part of a message that helps with a misspelt name: "; did you mean 'x'? (known: a, b)"."""
    choices = sorted(known)
    close = difflib.get_close_matches(name, choices, n=1, cutoff=0.5)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    return f"{hint} (known: {', '.join(choices) or 'none'})"


def listed(culprits: Iterable[object], most: int = 10) -> str:
    """Up to `most` culprits, comma-separated, and how many more there are."""
    texts = [str(culprit) for culprit in culprits]
    rest = f" and {len(texts) - most} more" if len(texts) > most else ""
    return ", ".join(texts[:most]) + rest
