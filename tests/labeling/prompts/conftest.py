import io

import numpy as np
import pytest
from PIL import Image

from harness.labeling.prompts import load_prompt_set


def encoded(form, side=8, **how):
    target = io.BytesIO()
    Image.fromarray(np.full((side, side, 3), 90, np.uint8)).save(target, form, **how)
    return target.getvalue()


@pytest.fixture
def folder(tmp_path):
    """A folder with two example faces, one of them with a comment in it."""
    (tmp_path / "one.png").write_bytes(encoded("PNG"))
    (tmp_path / "two.jpg").write_bytes(encoded("JPEG", comment=b"taken at home"))
    return tmp_path


@pytest.fixture
def loaded(folder):
    """Loads a set from its text."""

    def load(text):
        (folder / "set.toml").write_text(text, encoding="utf-8")
        return load_prompt_set(str(folder / "set.toml"))

    return load
