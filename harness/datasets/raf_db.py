"""The data set `raf-db`: Real-world Affective Faces (Li, Deng & Du, CVPR 2017), compound or basic part."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from harness.components import Licence
from harness.datasets.lists import read_ids
from harness.datasets.options import RafDbOptions
from harness.datasets.stills import Still, Stills, copy_of, count, images_in
from harness.datasets.survey import Counts, FileFacts, Survey
from harness.errors import DataError, listed

LICENCE = Licence("RAF-DB: non-commercial research only, images must not be passed on")
NAMES: Mapping[str, Mapping[str, str]] = {
    "compound": {
        "1": "Happily Surprised", "2": "Happily Disgusted", "3": "Sadly Fearful", "4": "Sadly Angry",
        "5": "Sadly Surprised", "6": "Sadly Disgusted", "7": "Fearfully Angry", "8": "Fearfully Surprised",
        "9": "Angrily Surprised", "10": "Angrily Disgusted", "11": "Disgustedly Surprised",
    },
    "basic": {
        "1": "Surprise", "2": "Fear", "3": "Disgust", "4": "Happiness", "5": "Sadness", "6": "Anger", "7": "Neutral",
    },
}  # fmt: skip
_COMPOUND = {  # train, test; of the other four the split is not published
    "Happily Surprised": (562, 135), "Sadly Fearful": (107, 22), "Sadly Angry": (130, 33), "Sadly Surprised": (68, 18),
    "Fearfully Surprised": (444, 116), "Angrily Surprised": (138, 38), "Disgustedly Surprised": (113, 35),
}  # fmt: skip
_BASIC = {
    "Surprise": (1290, 329), "Fear": (281, 74), "Disgust": (717, 160), "Happiness": (4772, 1185),
    "Sadness": (1982, 478), "Anger": (705, 162), "Neutral": (2524, 680),
}  # fmt: skip
SPLITS = ("train", "test")
PUBLISHED: Mapping[str, Counts] = {
    part: {split: {name: pair[place] for name, pair in counts.items()} for place, split in enumerate(SPLITS)}
    for part, counts in (("compound", _COMPOUND), ("basic", _BASIC))
}
TOTALS = {"compound": {"train": 3162, "test": 792}, "basic": {"train": 12271, "test": 3068}}
# The authors' spelling comes first; some copies were mended.
_LISTS = ("EmoLabel/list_patition_label.txt", "EmoLabel/list_partition_label.txt")


class RafDb(Stills):
    """RAF-DB: photographs from the web, labelled by about 40 people each.

    Where to get it: http://www.whdeng.cn/RAF/model1.html (a signed request by a member of a university).

    Layout: compound/EmoLabel/list_patition_label.txt (that spelling) with lines `train_0486.jpg 5`, the images in
    compound/Image/aligned/train_0486_aligned.jpg (or aligned/aligned/) and compound/Image/original/train_0486.jpg;
    basic/ alike, with names such as train_00001.jpg.

    Identities: no list of them is published. Every image counts as a person of its own, so a split by subject is a
    split by image, and the same person may stand on both sides of it.
    """

    licence = LICENCE

    def __init__(self, options: RafDbOptions, folder: Path) -> None:  # noqa: ARG002 - the images lie where they are
        self._options = options
        stills = _stills(options)
        split = options.split
        super().__init__(
            stills, cropped=options.images == "aligned", wanted=lambda still: split in ("both", still.part)
        )

    def survey(self, facts: Mapping[str, FileFacts]) -> Survey:  # noqa: ARG002 - stills have no frames to count
        """Both splits of the part, beside the published counts."""
        part = self._options.part
        return Survey(
            count(self._stills),
            published=PUBLISHED[part],
            totals=TOTALS[part],
            remarks=["RAF-DB comes without a list of identities: every image counts as a person of its own"],
        )


def _stills(options: RafDbOptions) -> list[Still]:
    place = _part_folder(options)
    found = next((place / name for name in _LISTS if (place / name).is_file()), place / _LISTS[0])
    labels = read_ids(found, "label", NAMES[options.part])
    strangers = [name for name in labels if name.partition("_")[0] not in SPLITS]
    if strangers:
        raise DataError(f"{found}: names that begin with neither train_ nor test_: {listed(strangers)}")
    kind = options.images
    images = images_in(place / "Image" / kind, place / "Image" / kind / kind)
    return [
        Still(Path(name).stem, images / copy_of(name, kind), label, name.partition("_")[0])
        for name, label in labels.items()
    ]


def _part_folder(options: RafDbOptions) -> Path:
    """<root>/compound, or root itself if it is that folder; DataError says what was looked for."""
    root, part = options.root, options.part
    if not root.is_dir():
        raise DataError(f"{root}: no such folder; root is the folder that holds compound/ and basic/ of RAF-DB")
    for place in (root / part, root):
        if (place / "EmoLabel").is_dir():
            return place
    deeper = sorted(path.parents[1] for path in root.glob(f"*/{part}/EmoLabel"))
    hint = f"is {deeper[0]} meant?" if deeper else "is this RAF-DB, and is its archive unpacked?"
    raise DataError(f"{root}: holds no {part}/{_LISTS[0]}; {hint}")
