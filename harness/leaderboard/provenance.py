"""Where a result comes from: machine, code and package versions. No host name, no user, no path."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

from harness.leaderboard.record import GitState, Machine

CORE = "cer-harness"
# Of everything that is installed, what results can depend on; plugins name further ones as their requirements.
PACKAGES = frozenset((
    CORE, "numpy", "pandas", "pyarrow", "pydantic", "pillow", "av", "opencv-python-headless", "opencv-python", "scipy",
    "torch", "torchvision", "timm", "transformers", "accelerate", "tokenizers", "safetensors", "huggingface-hub",
    "onnxruntime", "onnxruntime-gpu", "openvino", "ai-edge-litert", "anthropic", "openai", "scikit-learn", "triton",
))  # fmt: skip
NAME = re.compile(r"[A-Za-z0-9._-]+")
EXTRA = re.compile(r"\bextra\s*==")


def machine() -> Machine:
    """Processor, cores that this process may use, memory, accelerators, operating system and Python version."""
    try:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError, AttributeError):
        memory = 0
    return Machine(
        cpu=cpu_model(),
        cores=cores(),
        memory=memory,
        accelerators=accelerators(),
        os=f"{platform.system()} {platform.machine()}",
        python=f"{platform.python_implementation()} {platform.python_version()}",
    )


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def cpu_model(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    """The processor's name, as far as the system gives one."""
    return _value(cpuinfo, "model name") or platform.processor() or platform.machine()


def accelerators(folder: Path = Path("/proc/driver/nvidia/gpus")) -> list[str]:
    """Names of the NVIDIA cards that the driver lists."""
    return [name for card in sorted(folder.glob("*/information")) if (name := _value(card, "Model"))]


def _value(file: Path, key: str) -> str:
    try:
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.partition(":")[0].strip() == key), "")


def git_state(working_directory: Path | None = None) -> GitState | None:
    """The commit of the harness's own code if it runs from a git checkout, else that of the working directory; or None.

    Dirty means that tracked files differ from the commit.
    """
    code = Path(__file__).parent
    if _git(code, "ls-files", "--error-unmatch", Path(__file__).name) is not None:
        return _state(code, "harness")
    return _state(working_directory or Path.cwd(), "working directory")


def _state(folder: Path, of: str) -> GitState | None:
    commit = _git(folder, "rev-parse", "HEAD")
    changes = _git(folder, "status", "--porcelain", "--untracked-files=no")
    if not commit or changes is None:
        return None
    return GitState(of=of, commit=commit, dirty=bool(changes))


def _git(folder: Path, *arguments: str) -> str | None:
    git = shutil.which("git")
    if git is None:
        return None
    try:
        done = subprocess.run([git, "-C", str(folder), *arguments], capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def package_versions(distributions: Iterable[str] = ()) -> dict[str, str]:
    """Versions of the installed packages that took part: the core, `distributions` (those of the plugins used), and
    what these require directly or by an extra; of what is required further, that which results can depend on."""
    found: dict[str, str] = {}
    for name in {CORE, *distributions}:
        _collect(name, found, extras=name != CORE)
    return dict(sorted(found.items()))


def _collect(name: str, found: dict[str, str], *, extras: bool, direct: bool = True) -> None:
    try:
        version, requires = metadata.version(name), metadata.requires(name) or []
    except metadata.PackageNotFoundError:
        return
    found[name] = version
    for line in requires:
        match = NAME.match(line)
        wanted = re.sub(r"[-_.]+", "-", match[0]).lower() if match else ""
        optional = bool(EXTRA.search(line))
        if wanted not in found and (extras or not optional) and (wanted in PACKAGES or (direct and not optional)):
            _collect(wanted, found, extras=False, direct=False)
