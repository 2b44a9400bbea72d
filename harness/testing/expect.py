"""What every check is made of: a condition, and the promise it stands for."""

from __future__ import annotations

from typing import Any

import numpy as np


def expect(condition: object, promise: str) -> None:
    """AssertionError with the broken promise; unlike `assert`, it also works under python -O."""
    if not condition:
        raise AssertionError(promise)


def expect_array(value: object, what: str, dtype: str, shape: tuple[int | None, ...]) -> None:
    """A numpy array of that dtype and shape; None in `shape` is any length."""
    expect(isinstance(value, np.ndarray), f"{what} must be a numpy array, not {type(value).__name__}")
    assert isinstance(value, np.ndarray)
    expect(value.dtype == np.dtype(dtype), f"{what} must be {dtype}, not {value.dtype}")
    fits = value.ndim == len(shape) and all(want in (None, have) for want, have in zip(shape, value.shape, strict=True))
    wanted = ", ".join("any" if side is None else str(side) for side in shape)
    expect(fits, f"{what} must have the shape ({wanted}), not {value.shape}")


def expect_distributions(probabilities: Any, what: str, classes: int) -> None:
    """Rows (C,) that are probabilities summing to 1, or wholly NaN."""
    expect_array(probabilities, what, "float32", (None, classes))
    absent = np.isnan(probabilities)
    expect((absent.all(1) == absent.any(1)).all(), f"{what}: a row is wholly NaN or has no NaN")
    present = probabilities[~absent.any(1)]
    expect(((present >= 0) & (present <= 1)).all(), f"{what} must lie in [0, 1]")
    expect(np.allclose(present.sum(1), 1, atol=1e-3), f"{what}: rows must sum to 1 (or be NaN)")


def frozen(array: Any) -> Any:
    """A read-only copy: whoever writes into it is found out."""
    copy = array.copy()
    copy.setflags(write=False)
    return copy
