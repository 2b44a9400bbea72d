"""How long a person waits for `harness --help` and `harness plugins list`: beside a bare interpreter, and beside one
that imports what the list cannot do without. The table's bracketed figures are the ratios to the fastest.

    pytest benchmarks/test_startup.py --benchmark-enable
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

HARNESS = "from harness.cli import main; main()"
COMMANDS = {
    "python -c pass": ["pass"],
    "python -c 'import pydantic, rich'": ["import pydantic, rich"],
    "harness --help": [HARNESS, "--help"],
    "harness plugins list": [HARNESS, "plugins", "list"],
}
TARGETS = {"harness --help": 0.20, "harness plugins list": 0.5}  # seconds, warm


def start(arguments: Sequence[str]) -> None:
    # Away from the repository, as a user runs it: the working folder is searched for distributions, too.
    command = [sys.executable, "-c", *arguments]
    subprocess.run(command, cwd=Path(sys.prefix), stdout=subprocess.DEVNULL, check=True)


@pytest.mark.benchmark(group="startup")
@pytest.mark.parametrize("name", COMMANDS)
def test_startup(benchmark: BenchmarkFixture, name: str) -> None:
    benchmark.pedantic(start, args=(COMMANDS[name],), rounds=15, warmup_rounds=2)
    if benchmark.enabled and name in TARGETS:
        benchmark.extra_info["target"] = TARGETS[name]
        assert benchmark.stats.stats.median <= TARGETS[name]
