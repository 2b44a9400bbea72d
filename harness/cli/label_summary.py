"""What `harness label` says at its end: outcomes, requests, tokens and money, and where everything lies."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from harness.components import OUTCOMES
from harness.labeling.answers import SUMMARY
from harness.labeling.combine import voter_names
from harness.labeling.meter import dollars
from harness.labeling.votes import read_votes

if TYPE_CHECKING:
    import pandas as pd

SHOWN = ("label", "abstain", "refused", "unparsed", "error")  # the outcomes, the kindred ones together
TOGETHER = {"refused_text": "refused", "refused_provider": "refused", "truncated": "unparsed"}


@dataclass(frozen=True)
class Labelled:
    """What came of a labelling. labelers: title -> label artifact; asked: replies that came in now."""

    labels: pd.DataFrame
    labelers: Mapping[str, Path]
    asked: int
    files: Sequence[tuple[str, Path]]
    look: str
    seconds: float


def print_labels_summary(console: Console, found: Labelled) -> None:
    """Print the table of labelers, the counts and the files."""
    facts = {title: asking(folder) for title, folder in found.labelers.items()}
    console.print()
    console.print(_table(found.labelers, facts), highlight=False)
    labelled = int((found.labels["outcome"] == "label").sum())
    confident = int(found.labels["confident"].sum())
    lines = [("labels", f"{labelled:,} of {len(found.labels):,} faces, {confident:,} of them confident")]
    replies = sum(one["replies"] for one in facts.values() if one)
    if any(facts.values()):
        stored = max(0, replies - found.asked)
        lines.append(("replies", f"{found.asked:,} asked for now, {stored:,} from the store"))
    lines += [(title, str(path)) for title, path in found.files]
    lines += [("look", found.look)] if found.look else []
    lines.append(("time", f"{found.seconds:.1f} s"))
    for title, text in lines:
        console.print(Text.assemble((f"{title:<12}", "bold"), text), soft_wrap=True, highlight=False)


def asking(folder: Path) -> dict[str, Any] | None:
    """What asking came to (asking.json of a label artifact); None for a labeler that is asked nothing."""
    path = folder / SUMMARY
    if not path.is_file():
        return None
    data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return data


def outcome_cells(counts: Mapping[str, int]) -> list[str]:
    """One cell a shown outcome; "" for none."""
    together: Counter[str] = Counter()
    for outcome in OUTCOMES:
        together[TOGETHER.get(outcome, outcome)] += counts.get(outcome, 0)
    return [f"{together[one]:,}" if together[one] else "" for one in SHOWN]


def money_cells(facts: Mapping[str, Any] | None) -> list[str]:
    """Tokens in, tokens out, cost."""
    if facts is None:
        return ["", "", ""]
    tokens = facts["tokens"]
    sent = tokens["input"] + tokens["cache_read"] + tokens["cache_write"]
    return [f"{sent:,}", f"{tokens['output']:,}", dollars(facts["cost"])]


def _table(labelers: Mapping[str, Path], facts: Mapping[str, dict[str, Any] | None]) -> Table:
    tables = {title: read_votes(folder) for title, folder in labelers.items()}
    names = iter(voter_names([one for found in tables.values() for one in found]))
    rows = []
    for title, found in tables.items():
        for number, votes in enumerate(found):
            money = money_cells(facts[title] if number == 0 else None)
            rows.append([next(names), *outcome_cells(Counter(votes.frame["outcome"])), *money])
    return compact(("voter", *SHOWN, "tokens in", "out", "cost"), rows)


def compact(titles: Sequence[str], rows: Sequence[Sequence[str]], *, whole: bool = False) -> Table:
    """A table of text and then numbers, without the columns that are empty in every row unless it is to be whole;
    folds names, not numbers."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    kept = [place for place in range(len(titles)) if whole or place == 0 or any(row[place] for row in rows)]
    for place in kept:
        table.add_column(titles[place], justify="right" if place else "left", no_wrap=place > 0, overflow="fold")
    for row in rows:
        table.add_row(*(Text(row[place]) for place in kept))
    return table
