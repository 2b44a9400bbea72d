"""A user's folder of faces, and `harness` as a person calls it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from harness.cli import main
from harness.testing.providers import ProviderServer

FACES = 6
PRICES = '[us]\nsource = "ours"\ndate = 2026-11-01\n[us.models]\na-model = { input = 1.0, output = 5.0 }\n'


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder: faces/f0.png ... and a price for a-model in prices.toml."""
    monkeypatch.chdir(tmp_path)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "prices.toml").write_text(PRICES)
    (tmp_path / "faces").mkdir()
    for number in range(FACES):
        pixels = np.random.default_rng(number).integers(0, 256, (8, 8, 3), dtype=np.uint8)
        Image.fromarray(pixels).resize((48, 48)).save(tmp_path / "faces" / f"f{number}.png")
    return tmp_path


@pytest.fixture
def server() -> Iterator[ProviderServer]:
    pytest.importorskip("harness_claude")
    with ProviderServer() as running:
        yield running


@pytest.fixture
def claude(server: ProviderServer) -> Callable[..., str]:
    """claude(max_cost=1) as --labeler takes it: the labeler that asks the server."""

    def written(**options: Any) -> str:
        import json

        return json.dumps({"use": "claude", "model": "a-model", "base_url": server.url, **options})

    return written


@pytest.fixture
def harness(home: Path) -> Callable[..., Result]:
    """harness("label", "faces", ...): the command's result."""

    def run(*arguments: object) -> Result:
        return CliRunner().invoke(main, [str(one) for one in arguments])

    return run


@pytest.fixture
def label(harness: Callable[..., Result]) -> Callable[..., Result]:
    """label(labeler, more...): `harness label` on the folder of faces, in this process."""

    def run(labeler: str, *more: object) -> Result:
        return harness("label", "faces", "--cropped", "--executor", "inline", "--labeler", labeler, *more)

    return run


def write_clip(path: Path, frames: int, seed: int = 0, size: tuple[int, int] = (64, 48)) -> Path:
    """A video (width, height) of a grey field that a bright square wanders over."""
    from harness.media import write_video

    noise = np.random.default_rng(seed)
    pixels = noise.integers(60, 110, (frames, size[1], size[0], 3), dtype=np.uint8)
    for number, frame in enumerate(pixels):
        left = number % (size[0] - 16)
        frame[8:24, left : left + 16] = noise.integers(150, 255, 3)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_video(path, pixels, 25, threads=1)
    return path


EXPERIMENT = """
name = "tiny"
benchmark = "tiny"
executor = "inline"
[data.target]
use = "videos"
root = "clips"
annotations = "truth.csv"
[faces]
detector = "whole-frame"
align = "box"
size = 32
[labeling]
labelers = [{ use = "replay", path = "labels.csv" }]
[training]
backbones = [NETWORKS]
image_size = 32
precision = "float32"
device = "cpu"
finetune = { epochs = 1, batch_size = 8, validation = 0 }
[fusion]
smoothing = { kind = "box", window = 3 }
[evaluation]
resamples = 100
"""
FRAMES = {"01": 12, "02": 9, "03": 11}


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder where two runs are finished: runs/networks (two networks and a labeler) and runs/labels (no network)."""
    pytest.importorskip("harness_torchvision")
    pytest.importorskip("torch").set_num_threads(1)  # networks as small as these lose by more
    from harness.expressions import ABAW_COMPOUND_7

    home = tmp_path_factory.mktemp("finished")
    names = ABAW_COMPOUND_7.names
    noise = np.random.default_rng(5)
    rows = ["clip,frame,label"]
    for number, (clip, frames) in enumerate(FRAMES.items()):
        write_clip(home / "clips" / f"{clip}.mp4", frames, seed=number)
        rows += [f"{clip},{frame},{names[(frame // 2) % 7]}" for frame in range(frames)]
    (home / "truth.csv").write_text("\n".join(rows))
    wrong = [row if noise.random() < 0.6 else f"{row.rsplit(',', 1)[0]},{names[3]}" for row in rows[1:]]
    (home / "labels.csv").write_text("\n".join([rows[0], *wrong]))
    networks = '{ use = "mobilenet_v2", weights = "none" }, { use = "resnet18", weights = "none" }'
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(home)
        for name, used in {"networks": networks, "labels": ""}.items():
            (home / f"{name}.toml").write_text(EXPERIMENT.replace("NETWORKS", used))
            result = CliRunner().invoke(main, ["run", f"{name}.toml", "--name", name])
            assert result.exit_code == 0, result.output
    return home


@pytest.fixture
def at_runs(finished: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """at_runs("export", ...): a command in the folder of the finished runs. Leave the store there as it is."""

    def run(*arguments: object) -> Result:
        monkeypatch.chdir(finished)
        return CliRunner().invoke(main, [str(one) for one in arguments])

    return run
