"""Training images a second of the paper's five networks, beside a plain PyTorch DataLoader loop in the same run.

    pytest benchmarks/test_training.py --benchmark-enable -s

Same network, precision, batch size, optimizer and augmentations on all sides. Ours decodes each crop once, augments
in batches, and runs in a process as the local executor starts it for training. The plain loop reads, augments and
normalises one image at a time in as many worker processes as there are cores, which stay between epochs, as one would
write it; a second one has, as ours, the memory format channels_last, which most loops have not. All are processes of
their own that train an epoch by turns; the fastest of each counts, because other programs on the machine slow single
epochs down. All let OpenMP threads sleep soon (as the executor does), or a busy neighbour would decide the result.
"cores" is how many the two really had meanwhile; the ratio of processor seconds an image stands beside that of
throughput for where these are fewer than there are.
"""

from __future__ import annotations

import contextlib
import io
import multiprocessing
import os
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from harness.executors.local import SPIN, TUNABLES
from harness.plugins import Registry
from harness.training.arithmetic import Arithmetic
from harness.training.data import TrainingSet, on_device
from harness.training.loop import fit
from harness.training.network import Classifier, make_classifier
from harness.training.options import FineTuning, HeadOptions

transforms = pytest.importorskip("torchvision.transforms")
BATCH, CLASSES, ROUNDS, STORED = 32, 7, 2, 112
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
CPU = Arithmetic(torch.device("cpu"), bfloat16=False, channels_last=True)
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
# name, input side, images of an epoch: it takes a second or two on two cores
CASES = [
    ("mobilenet_v2", 64, 256),
    ("resnet18", 64, 128),
    ("densenet121", 64, 64),
    ("densenet201", 64, 64),
    ("resnet152", 64, 64),
    ("resnet18", 112, 64),
]
Turn = Callable[[], None]


class Files(torch.utils.data.Dataset[tuple[Any, int]]):
    """JPEG crops as they are stored; reads, scales, augments and normalises one image at a time."""

    def __init__(self, files: list[bytes], side: int) -> None:
        self.files = files
        self.transform = transforms.Compose(
            [
                transforms.Resize(side),
                transforms.RandomHorizontalFlip(),
                transforms.RandomAffine(10, (0.06, 0.06), (0.9, 1.1), interpolation=Image.Resampling.BILINEAR),
                transforms.ColorJitter(0.2, 0.2, 0.2),
                transforms.ToTensor(),
                transforms.Normalize(MEAN, STD),
            ]
        )

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, row: int) -> tuple[Any, int]:
        return self.transform(Image.open(io.BytesIO(self.files[row])).convert("RGB")), row % CLASSES


def jpegs(images: int) -> list[bytes]:
    generator = np.random.default_rng(0)
    files = []
    for one in generator.integers(0, 256, (images, 8, 8, 3), dtype=np.uint8):
        file = io.BytesIO()
        Image.fromarray(one).resize((STORED, STORED), Image.Resampling.BICUBIC).save(file, "JPEG", quality=95)
        files.append(file.getvalue())
    return files


def network(name: str) -> Classifier:
    torch.manual_seed(0)
    backbone = Registry.discover().build("backbones", name, {"weights": "none"})
    return make_classifier(backbone, HeadOptions(), CLASSES)


def ours(name: str, side: int, images: int, epochs: int, turn: Turn) -> None:
    """Train as the harness does; turn() is called before each epoch and after the last."""
    files = jpegs(images)
    crops = np.stack([np.asarray(Image.open(io.BytesIO(one)).resize((side, side))) for one in files])
    rows = torch.arange(images)
    data = TrainingSet(on_device(crops, CPU.device), rows % CLASSES, rows, rows[:0])
    recipe = FineTuning(epochs=epochs, batch_size=BATCH, patience=None)
    turn()

    def progress(done: int, total: int) -> None:
        if done * epochs % total == 0:
            turn()

    fit(network(name), torch.nn.CrossEntropyLoss(), data, recipe, CPU, seed=0, progress=progress)


