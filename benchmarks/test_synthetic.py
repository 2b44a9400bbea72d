"""How fast faces are rendered on one core: stills with their JPEG encoding (target: 100 a second), frames of clips.

    pytest benchmarks/test_synthetic.py --benchmark-enable

Stills a second are STILLS divided by the table's minimum in seconds; frames a second likewise.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import cv2
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from harness.datasets.synthetic.clips import plan_clips, render_clip
from harness.datasets.synthetic.options import SyntheticOptions
from harness.datasets.synthetic.scene import Grain
from harness.datasets.synthetic.stills import encode_still, plan_stills, render_still

STILLS = 50
TARGET = 100  # stills a second on one core
# Processor time: other work on the machine must not count.
ON_ONE_CORE = pytest.mark.benchmark(timer=time.process_time)


@pytest.fixture(autouse=True)
def one_core() -> Iterator[None]:
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    yield
    cv2.setNumThreads(threads)


@ON_ONE_CORE
def test_stills_of_the_default_size(benchmark: BenchmarkFixture) -> None:
    grain = Grain(0)

    def render() -> int:
        plans = plan_stills(SyntheticOptions(stills=STILLS))
        return sum(len(encode_still(render_still(still, grain), still.quality)) for still in plans)

    assert benchmark(render) > 0
    if benchmark.enabled:
        benchmark.extra_info["stills_per_second"] = round(STILLS / benchmark.stats.stats.min)
        assert STILLS / benchmark.stats.stats.min > TARGET


@ON_ONE_CORE
def test_frames_of_a_clip_before_encoding(benchmark: BenchmarkFixture) -> None:
    grain = Grain(0)
    plan = next(plan_clips(SyntheticOptions(part="clips", clips=1)))
    frames = benchmark(lambda: sum(1 for _ in render_clip(plan, grain)))
    assert frames == len(plan.labels)
    if benchmark.enabled:
        benchmark.extra_info["frames_per_second"] = round(frames / benchmark.stats.stats.min)
