import threading
import time

import pytest

from harness.executors import energy
from harness.executors.energy import EnergyMeter, FileCounter, counters, measured_parts


def zone(folder, name, what, microjoules=0, span=1_000_000):
    path = folder / "class" / "powercap" / name
    path.mkdir(parents=True)
    (path / "name").write_text(f"{what}\n")
    (path / "energy_uj").write_text(f"{microjoules}\n")
    (path / "max_energy_range_uj").write_text(f"{span}\n")
    return path / "energy_uj"


@pytest.fixture
def counter(tmp_path):
    (tmp_path / "energy_uj").write_text("5000000")
    return FileCounter(tmp_path / "energy_uj", "processors", span=10.0)


def test_sockets_memory_and_cards_count_and_parts_of_a_socket_do_not(tmp_path):
    zone(tmp_path, "intel-rapl:0", "package-0")
    zone(tmp_path, "intel-rapl:0:0", "core")
    zone(tmp_path, "intel-rapl:0:1", "dram")
    zone(tmp_path, "intel-rapl:1", "psys")
    zone(tmp_path, "intel-rapl-mmio:0", "package-0")
    card = tmp_path / "class" / "drm" / "card0" / "device" / "hwmon" / "hwmon3" / "energy1_input"
    card.parent.mkdir(parents=True)
    card.write_text("12")
    found = counters(tmp_path, {"CUDA_VISIBLE_DEVICES": ""})
    assert [(one.path.parent.name, one.what, one.span) for one in found] == [
        ("intel-rapl:0", "processors", 1.0),
        ("intel-rapl:0:1", "memory", 1.0),
        ("hwmon3", "accelerators", 0.0),
    ]


def test_a_counter_that_nobody_may_read_is_none(tmp_path):
    path = zone(tmp_path, "intel-rapl:0", "package-0")
    path.unlink()
    path.mkdir()  # reading it fails as it does for a user who may not
    assert counters(tmp_path, {"CUDA_VISIBLE_DEVICES": ""}) == []


def test_without_counters_there_is_no_energy_and_no_failure(tmp_path):
    assert counters(tmp_path, {"CUDA_VISIBLE_DEVICES": ""}) == []
    with EnergyMeter([]) as meter:
        pass
    assert meter.joules is None


def test_what_is_spent_is_the_difference(counter):
    with EnergyMeter([counter]) as meter:
        counter.path.write_text("7500000")
    assert meter.joules == 2.5


def test_a_counter_that_began_again_is_followed(counter):
    with EnergyMeter([counter], every=0.01) as meter:
        for microjoules in (9_000_000, 1_000_000, 6_000_000, 500_000):
            counter.path.write_text(str(microjoules))
            time.sleep(0.1)
    assert meter.joules == 4 + 2 + 5 + 4.5
    assert not [one for one in threading.enumerate() if one.name == meter._looking.name]


def test_a_counter_that_ends_while_it_is_looked_at_spoils_nothing(counter):
    with EnergyMeter([counter]) as meter:
        counter.path.write_text("no number")
    assert meter.joules == 0


def test_an_error_of_the_stage_is_not_held_back(counter):
    with pytest.raises(KeyError), EnergyMeter([counter], every=0.01):
        raise KeyError


def test_a_driver_without_its_library_is_no_failure(tmp_path, monkeypatch):
    (tmp_path / "0000").mkdir()
    monkeypatch.setattr(energy, "DRIVER", tmp_path)
    monkeypatch.setattr(energy.ctypes, "CDLL", lambda name: (_ for _ in ()).throw(OSError(name)))
    assert counters(tmp_path) == []


class Library:
    """NVIDIA's library as its documentation has it: 0 is success, results go where the pointers point."""

    def nvmlInit_v2(self):
        return 0

    def nvmlDeviceGetCount_v2(self, count):
        count._obj.value = 3
        return 0

    def nvmlDeviceGetHandleByIndex_v2(self, index, card):
        card._obj.value = index.value + 1
        return int(index.value > 2)

    def nvmlDeviceGetHandleByUUID(self, name, card):
        card._obj.value = 3
        return int(name != b"GPU-c")

    def nvmlDeviceGetTotalEnergyConsumption(self, card, spent):
        spent._obj.value = 1000 * card.value
        return int(card.value == 2)  # the second card is too old to count


@pytest.mark.parametrize(
    ("environment", "joules"),
    [
        ({}, [1.0, 3.0]),
        ({"CUDA_VISIBLE_DEVICES": "2, 1"}, [3.0]),
        ({"CUDA_VISIBLE_DEVICES": "GPU-c,GPU-x"}, [3.0]),
        ({"CUDA_VISIBLE_DEVICES": "-1"}, []),
    ],
)
def test_of_nvidias_cards_those_count_that_the_process_may_use(tmp_path, monkeypatch, environment, joules):
    (tmp_path / "0000").mkdir()
    monkeypatch.setattr(energy, "DRIVER", tmp_path)
    monkeypatch.setattr(energy.ctypes, "CDLL", lambda name: Library())
    assert [one.joules() for one in counters(tmp_path / "sys", environment)] == joules


def test_the_parts_that_are_measured_have_names():
    assert set(measured_parts()) <= {"processors", "memory", "accelerators"}
