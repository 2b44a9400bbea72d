"""Energy that this machine spends while a stage runs, from counters that are there anyway: no package, no process.

Linux tells what processors and memory spend (powercap, RAPL; readable to root alone on most machines) and what Intel's
cards do (hwmon); NVIDIA's driver library tells what its cards do. Counters are of the whole machine: what else runs
meanwhile is counted too, and so is the other stage where two run at once.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

EVERY = 60.0  # seconds between two looks: counters of processors begin again at 0 after minutes of full load
DRIVER = Path("/proc/driver/nvidia/gpus")


@dataclass(frozen=True)
class FileCounter:
    """A counter that Linux shows as a file, in microjoules. what: "processors", "memory" or "accelerators".

    span: joules after which it begins again at 0, 0 if it does not.
    """

    path: Path
    what: str
    span: float = 0.0

    def joules(self) -> float:
        """What it shows now; OSError or ValueError where it cannot be read."""
        return int(self.path.read_text()) / 1e6


@dataclass(frozen=True)
class CardCounter:
    """A card that NVIDIA's library counts for, in millijoules since the driver was loaded."""

    library: ctypes.CDLL
    card: ctypes.c_void_p
    what: str = "accelerators"
    span: float = 0.0

    def joules(self) -> float:
        """What it shows now; OSError where it cannot be read."""
        spent = ctypes.c_ulonglong()
        if self.library.nvmlDeviceGetTotalEnergyConsumption(self.card, ctypes.byref(spent)):
            raise OSError("the driver tells no energy of this card")
        return spent.value / 1e3


Counter = FileCounter | CardCounter


def counters(system: Path = Path("/sys"), environment: Mapping[str, str] = os.environ) -> list[Counter]:
    """The counters of this machine that can be read now; of NVIDIA's cards those that this process may use."""
    found: list[Counter] = [*_zones(system / "class" / "powercap"), *_cards(system / "class" / "drm")]
    with contextlib.suppress(OSError, AttributeError, ValueError):
        found += _nvidia(environment) if any(DRIVER.glob("*")) else []
    return [one for one in found if _shown(one) is not None]


def measured_parts() -> list[str]:
    """Whose energy the joules of stages are: "processors", "memory", "accelerators"; none of it where empty."""
    return sorted({one.what for one in counters()})


def _zones(powercap: Path) -> list[FileCounter]:
    """Of each socket the processor, and its memory, which is beside it; not its parts, nor the same seen otherwise."""
    found = []
    for zone in sorted(powercap.glob("intel-rapl:*")):
        name = _line(zone / "name")
        what = "processors" if name.startswith("package") else "memory" if name == "dram" else ""
        if what:
            span = _line(zone / "max_energy_range_uj")
            found.append(FileCounter(zone / "energy_uj", what, int(span) / 1e6 if span.isdecimal() else 0.0))
    return found


def _cards(drm: Path) -> list[FileCounter]:
    return [FileCounter(path, "accelerators") for path in sorted(drm.glob("card*/device/hwmon/hwmon*/energy1_input"))]


def _nvidia(environment: Mapping[str, str]) -> list[CardCounter]:
    library = ctypes.CDLL("libnvidia-ml.so.1")
    if library.nvmlInit_v2():
        return []
    count = ctypes.c_uint()
    library.nvmlDeviceGetCount_v2(ctypes.byref(count))
    names = environment.get("CUDA_VISIBLE_DEVICES", ",".join(map(str, range(count.value)))).split(",")
    found = []
    for name in filter(None, (one.strip() for one in names)):
        card = ctypes.c_void_p()
        if name.isdecimal():
            failed = library.nvmlDeviceGetHandleByIndex_v2(ctypes.c_uint(int(name)), ctypes.byref(card))
        else:
            failed = library.nvmlDeviceGetHandleByUUID(name.encode(), ctypes.byref(card))
        if not failed:
            found.append(CardCounter(library, card))
    return found


def _line(path: Path) -> str:
    try:
        return path.read_text().strip()
    except (OSError, ValueError):
        return ""


def _shown(counter: Counter) -> float | None:
    try:
        return counter.joules()
    except (OSError, ValueError):
        return None


class EnergyMeter:
    """Counts between entering and leaving; `joules` is what was spent, None where no counter can be read."""

    def __init__(self, of: Sequence[Counter] | None = None, every: float = EVERY) -> None:
        self._counters = list(counters() if of is None else of)
        self._last = [_shown(one) for one in self._counters]
        self._spent = 0.0
        self._every = every
        self._over = threading.Event()
        self._looking = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> EnergyMeter:
        if any(one.span for one in self._counters):
            self._looking.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._over.set()
        if self._looking.is_alive():
            self._looking.join()
        self._add()

    @property
    def joules(self) -> float | None:
        """What was spent, of what can be read."""
        return round(self._spent, 3) if any(one is not None for one in self._last) else None

    def _look(self) -> None:
        while not self._over.wait(self._every):
            self._add()

    def _add(self) -> None:
        for number, counter in enumerate(self._counters):
            before, now = self._last[number], _shown(counter)
            if before is not None and now is not None:
                self._spent += now - before if now >= before else max(0.0, now - before + counter.span)
            self._last[number] = now if now is not None else before
