import getpass
import platform
import shutil
import subprocess

import pytest

from harness.leaderboard import provenance
from harness.leaderboard.provenance import accelerators, cpu_model, git_state, machine, package_versions


def git(folder, *arguments):
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    subprocess.run(["git", "-C", folder, *identity, *arguments], check=True, capture_output=True)


@pytest.fixture
def installed(monkeypatch, tmp_path):
    """The harness as installed outside of any checkout."""
    module = tmp_path / "site-packages" / "provenance.py"
    module.parent.mkdir()
    module.touch()
    monkeypatch.setattr(provenance, "__file__", str(module))


def test_the_machine_is_described_without_its_name():
    found = machine()
    assert found.cores >= 1
    assert found.cpu
    assert found.memory > 2**20
    text = found.model_dump_json()
    assert platform.node() not in text or len(platform.node()) < 3
    assert f'"{getpass.getuser()}"' not in text


def test_the_processor_is_read_from_cpuinfo(tmp_path):
    file = tmp_path / "cpuinfo"
    file.write_text("processor : 0\nmodel name\t: Fast Chip 9000\nmodel name\t: other\n")
    assert cpu_model(file) == "Fast Chip 9000"
    assert cpu_model(tmp_path / "none")


def test_accelerators_are_read_from_the_driver(tmp_path):
    (tmp_path / "0000").mkdir()
    (tmp_path / "0000" / "information").write_text("Model: \t NVIDIA X1\nIRQ: 1\n")
    (tmp_path / "0001").mkdir()
    (tmp_path / "0001" / "information").write_text("IRQ: 1\n")
    assert accelerators(tmp_path) == ["NVIDIA X1"]


@pytest.mark.usefixtures("installed")
def test_the_working_directory_counts_where_the_harness_is_installed(tmp_path):
    folder = tmp_path / "study"
    folder.mkdir()
    git(folder, "init")
    assert git_state(folder) is None  # no commit yet
    (folder / "a").write_text("1")
    git(folder, "add", "a")
    git(folder, "commit", "-m", "first")
    clean = git_state(folder)
    assert (clean.of, len(clean.commit), clean.dirty) == ("working directory", 40, False)
    (folder / "untracked").touch()
    assert not git_state(folder).dirty
    (folder / "a").write_text("2")
    assert git_state(folder).dirty


@pytest.mark.usefixtures("installed")
def test_without_a_repository_or_without_git_there_is_no_state(monkeypatch, tmp_path):
    assert git_state(tmp_path) is None
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert git_state(tmp_path) is None


@pytest.mark.usefixtures("installed")
def test_a_git_that_hangs_gives_no_state(monkeypatch, tmp_path):
    def hang(*args, **kwargs):
        raise subprocess.TimeoutExpired("git", 30)

    monkeypatch.setattr(subprocess, "run", hang)
    assert git_state(tmp_path) is None


def test_versions_of_installed_packages_only():
    found = package_versions(["pytest", "no-such-distribution"])
    assert {"numpy", "pytest", "cer-harness"} <= set(found)
    assert "no-such-distribution" not in found
    assert list(found) == sorted(found)


def test_packages_that_took_no_part_are_left_out():
    found = package_versions(["cer-harness-torchvision"])
    assert {"torch", "torchvision", "pandas", "cer-harness-torchvision"} <= set(found)
    assert not {"anthropic", "openai", "transformers", "pytest", "ruff"} & set(found)


def test_what_a_plugin_uses_by_an_extra_took_part():
    assert "openvino" in package_versions(["cer-harness-retinaface"])
