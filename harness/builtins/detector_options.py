"""Options of the built-in face detectors."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from pydantic import Field

from harness.components import Options


class WholeFrameOptions(Options):
    """No options: the whole frame is the face."""


class HaarOptions(Options):
    """OpenCV's classic cascade of Haar features (Viola and Jones 2001)."""

    cascade: Path | None = Field(
        None, description="cascade file (haarcascade_frontalface_default.xml); by default one of an installed package"
    )
    scale_factor: float = Field(1.1, gt=1.01, le=2.0, description="ratio between neighbouring sizes of the search")
    min_neighbors: int = Field(5, ge=1, description="overlapping hits that make a face; more: stricter")
    min_size: float = Field(
        0.15, gt=0.0, le=1.0, description="smallest face looked for, as a fraction of the frame's shorter side"
    )

    def facts(self) -> dict[str, Any]:
        """The sha256 of the cascade file that is found, wherever it lies."""
        from harness.builtins.cascade import find_cascade

        path = find_cascade(self.cascade)
        return {"cascade": hashlib.sha256(path.read_bytes()).hexdigest() if path else None}
