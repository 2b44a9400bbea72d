"""Against the examples of OpenAI's guide "Images and vision"."""

import pytest
from harness_openai.image_tokens import image_tokens
from hypothesis import given
from hypothesis import strategies as st

SIDES = st.integers(1, 9000)


@pytest.mark.parametrize(
    ("model", "detail", "size", "tokens"),
    [
        ("gpt-5.4", "high", (1024, 1024), 1229),
        ("gpt-5.4", "high", (2048, 2048), 3000),
        ("gpt-5.4", "auto", (2048, 2048), 3000),
        ("gpt-5.4", "original", (2048, 2048), 4916),  # 4096 patches, x 1.2
        ("gpt-5.6-sol", "low", (2048, 2048), 308),  # 512 px: 256 patches, x 1.2
        ("gpt-5.6-sol", "auto", (4096, 4096), 19661),  # 128 x 128 patches, no budget
        ("gpt-5-mini", "high", (1800, 2400), 1743),  # 1452 patches, x 1.2
        ("gpt-4.1-mini-2025-04-14", "high", (1024, 1024), 1659),
        ("gpt-4o", "high", (1024, 1024), 765),
        ("gpt-4o", "high", (2048, 4096), 1105),
        ("gpt-4o", "low", (4096, 8192), 85),
        ("gpt-4o-2024-08-06", "auto", (224, 224), 255),
        ("gpt-4o-mini", "high", (224, 224), 8500),
        ("gpt-5.1", "high", (513, 512), 350),
    ],
)
def test_the_documented_examples(model, detail, size, tokens):
    assert image_tokens(model, detail, *size) == tokens


def test_a_model_outside_the_tables_is_unknown():
    assert image_tokens("gpt-6.2-astra", "high", 224, 224) is None
    assert image_tokens("gpt-4o-mini-2", "high", 224, 224) is None


@given(SIDES, SIDES)
def test_the_budget_of_patches_holds_for_every_shape(width, height):
    assert 1 <= image_tokens("gpt-5.4", "high", width, height) <= 3000
    assert image_tokens("gpt-5.4", "original", width, height) <= 12_000


@given(SIDES, SIDES)
def test_turning_an_image_costs_the_same(width, height):
    for model in ("gpt-5.4", "gpt-4o"):
        assert image_tokens(model, "high", width, height) == image_tokens(model, "high", height, width)
