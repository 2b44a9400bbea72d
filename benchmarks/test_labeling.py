"""Claims about asking vision-language models: rate, CPU and memory beside the bare SDK, in the same run.

The provider is `harness.testing.providers` in a process of its own, 200 ms away; faces are JPEG crops of about 20 KB.
Each labelling runs in a fresh process, as it does in the executor, and so does the bare SDK with the transport that it
brings by default.

    HARNESS_BENCH_FACES=1000 pytest benchmarks/test_labeling.py --benchmark-enable -s

Without HARNESS_BENCH_FACES a few faces keep it running as a test.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pytest_benchmark.fixture import BenchmarkFixture

from harness.components import Job
from harness.expressions import label_space
from harness.faces.artifact import CROPS, TableWriter
from harness.testing.providers import ProviderProcess

pytestmark = pytest.mark.slow  # each test starts several processes
FACES = int(os.environ.get("HARNESS_BENCH_FACES", "40"))
LATENCY = 0.2
SDKS = {"claude": "anthropic", "openai": "openai"}
# What a labelling costs from the start of its process: run by `python -c` with the job as JSON on stdin.
LABEL = """
import json, sys, time
from harness.components import Job
from harness.executors.work import peak_memory, work
job = json.load(sys.stdin)
work(Job(**job), lambda *_: None)
print(json.dumps({"cpu": time.process_time(), "peak": peak_memory()}))
"""
BARE = """
import asyncio, base64, json, sys, time
from harness.executors.work import peak_memory
import pyarrow.parquet as pq
told = json.load(sys.stdin)
if told["sdk"] == "anthropic":
    from anthropic import AsyncAnthropic as Client
else:
    from openai import AsyncOpenAI as Client
images = pq.ParquetFile(told["crops"]).read(columns=["image"]).column("image").to_pylist()
def asked(client, image):
    data = base64.b64encode(image).decode()
    if told["sdk"] == "anthropic":
        source = {"type": "base64", "media_type": "image/jpeg", "data": data}
        content = [{"type": "image", "source": source}, {"type": "text", "text": told["prompt"]}]
        return client.messages.create(model="m", max_tokens=64, messages=[{"role": "user", "content": content}])
    url = {"url": "data:image/jpeg;base64," + data, "detail": "low"}
    content = [{"type": "image_url", "image_url": url}, {"type": "text", "text": told["prompt"]}]
    return client.chat.completions.create(model="m", messages=[{"role": "user", "content": content}])
async def main():
    client = Client(api_key="k", base_url=told["url"], max_retries=0)
    waiting = iter(images)
    async def work():
        for image in waiting:
            await asked(client, image)
    await asyncio.gather(*(work() for _ in range(told["connections"])))
    await client.close()
asyncio.run(main())
print(json.dumps({"cpu": time.process_time(), "peak": peak_memory()}))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_faces(tmp_path_factory.mktemp("faces"), FACES)


def write_faces(folder: Path, count: int) -> Path:
    """A faces artifact of noise: no two crops are equal, each has about 20 KB."""
    random = np.random.default_rng(0)
    with TableWriter(folder, CROPS) as writer:
        for face in range(count):
            noise = Image.fromarray(random.integers(0, 256, (48, 48, 3), dtype=np.uint8))
            path = folder / "crop.jpg"
            noise.resize((224, 224), Image.Resampling.BICUBIC).save(path, quality=88)
            row = {"face": face, "clip": f"{face // 100:04}", "frame": face % 100, "subject": "a", "sha256": ""}
            writer.append({name: [value] for name, value in (row | {"image": path.read_bytes()}).items()})
    return folder


def labelled(labeler: str, url: str, faces: Path, scratch: Path, connections: int, **options: Any) -> dict[str, float]:
    """Label in a fresh process; seconds of the whole process, CPU seconds and peak memory."""
    pytest.importorskip(f"harness_{labeler}")
    out = scratch / f"out-{time.monotonic_ns()}"
    out.mkdir(parents=True)
    chosen = {"model": "test", "prompts": "with-way-out", "base_url": url, "limits": {"connections": connections}}
    params = {
        "labeler": {"use": labeler, "options": {**chosen, **options}},
        "label_space": label_space("abaw-compound-7").as_dict(),
        "sample": {"rule": "all"},
    }
    plugins = {"third_party": True, "blocked": []}
    job = Job("label", "label", params, {"faces": str(faces)}, str(out), plugins, str(scratch / "caches"))
    return _child(LABEL, vars(job))


def bare(labeler: str, url: str, faces: Path, connections: int) -> dict[str, float]:
    """The SDK alone: all images in memory, nothing parsed, nothing kept."""
    told = {"sdk": SDKS[labeler], "url": url, "crops": str(faces / CROPS), "connections": connections}
    return _child(BARE, {**told, "prompt": "Which of these: 'Happily Surprised', 'Sadly Angry'? Just the name. " * 3})


