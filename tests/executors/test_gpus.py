"""Which GPUs are visible: what the driver lists, cut by CUDA_VISIBLE_DEVICES as CUDA reads it."""

from importlib import metadata

import pytest

from harness.executors import gpus
from harness.executors.gpus import torch_computes_on_them, visible_gpus


@pytest.fixture
def driver(tmp_path):
    for bus in ("0000:17:00.0", "0000:65:00.0", "0000:ca:00.0"):
        (tmp_path / "gpus" / bus).mkdir(parents=True)
    return tmp_path / "gpus"


def test_without_the_variable_every_gpu_of_the_driver_is_visible(driver):
    assert visible_gpus({}, driver) == ("0", "1", "2")


def test_without_a_driver_there_is_none(tmp_path):
    assert visible_gpus({}, tmp_path / "gpus") == ()


@pytest.mark.parametrize(
    ("variable", "visible"),
    [
        ("", ()), ("-1", ()), ("1", ("1",)), ("2,0", ("2", "0")), (" 2 , 0 ", ("2", "0")), ("0,-1,1", ("0",)),
        ("0,3,1", ("0",)), ("1,1", ()), ("NoDevFiles", ()), ("none", ()),
        ("GPU-8932f937-d72c-4106-c12f-20bd9faed9f6,GPU-1", ("GPU-8932f937-d72c-4106-c12f-20bd9faed9f6", "GPU-1")),
        ("MIG-3eb8d2ab", ("MIG-3eb8d2ab",)),
    ],
)  # fmt: skip
def test_the_variable_is_read_as_cuda_reads_it(variable, visible, driver):
    assert visible_gpus({"CUDA_VISIBLE_DEVICES": variable}, driver) == visible


def test_numbers_are_believed_where_the_driver_shows_no_folder(tmp_path):
    assert visible_gpus({"CUDA_VISIBLE_DEVICES": "0,7"}, tmp_path / "gpus") == ("0", "7")


@pytest.mark.parametrize(("version", "on_gpus"), [("2.9.0+cpu", False), ("2.9.0+cu130", True), ("2.9.0", True)])
def test_a_torch_for_cpus_alone_uses_none(monkeypatch, version, on_gpus):
    monkeypatch.setattr(gpus.metadata, "version", lambda _: version)
    assert torch_computes_on_them() is on_gpus


def test_without_torch_none_is_used(monkeypatch):
    def absent(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(gpus.metadata, "version", absent)
    assert torch_computes_on_them() is False
