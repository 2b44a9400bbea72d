"""Replies parsed per second on one core: short ones, the test corpus, pages of reasoning, and a realistic mix.

    pytest benchmarks/test_parsing.py --benchmark-enable -s

No text is parsed twice in a round, so nothing can come from a memory of texts. CPU seconds, not wall-clock: the figure
is about one core and the machine may be busy. Target: 50,000/s on the mix (nine short replies to a page).
"""

from __future__ import annotations

import itertools
import time
import tomllib
from pathlib import Path

import pytest

from harness.expressions import ABAW_COMPOUND_7
from harness.labeling.parsing import Parser

CORPUS = Path(__file__).parents[1] / "tests" / "labeling" / "parsing" / "corpus.toml"
CASES = (str.title, str.lower, str.upper, str.capitalize)
# What models that are asked for "just the name" answer: mostly the name, with marks; now and then a sentence.
SHAPES = (
    "{}", "'{}'", '"{}"', "{}.", "**{}**", "{}\n", "“{}”", "'{}'.", " {} ", "**{}**\n", "`{}`", "- {}",
    "Answer: {}", "**Answer:** {}", "Category: '{}'", "The expression is '{}'.", "The answer is {}.",
    '{{"label": "{}"}}', "The expression in the image is '{}'.", "I would say {}.",
)  # fmt: skip


def short_replies() -> list[str]:
    """560 different short replies."""
    return [shape.format(case(name)) for shape, case, name in itertools.product(SHAPES, CASES, ABAW_COMPOUND_7.names)]


def long_replies() -> list[str]:
    """The corpus of the seven compound classes: every kind of trouble, up to a page of reasoning."""
    sets = tomllib.loads(CORPUS.read_text(encoding="utf-8"))["set"]
    return [text for one in sets if one["space"] == "abaw-compound-7" for _, text in one["replies"]]


def pages() -> list[str]:
    """Replies of 200 characters and more, with reasoning; numbered to make 500 different ones."""
    long = [text for text in long_replies() if len(text) >= 200]
    return [f"Face {number}.\n\n{text}" for number, text in zip(range(500), itertools.cycle(long), strict=False)]


def mix() -> list[str]:
    """Nine short replies to each page, all different (the spaces in them are widened to make them so)."""
    widened = (text.replace(" ", " " * width) for width in itertools.count(1) for text in short_replies())
    return [*itertools.islice(widened, 9 * len(pages())), *pages()]


@pytest.mark.parametrize("replies", [short_replies, long_replies, pages, mix], ids=["short", "corpus", "pages", "mix"])
def test_replies_per_second(benchmark, replies):
    texts = replies()
    assert len(set(texts)) >= 0.98 * len(texts)
    parse = Parser(ABAW_COMPOUND_7).parse
    rounds: list[float] = []

    def parse_all() -> None:
        start = time.process_time()
        for text in texts:
            parse(text)
        rounds.append(time.process_time() - start)

    benchmark(parse_all)
    rate = len(texts) / min(rounds)
    benchmark.extra_info["replies per CPU second"] = round(rate)
    length = sum(map(len, texts)) / len(texts)
    print(f"\n{replies.__name__}: {len(texts)} replies of {length:.0f} characters on average, {rate:,.0f} a CPU second")
    assert rate > 2_000


def test_building_a_parser(benchmark):
    assert benchmark(Parser, ABAW_COMPOUND_7).parse("Sadly Angry").label == 6