def _child(code: str, told: dict[str, Any]) -> dict[str, float]:
    began = time.time()
    online = {**os.environ, "HARNESS_OFFLINE": "0"}  # tests of other folders may have forbidden it for the session
    done = subprocess.run(
        [sys.executable, "-c", code], input=json.dumps(told), capture_output=True, text=True, check=False, env=online
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return {**json.loads(done.stdout.splitlines()[-1]), "began": began, "seconds": time.time() - began}


def base(labeler: str, server: ProviderProcess) -> str:
    return server.url if labeler == "claude" else server.openai_url


def rate(server: ProviderProcess) -> float:
    """Requests a second between the server's first and last answer."""
    counts = server.counts
    return counts.answered / max(counts.last - counts.first, 1e-9)


@pytest.mark.parametrize("connections", [64, 256])
@pytest.mark.parametrize("labeler", SDKS)
def test_asking_keeps_the_rate_of_the_line(
    labeler: str, connections: int, folder: Path, tmp_path: Path, benchmark: BenchmarkFixture
) -> None:
    benchmark.group = f"asking with {connections} connections"
    with ProviderProcess(latency=LATENCY, label="Sadly Angry", log=False) as server:
        url = base(labeler, server)
        alone = bare(labeler, url, folder, connections)
        theirs = rate(server)
        server.reset()
        ours = benchmark.pedantic(labelled, args=(labeler, url, folder, tmp_path, connections), rounds=1)
        mine, counts = rate(server), server.counts
    assert counts.answered == FACES
    first = counts.first - ours["began"] - LATENCY
    print(
        f"\n{labeler}, {connections} connections, {FACES} faces: {mine:.0f} requests/s (bare SDK {theirs:.0f}), "
        f"{ours['cpu']:.1f} CPU-s in all (bare {alone['cpu']:.1f}), peak {ours['peak'] / 2**20:.0f} MiB "
        f"(bare {alone['peak'] / 2**20:.0f}), first request after {first:.2f} s of the process"
    )
    benchmark.extra_info.update(rate=mine, bare_rate=theirs, cpu=ours["cpu"], peak=ours["peak"], first=first)


@pytest.mark.parametrize("labeler", SDKS)
def test_memory_is_flat_and_a_warm_cache_is_fast(
    labeler: str, tmp_path: Path, folder: Path, benchmark: BenchmarkFixture
) -> None:
    (tmp_path / "many").mkdir()
    many = write_faces(tmp_path / "many", 10 * FACES)
    with ProviderProcess(label="Sadly Angry", log=False) as server:
        url = base(labeler, server)
        few = labelled(labeler, url, folder, tmp_path / "a", 64)
        first = labelled(labeler, url, many, tmp_path / "b", 64)
        asked = server.counts.answered
        warm = benchmark.pedantic(labelled, args=(labeler, url, many, tmp_path / "b", 64), rounds=1)
        assert server.counts.answered == asked
    growth = first["peak"] / few["peak"] - 1
    print(
        f"\n{labeler}: peak {few['peak'] / 2**20:.0f} MiB for {FACES} faces, {first['peak'] / 2**20:.0f} for "
        f"{10 * FACES} ({growth:+.0%}); from the cache {10 * FACES / warm['seconds']:.0f} faces/s with the start of "
        f"the process ({warm['seconds']:.2f} s), peak {warm['peak'] / 2**20:.0f} MiB"
    )


@pytest.mark.parametrize(
    "behaviour",
    [
        pytest.param({"rules": [{"answer": "rate-limit", "probability": 0.05}]}, id="5 percent 429"),
        pytest.param({"rate": 100, "burst": 5}, id="100 requests a second permitted"),
        pytest.param({"rate": 100, "burst": 5, "retry_after": "seconds"}, id="the same with Retry-After"),
    ],
)
def test_refusals_cost_little_of_what_the_provider_permits(
    behaviour: dict[str, Any], tmp_path: Path, benchmark: BenchmarkFixture
) -> None:
    (tmp_path / "faces").mkdir()
    folder = write_faces(tmp_path / "faces", 5 * FACES)  # long enough that beginning and end weigh little
    with ProviderProcess(latency=LATENCY, label="Sadly Angry", log=False, **behaviour) as server:
        benchmark.pedantic(labelled, args=("openai", server.openai_url, folder, tmp_path, 64), rounds=1)
        mine, counts = rate(server), server.counts
    permitted = behaviour.get("rate") or 0.95 * 64 / LATENCY
    assert counts.answered == 5 * FACES
    print(
        f"\n{behaviour}: {mine:.0f} answers/s, {mine / permitted:.0%} of what is permitted; {counts.errors} turned away"
    )
