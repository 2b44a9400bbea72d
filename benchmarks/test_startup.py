"""How long a person waits for `harness --help` and `harness plugins list`.

Each is measured in turns with a yardstick, so that another machine, or a busy one, gives the same ratio:
`python -c pass` for the help, which loads click alone, and `import pydantic, rich` for the list, which needs both.

    pytest benchmarks/test_startup.py --benchmark-enable
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

HARNESS = "from harness.cli import main; main()"


def start(arguments: Sequence[str]) -> None:
    # Away from the repository, as a user runs it: the working folder is searched for distributions, too.
    command = [sys.executable, "-c", *arguments]
    subprocess.run(command, cwd=Path(sys.prefix), stdout=subprocess.DEVNULL, check=True)


@pytest.mark.parametrize(
    ("arguments", "yardstick", "at_most"),
    [(["--help"], "pass", 4), (["plugins", "list"], "import pydantic, rich", 7)],
    ids=["harness --help", "harness plugins list"],
)
def test_startup(benchmark: BenchmarkFixture, arguments: list[str], yardstick: str, at_most: float) -> None:
    yardsticks = []

    def measure_yardstick() -> None:
        began = time.perf_counter()
        start([yardstick])
        yardsticks.append(time.perf_counter() - began)

    benchmark.pedantic(start, args=([HARNESS, *arguments],), setup=measure_yardstick, rounds=15, warmup_rounds=1)
    if benchmark.enabled:
        ratio = benchmark.stats.stats.median / statistics.median(yardsticks)
        benchmark.extra_info[f"times {yardstick!r}"] = round(ratio, 2)
        assert ratio <= at_most
