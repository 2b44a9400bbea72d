"""The data set `synthetic`: rendered once into its folder, read from there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd

from harness.components import Clip, Licence
from harness.datasets.synthetic.clips import plan_clips, render_clip
from harness.datasets.synthetic.options import SyntheticOptions
from harness.datasets.synthetic.scene import Grain
from harness.datasets.synthetic.stills import encode_still, plan_stills, render_still
from harness.errors import DataError
from harness.media.writing import write_video

_CLIPS, _ANNOTATIONS = "clips.csv", "annotations.parquet"


class SyntheticDataset:
    """Faces that nobody has: annotated stills, or clips with all frames annotated."""

    licence = Licence("rendered faces, free for any use", faces_may_leave=True)

    def __init__(self, options: SyntheticOptions, folder: Path) -> None:
        self.options = options
        self.folder = folder

    def prepare(self, progress: Callable[[int, int], None]) -> None:
        """Render media, the list of clips and the annotations into the folder."""
        (self.folder / "media").mkdir()
        rows, annotations = self._stills(progress) if self.options.part == "stills" else self._clips(progress)
        frame = pd.DataFrame(annotations, columns=["clip", "frame", "label"])
        frame.astype({"frame": "int32"}).to_parquet(self.folder / _ANNOTATIONS, index=False)
        table = pd.DataFrame(rows, columns=["clip", "file", "subject", "frames"])
        table.to_csv(self.folder / _CLIPS, index=False)

    def clips(self) -> Sequence[Clip]:
        """All clips in order; DataError before they are rendered."""
        path = self.folder / _CLIPS
        if not path.is_file():
            raise DataError(f"{self.folder} holds no rendered clips; prepare the data set first")
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
        return [
            Clip(clip, self.folder / "media" / file, subject)
            for clip, file, subject in zip(table["clip"], table["file"], table["subject"], strict=True)
        ]

    def annotations(self) -> pd.DataFrame:
        """Columns clip, frame, label; "" where a face shows none of the classes. DataError before rendering."""
        path = self.folder / _ANNOTATIONS
        if not path.is_file():
            raise DataError(f"{self.folder} holds no annotations; prepare the data set first")
        return pd.read_parquet(path)

    def _stills(self, progress: Callable[[int, int], None]) -> tuple[list[object], list[object]]:
        grain = Grain(self.options.seed)
        rows: list[object] = []
        annotations: list[object] = []
        for number, still in enumerate(plan_stills(self.options)):
            clip = f"still-{number:05d}"
            data = encode_still(render_still(still, grain), still.quality)
            (self.folder / "media" / f"{clip}.jpg").write_bytes(data)
            rows.append((clip, f"{clip}.jpg", f"still-subject-{still.subject:04d}", 1))
            annotations.append((clip, 0, still.label))
            progress(number + 1, self.options.stills)
        return rows, annotations

    def _clips(self, progress: Callable[[int, int], None]) -> tuple[list[object], list[object]]:
        grain = Grain(self.options.seed)
        rows: list[object] = []
        annotations: list[object] = []
        for plan in plan_clips(self.options):
            clip = f"clip-{plan.number:03d}"
            path = self.folder / "media" / f"{clip}.mp4"
            rate = self.options.frames_per_second
            frames = write_video(path, render_clip(plan, grain), rate, self.options.crf, threads=1)
            rows.append((clip, path.name, f"clip-subject-{plan.subject:04d}", frames))
            annotations.extend((clip, frame, label) for frame, label in enumerate(plan.labels))
            progress(plan.number + 1, self.options.clips)
        return rows, annotations