def plain(
    name: str,
    side: int,
    images: int,
    epochs: int,
    turn: Turn,
    memory_format: torch.memory_format = torch.contiguous_format,
) -> None:
    """Train as most repositories do."""
    model = network(name).to(memory_format=memory_format).train()  # type: ignore[call-overload]
    optimizer = torch.optim.Adam(model.parameters(), 1e-4)
    files = Files(jpegs(images), side)
    loader = torch.utils.data.DataLoader(files, BATCH, shuffle=True, num_workers=CORES, persistent_workers=True)
    turn()
    for _ in range(epochs):
        for pixels, targets in loader:
            optimizer.zero_grad()
            logits = model.head(model.backbone(pixels.to(memory_format=memory_format)))
            torch.nn.functional.cross_entropy(logits, targets).backward()
            optimizer.step()
        turn()


def work(kind: str, name: str, side: str, images: str, epochs: str) -> None:
    """A process's whole life: print the seconds and processor seconds since the last turn, wait for a line, go on."""
    begin, used = time.perf_counter(), processor_seconds()

    def turn() -> None:
        nonlocal begin, used
        sys.stdout.write(f"{time.perf_counter() - begin} {processor_seconds() - used}\n")
        sys.stdout.flush()
        sys.stdin.readline()
        begin, used = time.perf_counter(), processor_seconds()

    sides = {"ours": ours, "plain": plain, "plain-last": partial(plain, memory_format=torch.channels_last)}
    sides[kind](name, int(side), int(images), int(epochs), turn)


def processor_seconds() -> float:
    """Of this process and of its children, as far as the system tells of those that still run (Linux)."""
    total = time.process_time()
    for child in multiprocessing.active_children():
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{child.pid}/stat").read_text().rpartition(")")[2].split()
            total += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return total


def by_turns(name: str, side: int, images: int, epochs: int) -> list[list[tuple[float, float]]]:
    """Seconds and processor seconds of each epoch of ours and of the plain loop; the first of each is left out, in
    which kernels are chosen and worker processes start."""
    sides = []
    for kind, more in (("ours", {"GLIBC_TUNABLES": TUNABLES}), ("plain", {}), ("plain-last", {})):
        command = [sys.executable, __file__, kind, name, str(side), str(images), str(epochs + 1)]
        environment = {**os.environ, "GOMP_SPINCOUNT": SPIN, **more}
        sides.append(
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
        )
    seconds: list[list[tuple[float, float]]] = [[] for _ in sides]
    for process in sides:
        process.stdout.readline()  # type: ignore[union-attr]
    for _ in range(epochs + 1):
        for process, found in zip(sides, seconds, strict=True):
            process.stdin.write("go\n")  # type: ignore[union-attr]
            process.stdin.flush()  # type: ignore[union-attr]
            wall, used = process.stdout.readline().split()  # type: ignore[union-attr]
            found.append((float(wall), float(used)))
    for process in sides:
        process.communicate("go\n")
        assert process.returncode == 0
    return [found[1:] for found in seconds]


@pytest.mark.parametrize(("name", "side", "images"), CASES, ids=[f"{name}-{side}px" for name, side, _ in CASES])
def test_throughput_beside_a_plain_dataloader_loop(benchmark, name, side, images):
    pytest.importorskip("harness_torchvision")
    if not benchmark.enabled and (name, side) != ("resnet18", 64):
        pytest.skip("only with --benchmark-enable: as a test, one network stands for all")
    rounds, images = (ROUNDS, images) if benchmark.enabled else (1, 8)
    seconds = benchmark.pedantic(by_turns, (name, side, images, rounds), rounds=1)
    (best, least), *others = ([min(column) for column in zip(*found, strict=True)] for found in seconds)
    cores = [round(sum(used for _, used in found) / sum(wall for wall, _ in found), 2) for found in seconds]
    print(f"\n{name} {side} px: {images / best:.1f} images/s, {1000 * least / images:.1f} ms of processor an image")
    for loop, (other, more) in zip(("plain loop", "plain loop, channels_last"), others, strict=True):
        benchmark.extra_info[loop] = {"images_per_second": round(images / other, 1), "ratio": round(other / best, 2)}
        print(
            f"  {loop}: {images / other:.1f} images/s, {other / best:.2f} times; "
            f"{1000 * more / images:.1f} ms, {more / least:.2f} times"
        )
    print(f"  cores {cores} of {CORES}; load {os.getloadavg()[0]:.1f}")
    benchmark.extra_info.update(images_per_second=round(images / best, 1), cores=cores)
    assert all(len(found) == rounds for found in seconds)


if __name__ == "__main__":
    work(*sys.argv[1:])
