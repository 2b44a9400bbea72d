"""The data set `folder`: images in class folders, or a table of files and labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from harness.components import Licence
from harness.datasets.manifest import read_manifest
from harness.datasets.options import FolderOptions
from harness.datasets.stills import Still, Stills, count
from harness.datasets.survey import FileFacts, Survey
from harness.datasets.wording import many
from harness.errors import DataError, listed
from harness.media.paths import IMAGE_SUFFIXES, is_media, natural_key


class Folder(Stills):
    """A user's own annotated images.

    Layout: `root`/<class>/<any depth>/<image>, or `root`/<split>/<class>/... with `split`; or a `manifest`: a CSV or
    Parquet table with the columns file (below root, or absolute), label (empty: none of the classes) and, if there are
    any, subject and split. Classes are names or aliases of the label space, in any case, with spaces, hyphens or
    underscores; `labels` maps other spellings to them. What is outside the label space is left out with a notice.
    """

    def __init__(self, options: FolderOptions, folder: Path) -> None:  # noqa: ARG002 - the images lie where they are
        if not options.root.is_dir():
            raise DataError(f"{options.root}: no such folder")
        self.licence = Licence(options.licence, options.faces_may_leave)
        self._options = options
        stills = _stills(options)
        _refuse_unused(options.labels, stills)
        stills = [_mapped(still, options.labels) for still in stills]
        split = options.split
        if split is not None and not any(still.part == split for still in stills):
            known = sorted({still.part for still in stills if still.part})
            raise DataError(
                f"{options.manifest or options.root}: no image of split {split!r} (there are {listed(known)})"
            )
        super().__init__(stills, cropped=options.cropped, wanted=lambda still: split in (None, still.part))

    def survey(self, facts: Mapping[str, FileFacts]) -> Survey:  # noqa: ARG002 - stills have no frames to count
        """All splits; whether a subject stands in more than one of them is the check's question."""
        known = any(still.subject for still in self._stills)
        remarks = [] if known else ["no subjects are given: every image counts as a person of its own"]
        return Survey(count(self._stills), remarks=remarks)


def _stills(options: FolderOptions) -> list[Still]:
    if options.manifest is not None:
        return read_manifest(options.manifest, options.root)
    if options.split is None:
        stills = _class_folders(options.root, options.root, "")
    elif (options.root / options.split).is_dir():  # the other splits are read for the check
        stills = [
            still for place in _folders(options.root) for still in _class_folders(options.root, place, place.name)
        ]
    else:
        raise DataError(
            f"{options.root / options.split}: no such folder; split {options.split!r} is a folder in root, or a "
            "manifest's column"
        )
    if not stills:
        loose = sum(is_media(path, IMAGE_SUFFIXES) for path in options.root.iterdir())
        lie = "image lies" if loose == 1 else "images lie"
        hint = f"{loose} {lie} in it without a class; write a manifest" if loose else "is this the right folder?"
        raise DataError(f"{options.root}: holds no class folder with images; {hint}")
    repeated = [name for name, number in Counter(still.id for still in stills).items() if number > 1]
    if repeated:
        raise DataError(
            f"{options.root}: different in their suffix alone: {many(len(repeated), 'image')}: {listed(repeated)}"
        )
    return stills


def _class_folders(root: Path, place: Path, part: str) -> list[Still]:
    stills = []
    for folder in _folders(place):
        images = [path for path in folder.rglob("*") if is_media(path, IMAGE_SUFFIXES)]
        for image in sorted(images, key=lambda path: natural_key(path.as_posix())):
            name = image.relative_to(root).with_suffix("").as_posix()
            stills.append(Still(name, image, folder.name, part))
    return stills


def _folders(place: Path) -> list[Path]:
    folders = (path for path in place.iterdir() if path.is_dir() and not path.name.startswith("."))
    return sorted(folders, key=lambda path: natural_key(path.name))


def _refuse_unused(labels: Mapping[str, str], stills: list[Still]) -> None:
    written = {still.label for still in stills}
    unused = [label for label in labels if label not in written]
    if unused:
        raise DataError(
            f"labels: {listed(unused)} is no label of the data set (its labels are {listed(sorted(written))})"
        )


def _mapped(still: Still, labels: Mapping[str, str]) -> Still:
    return Still(still.id, still.source, labels.get(still.label, still.label), still.part, still.subject)
