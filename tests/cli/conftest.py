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
