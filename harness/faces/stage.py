"""The stage `faces`: every frame of every clip ends with exactly one face or a stated reason.

params: "dataset", "detector" (components) and the keys of `Settings`; inputs: "data" (the data set's folder).
With the setting `others` the further faces of a frame are cut out too, into a table that only fusion asks for.
Frames stream through: decoded on one thread, detected here in batches, aligned and encoded on a pool, written in
row groups. What is kept per frame are a few numbers, and those only until the frame's clip ends.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.components import Clip, FaceDetector
from harness.errors import PluginError
from harness.faces import artifact
from harness.faces.choice import Face, ranked
from harness.faces.cropping import encoder
from harness.faces.geometry import box_matrix, five_point_matrix
from harness.faces.listed import crop_rows, listed_rows
from harness.faces.queue import CropQueue
from harness.faces.reading import ClipEnd, Parcel, parcels, survey
from harness.faces.records import ClipRecord, clip_row
from harness.faces.report import Report
from harness.faces.settings import Settings
from harness.faces.sheet import write_sheet
from harness.media import Prefetch
from harness.stage import StageContext

# Detectors shrink an image 32 times: what is smaller than this holds no face to find.
SMALLEST = 8


def run(context: StageContext) -> None:
    """Write index.parquet, crops.parquet, clips.parquet, contact.png and, with `others`, others.parquet.

    A clip without media has a face a listed frame, without an image; where no clip has media, there is no contact.png.
    Clips without a face and clips that cannot be read are listed in notices; DataError if no face is found at all.
    """
    report = _stream(context)
    report.conclude(context)
    if Settings.of(context.params).others and not report.others:
        context.notice("faces.others: no frame shows a second face")
    if not write_sheet(context.folder):
        context.notice("no contact sheet: there is no image of any face")


def _stream(context: StageContext) -> Report:
    """All frames to the tables. Its own function, so that detector and frames are gone before the sheet is drawn."""
    settings = Settings.of(context.params)
    dataset = context.build("datasets", context.params["dataset"], folder=context.inputs["data"])
    clips = list(dataset.clips())
    seen = any(clip.source is not None for clip in clips)  # or the detector, and its weights, are not needed
    detector = context.build("face_detectors", context.params["detector"]) if seen else None
    facts, total = survey(clips)
    report = Report(str(context.params["detector"]["use"]))
    with (
        Work(context, settings, clips, detector, report) as work,
        Prefetch(parcels(clips, facts, settings.batch), depth=1) as ahead,
    ):
        done = 0
        for parcel in ahead:
            work.handle(parcel)
            done += len(parcel.frames)
            context.progress("faces", done, None if total is None else max(total, done))
            del parcel  # 10 MiB, not kept while the next one is waited for
    for line in getattr(detector, "notices", ()):  # a detector may tell of its own fallbacks
        context.notice(line)
    return report


class Work:
    """The state of one run: records of the clips under way, crops being made, tables being written."""

    def __init__(
        self, context: StageContext, settings: Settings, clips: Sequence[Clip], detector: FaceDetector | None,
        report: Report,
    ) -> None:  # fmt: skip
        self._settings, self._clips, self._detector, self._report = settings, clips, detector, report
        self._records: dict[int, ClipRecord] = {}
        encode = encoder(settings.format, settings.quality)
        names = [artifact.INDEX, artifact.CLIPS, artifact.CROPS, *([artifact.OTHERS] if settings.others else [])]
        with ExitStack() as stack:
            tables = [stack.enter_context(artifact.TableWriter(context.folder, name)) for name in names]
            pool = ThreadPoolExecutor(min(8, os.cpu_count() or 1), thread_name_prefix="crops")
            stack.callback(pool.shutdown, cancel_futures=True)
            self._index, self._ends = tables[:2]
            self._crops, *self._others = (CropQueue(table, pool, settings.size, encode) for table in tables[2:])
            self._stack = stack.pop_all()

    def __enter__(self) -> Work:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_rest: object) -> None:
        with self._stack:
            if kind is None:
                self._store(0)

    def handle(self, parcel: Parcel) -> None:
        """Find and cut out the faces of a batch, then close the clips that end with it."""
        if parcel.pixels is not None:
            for place, found in enumerate(self._faces(parcel.pixels, parcel.cropped)):
                clip, frame = parcel.clips[place], parcel.frames[place]
                face_id = self._cut(parcel.pixels[place], found, clip, frame, parcel.cropped)
                self._record(clip).add(frame, parcel.times[place], face_id, found[0] if found else None)
        for end in parcel.ends:
            self._close(end)
        self._store(self._settings.batch)

    def _faces(self, pixels: NDArray[np.uint8], cropped: bool) -> list[list[Face]]:
        """Of each frame its face, and the further ones that are wanted."""
        count, height, width = pixels.shape[:3]
        if min(height, width) < SMALLEST:
            return [[]] * count
        if cropped:
            whole = np.array([0, 0, width, height], np.float32)
            return [[Face(whole, float("nan"), None, 1)]] * count
        assert self._detector is not None
        found = self._detector.detect(pixels)
        if len(found) != count:
            raise PluginError(f"face detector {self._report.detector!r} gave {len(found)} results for {count} frames")
        settings, shape = self._settings, pixels.shape[1:]
        return [ranked(one, shape, settings.choose, settings.min_score, settings.most_faces) for one in found]

    def _cut(self, pixels: NDArray[np.uint8], found: Sequence[Face], clip: int, frame: int, cropped: bool) -> int:
        """Queue the crops of a frame's faces; returns the first one's id (-1 for none), which depends on the order of
        frames alone."""
        if not found:
            return -1
        place = {"clip": self._clips[clip].id, "frame": frame, "subject": self._subject(clip)}
        chosen = self._crops.add(pixels, self._matrix(found[0], pixels.shape, cropped), **place)
        for others in self._others:
            for face in found[1:]:
                x0, y0, x1, y1 = face.box
                box = {"x0": x0, "y0": y0, "x1": x1, "y1": y1, "score": face.score}
                others.add(pixels, self._matrix(face, pixels.shape, cropped), **place, beside=chosen, **box)
                self._report.others += 1
            others.store(self._settings.batch)  # a crowd's crops do not wait for the end of the batch
        return chosen

    def _matrix(self, face: Face, shape: tuple[int, ...], cropped: bool) -> NDArray[np.float64]:
        settings = self._settings
        if cropped or settings.align == "none":
            return box_matrix(np.array([0, 0, shape[1], shape[0]]), settings.size, 0.0)
        if settings.align == "five-point":
            matrix = None
            if face.landmarks is not None:
                matrix = five_point_matrix(face.landmarks, settings.size, settings.margin)
            if matrix is not None:
                return matrix
            self._report.unaligned += 1
        return box_matrix(face.box, settings.size, settings.margin)

    def _record(self, clip: int) -> ClipRecord:
        if clip not in self._records:
            self._records[clip] = ClipRecord(self._clips[clip].id, self._clips[clip].cropped)
        return self._records[clip]

    def _close(self, end: ClipEnd) -> None:
        record = self._record(end.clip)
        del self._records[end.clip]
        fill = self._settings.gaps == "closest"
        rows = self._listed(record, end) if end.listed else record.rows(end.frames, fill)
        status = self._report.clip(record, end)
        for part in rows:
            self._index.append(part)
        note = "; ".join([*end.problems, *([end.error] if end.error else [])])
        self._ends.append(clip_row(record, end, self._subject(end.clip), status, note))

    def _listed(self, record: ClipRecord, end: ClipEnd) -> Iterator[dict[str, Any]]:
        """Give every frame of a clip without media a face that has no image; returns the clip's rows of the index."""
        subject = self._subject(end.clip)
        first = self._crops.without_images(end.frames, lambda first: crop_rows(record.clip, subject, end, first))
        record.distinct = end.frames
        return listed_rows(record.clip, end, first)

    def _subject(self, clip: int) -> str:
        return self._clips[clip].subject or self._clips[clip].id

    def _store(self, most: int) -> None:
        """Write finished crops in order until at most `most` of a table are waiting."""
        for queue in (self._crops, *self._others):
            queue.store(most)
