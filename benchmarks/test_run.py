"""A run with nothing to do, beside the same command's help: make bench"""

import os
import subprocess
import sys

CONFIG = """
name = "small"
benchmark = "bench"
[data.target]
use = "synthetic"
part = "clips"
clips = 4
seconds = 1.0
[faces]
detector = "whole-frame"
align = "box"
size = 64
[labeling.labelers]
use = "simulated"
"""


def command(folder, *arguments):
    environment = {**os.environ, "HARNESS_STORE": str(folder / "store")}
    subprocess.run(
        [sys.executable, "-m", "harness", *arguments], cwd=folder, env=environment, check=True, capture_output=True
    )


def test_a_second_run_with_nothing_to_do(benchmark, tmp_path):
    """Target: under 3 s. The first run is not timed."""
    (tmp_path / "small.toml").write_text(CONFIG)
    command(tmp_path, "run", "small.toml")
    benchmark.pedantic(command, args=(tmp_path, "run", "small.toml"), rounds=5)


def test_the_help_page(benchmark, tmp_path):
    """The named alternative: what a start costs without any work."""
    benchmark.pedantic(command, args=(tmp_path, "--help"), rounds=5)
