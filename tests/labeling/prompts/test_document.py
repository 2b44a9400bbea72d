"""docs/prompts.md says what the code does: its examples are read."""

import re
from pathlib import Path

import pytest

from harness.expressions import RAF_DB_BASIC_7, Label, LabelSpace
from harness.labeling.prices import Prices
from harness.labeling.prompts import built_in

TEXT = (Path(__file__).parents[3] / "docs" / "prompts.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```toml\n(.*?)^```$", TEXT, re.M | re.S)
SETS = [block for block in BLOCKS if "[[prompts]]" in block]
MOODS = LabelSpace("moods", (Label("glad"), Label("sad"), Label("calm")))


@pytest.fixture
def read(loaded, folder):
    (folder / "faces").mkdir()
    for name in ("one.png", "two.jpg"):
        (folder / "faces" / name).write_bytes((folder / name).read_bytes())
    return loaded


@pytest.mark.parametrize("block", SETS, ids=lambda block: re.search(r'name = "(.*?)"', block)[1])
def test_every_prompt_set_in_it_can_be_used(read, block):
    (prompt,) = read(block).render(RAF_DB_BASIC_7)
    assert prompt.prompt(prompt.steps - 1, ["x"] * (prompt.steps - 1)).text


def test_the_first_one_reads_as_it_says(read):
    (shown,) = re.findall(r"^```text\n(.*?)\n```$", TEXT, re.M | re.S)
    (prompt,) = read(SETS[0]).render(RAF_DB_BASIC_7)
    assert prompt.prompt(0).text == shown


def test_the_german_one_reads_in_german(read):
    (german,) = (block for block in SETS if "german" in block)
    (prompt,) = read(german).render(MOODS)
    assert "Gesicht: „traurig“, „froh“ oder „ruhig“?" in prompt.prompt(0).text


def test_the_prices_in_it_can_be_used(tmp_path):
    (block,) = (block for block in BLOCKS if "[anthropic.models]" in block)
    (tmp_path / "prices.toml").write_text(block)
    prices = Prices.load(tmp_path / "prices.toml")
    assert prices.of("claude-haiku-4-5-20251001").rates.input == 0.9
    assert prices.of("qwen-vl").batch == 1
    assert prices.of("big-vl").above == 100_000
    assert prices.of("gpt-4o") == Prices.load(None).of("gpt-4o")


def test_every_built_in_set_is_in_it():
    assert set(re.findall(r"^\| `([\w-]+)` \| ", TEXT, re.M)) >= set(built_in())
    assert len(BLOCKS) == len(SETS) + 1
