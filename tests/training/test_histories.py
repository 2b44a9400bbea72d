import csv
import io

import pytest

from harness.errors import DataError
from harness.training.histories import collected


def write(folder, text):
    folder.mkdir()
    (folder / "history.csv").write_text(text)
    return folder


def test_every_epoch_of_every_training_is_a_line(tmp_path):
    one = write(tmp_path / "one", "epoch,validation_macro_f1,train_loss\n0.0,0.1,\n1.0,0.3,2.5\n")
    two = write(tmp_path / "two", "epoch,train_loss,seconds\n0.0,,\n1.0,1.5,9\n")
    text = collected([("pre-train", "resnet18", 0, one), ("fine-tune", "resnet18", 1, two)])
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [(one["phase"], one["network"], one["seed"], one["epoch"]) for one in rows] == [
        ("pre-train", "resnet18", "0", "0.0"),
        ("pre-train", "resnet18", "0", "1.0"),
        ("fine-tune", "resnet18", "1", "0.0"),
        ("fine-tune", "resnet18", "1", "1.0"),
    ]
    assert [one["train_loss"] for one in rows] == ["", "2.5", "", "1.5"]
    assert [one["validation_macro_f1"] for one in rows] == ["0.1", "0.3", "", ""]
    assert rows[3]["seconds"] == "9"


def test_a_history_that_is_gone_is_named(tmp_path):
    with pytest.raises(DataError, match=r"^history of pre-train resnet18 cannot be read .*; run it again$"):
        collected([("pre-train", "resnet18", 0, tmp_path)])
