"""Weight files of timm's tiny test networks, made on the spot: nothing is downloaded."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import save_file


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine without weights and without a network; its hub cache is the folder that comes back."""
    monkeypatch.setenv("HARNESS_OFFLINE", "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)  # it read the environment at its import
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.delenv("HARNESS_WEIGHTS", raising=False)
    torch.set_num_threads(1)
    return tmp_path / "hub"


@pytest.fixture
def saved() -> Callable[..., dict[str, torch.Tensor]]:
    """saved(path, model): write the model with its 1000-class head and other than initial values; its tensors."""

    def save(path: Path, model: str, **arguments: object) -> dict[str, torch.Tensor]:
        torch.manual_seed(len(path.name))
        state = {key: value.clone() for key, value in timm.create_model(model, **arguments).state_dict().items()}
        state = {key: value + 0.01 if value.is_floating_point() else value for key, value in state.items()}
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".safetensors":
            save_file(state, path)
        else:
            torch.save(state, path)
        return state

    return save
