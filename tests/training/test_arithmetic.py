from __future__ import annotations

import pytest
import torch

from harness.errors import ConfigError
from harness.training.arithmetic import Arithmetic, candidates, choose_device, fastest
from harness.training.network import make_classifier
from harness.training.options import HeadOptions

CPU = torch.device("cpu")


@pytest.fixture
def network(registry):
    return make_classifier(registry.build("backbones", "tiny", {}), HeadOptions(width=8, dropout=0.5), 3)


def test_float32_leaves_the_memory_format_open_and_bfloat16_nothing():
    assert {one.channels_last for one in candidates("float32", CPU)} == {True, False}
    assert [one.bfloat16 for one in candidates("float32", CPU)] == [False, False]
    assert candidates("bfloat16", CPU) == [Arithmetic(CPU, bfloat16=True, channels_last=True)]


def test_auto_tries_bfloat16_only_where_the_processor_has_it(monkeypatch):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": True})
    assert any(one.bfloat16 for one in candidates("auto", CPU))
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx2": True})
    assert not any(one.bfloat16 for one in candidates("auto", CPU))


def test_the_probe_keeps_the_fastest_and_reports_all(network):
    choice, rates = fastest(network, candidates("auto", CPU), 16, 4, training=True)
    assert set(rates) >= {"float32", "float32 channels_last"}
    assert all(rate > 0 for rate in rates.values())
    assert choice in candidates("auto", CPU)


def test_the_probe_leaves_network_and_random_numbers_as_they_were(network):
    before = {key: value.clone() for key, value in network.state_dict().items()}
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    fastest(network, candidates("float32", CPU), 16, 4, training=True)
    assert torch.equal(torch.rand(3), expected)
    assert all(torch.equal(before[key], value) for key, value in network.state_dict().items())
    assert all(one.grad is None for one in network.parameters())


def test_one_candidate_is_not_probed(network):
    choices = candidates("bfloat16", CPU)
    assert fastest(network, choices, 16, 4, training=False) == (choices[0], {})


def test_a_device_that_is_none_is_refused():
    with pytest.raises(ConfigError, match="training.device: 'gpu' is not a device; use auto, cpu, cuda or cuda:N"):
        choose_device("gpu")


def test_a_device_that_is_not_there_is_refused():
    with pytest.raises(ConfigError, match=r"training.device: 'cuda:99' is not there \(\d+ CUDA devices\)"):
        choose_device("cuda:99")


def test_auto_takes_a_gpu_where_there_is_one():
    assert choose_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")
    assert choose_device("cpu") == CPU
