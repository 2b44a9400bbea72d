"""The data set `raf-ce`: 14 compound expressions with action units, images of RAF-AU."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from harness.components import Licence
from harness.datasets.lists import read_ids, read_text
from harness.datasets.options import RafCeOptions
from harness.datasets.stills import Still, Stills, copy_of, count, images_in
from harness.datasets.survey import FileFacts, Survey
from harness.datasets.wording import many
from harness.errors import DataError, listed

if TYPE_CHECKING:
    import pandas as pd

EMOTIONS, UNITS, PARTITION = "RAFCE_emolabel.txt", "RAFCE_AUlabel.txt", "RAFCE_partition.txt"
NAMES: Mapping[str, str] = {
    "0": "Happily Surprised", "1": "Happily Disgusted", "2": "Sadly Fearful", "3": "Sadly Angry",
    "4": "Sadly Surprised", "5": "Sadly Disgusted", "6": "Fearfully Angry", "7": "Fearfully Surprised",
    "8": "Fearfully Disgusted", "9": "Angrily Surprised", "10": "Angrily Disgusted", "11": "Disgustedly Surprised",
    "12": "Happily Fearful", "13": "Happily Sad",
}  # fmt: skip
SPLITS = {"0": "train", "1": "test", "2": "validation"}
TOTALS = {"train": 2709, "test": 909, "validation": 931}
# A unit with the side that it was seen on, before or behind the number: L12, 12R, T; both sides alike: none.
_UNIT = re.compile(r"(?:AU)?([LRBT]?)(\d{1,2})([LRBT]?)", re.IGNORECASE)


class RafCe(Stills):
    """RAF-CE: images of RAF-ML with one compound expression and action units each.

    Where to get it: http://whdeng.cn/RAF/model4.html, by a signed request; the images come with RAF-ML and RAF-AU.

    Layout: RAFCE_emolabel.txt (`0001.jpg 5`), RAFCE_partition.txt (`0001.jpg 0`: 0 train, 1 test, 2 validation),
    RAFCE_AUlabel.txt (`0001.jpg 1+4+25`; L, R, B, T: left, right, bottom, top only; null: none), and the images in
    aligned/0001_aligned.jpg (or aligned/aligned/) and original/0001.jpg, there or in `images_root`.

    Identities: no list of them is published; every image counts as a person of its own.
    """

    licence = Licence("RAF-CE: non-commercial research only, images must not be passed on")

    def __init__(self, options: RafCeOptions, folder: Path) -> None:  # noqa: ARG002 - the images lie where they are
        self._root = options.root
        split = options.split
        super().__init__(
            _stills(options),
            cropped=options.images == "aligned",
            wanted=lambda still: split in ("all", still.part),
        )

    def action_units(self) -> pd.DataFrame:
        """Columns clip (str), unit (int), side ("L", "R", "B", "T", or "" for the whole face): a row each unit seen.

        Of the images of the split; one without a row shows none. DataError for lines that cannot be read.
        """
        import pandas as pd

        units = {Path(name).stem: seen for name, seen in read_action_units(self._root / UNITS).items()}
        rows = [(still.id, unit, side) for still in self._chosen for unit, side in units.get(still.id, ())]
        return pd.DataFrame(rows, columns=["clip", "unit", "side"]).astype({"clip": "str", "side": "str"})

    def survey(self, facts: Mapping[str, FileFacts]) -> Survey:  # noqa: ARG002 - stills have no frames to count
        """All splits beside the published totals, and whether the lists name the same images."""
        names = {still.id for still in self._stills}
        problems = []
        try:
            units = {Path(name).stem for name in read_action_units(self._root / UNITS)}
        except DataError as error:
            problems.append(str(error))
        else:
            for text, culprits in (
                (f"no line in {UNITS}", names - units),
                (f"no image of the other lists in {UNITS}", units - names),
            ):
                if culprits:
                    problems.append(f"{text}: {many(len(culprits), 'image')}: {listed(sorted(culprits))}")
        return Survey(
            count(self._stills),
            totals=TOTALS,
            problems=problems,
            remarks=["RAF-CE comes without a list of identities: every image counts as a person of its own"],
        )


def read_action_units(path: Path) -> dict[str, tuple[tuple[int, str], ...]]:
    """image -> (unit, side) of the lines `0001.jpg 1+4+R12`; `null` and nothing at all are no unit."""
    found: dict[str, tuple[tuple[int, str], ...]] = {}
    odd: list[str] = []
    for number, line in enumerate(read_text(path, "action units").splitlines(), start=1):
        words = line.split()
        units = None if not words or len(words) > 2 else parse_units(words[1] if words[1:] else "null")
        if units is not None:
            found[words[0]] = units
        elif words:
            odd.append(f"line {number} {line.strip()[:40]!r}")
    if odd:
        raise DataError(f"{path}: {many(len(odd), 'line')} not of the form 'image units': {listed(odd)}")
    return found


def parse_units(text: str) -> tuple[tuple[int, str], ...] | None:
    """ "1+4+R12" -> ((1, ""), (4, ""), (12, "R")); "null" -> (); None if it is neither."""
    if text.casefold() == "null":
        return ()
    found = []
    for word in text.split("+"):
        match = _UNIT.fullmatch(word)
        if match is None or (match[1] and match[3]):
            return None
        found.append((int(match[2]), (match[1] or match[3]).upper()))
    return tuple(found)


def _stills(options: RafCeOptions) -> list[Still]:
    root = options.root
    if not root.is_dir():
        raise DataError(f"{root}: no such folder; root is the folder of {EMOTIONS}")
    labels = read_ids(root / EMOTIONS, "label", NAMES)
    parts = read_ids(root / PARTITION, "split", SPLITS)
    for text, culprits in (
        (f"no split in {PARTITION}", [name for name in labels if name not in parts]),
        (f"no label in {EMOTIONS}", [name for name in parts if name not in labels]),
    ):
        if culprits:
            raise DataError(f"{root}: {text}: {many(len(culprits), 'image')}: {listed(culprits)}")
    kind = options.images
    place = options.images_root or root
    bases = (place, place / "RAF-AU", place / "Image")
    images = images_in(*(base / kind / inner for base in bases for inner in ("", kind)))
    return [Still(Path(name).stem, images / copy_of(name, kind), label, parts[name]) for name, label in labels.items()]
