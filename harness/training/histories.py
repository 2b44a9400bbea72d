"""The histories of all of a run's trainings as one table, for a spreadsheet or a plotting tool."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from harness.errors import DataError

FILE = "history.csv"
COLUMNS = (
    "epoch", "train_loss", "validation_loss", "validation_accuracy", "validation_macro_f1", "learning_rate",
    "images_per_second", "seconds",
)  # fmt: skip

Training = tuple[str, str, int, Path]


def collected(trainings: Sequence[Training]) -> str:
    """(phase, network, seed, folder of the train artifact) -> CSV, one line an epoch; empty where nothing was measured.

    Epoch 0 is the network before the training: it has no training loss. DataError names a history that cannot be read.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["phase", "network", "seed", *COLUMNS])
    for phase, network, seed, folder in trainings:
        try:
            with (folder / FILE).open(newline="", encoding="utf-8") as file:
                rows = list(csv.DictReader(file))
        except (OSError, ValueError, csv.Error) as error:
            raise DataError(f"history of {phase} {network} cannot be read ({error}); run it again") from error
        for row in rows:
            writer.writerow([phase, network, seed, *(row.get(name, "") for name in COLUMNS)])
    return text.getvalue()
