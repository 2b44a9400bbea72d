import io

import pytest
from rich.console import Console

from harness.leaderboard.record import file_record
from harness.leaderboard.terminal import table


def rendered(folder, width):
    console = Console(file=io.StringIO(), width=width, color_system=None)
    console.print(table(folder, "trial"))
    return console.file.getvalue()


@pytest.fixture
def filed(make_record, make_system, tmp_path):
    names = ["mobilenet_v2", "resnet152", "densenet121", "resnet18", "densenet201"]
    systems = [make_system(name, 0.3, "network", phase) for name in names for phase in ("pre-trained", "fine-tuned")]
    systems += [make_system("a [models/happy] b", 0.6), make_system("x", 0.25, "reference")]
    file_record(make_record("paper-configuration-1a2b3c4d", systems), tmp_path)
    return tmp_path


def test_the_table_is_readable_at_80_columns(filed):
    text = rendered(filed, 80)
    assert max(map(len, text.splitlines())) <= 80
    assert "0.300 [0.400, 0.600]" in text
    assert "macro-F1 [95%]" in text
    assert text.count("paper-configuration-") == 11 or text.count("paper-conf") == 11
    assert "8 frames in 2 clips; uniform guessing: 0.250" in " ".join(text.split())


def test_names_are_no_markup(filed):
    assert "a [models/happy] b" in rendered(filed, 120)


def test_a_benchmark_without_scores_still_shows(make_record, make_system, tmp_path):
    file_record(make_record(systems=[make_system(macro_f1=None)]), tmp_path)
    assert "no scored run" in rendered(tmp_path, 80)
