"""How the asking for labels ended: outcomes and classes of every labeler's voters, and of the labels made of them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.components import OUTCOMES
from harness.errors import StoreError
from harness.labeling.combine import numbered
from harness.labeling.votes import FILE as VOTES

if TYPE_CHECKING:
    import pandas as pd

    from harness.report.sources import Sources

REFUSED = ("refused_text", "refused_provider")


@dataclass(frozen=True)
class Voter:
    """outcomes: name -> faces; classes: faces of each class, in id order, () if not known; decided: the labels that all
    votes were made into."""

    name: str
    outcomes: Mapping[str, int]
    classes: tuple[int, ...]
    decided: bool = False

    @property
    def asked(self) -> int:
        """Faces that it was asked of."""
        return sum(self.outcomes.values())

    @property
    def refusal_rate(self) -> float | None:
        """Share of them that it, or its provider, refused."""
        return sum(self.outcomes.get(one, 0) for one in REFUSED) / self.asked if self.asked else None


def read_voters(sources: Sources, labels: pd.DataFrame) -> list[Voter]:
    """Voters as far as the store or the record knows them, and the labels. labels: of frames.read_labels."""
    names = sources.run.experiment.space.names
    wanted = [one.use for one in sources.run.experiment.labeling.labelers]
    found: list[Voter] = []
    for number, labeler in enumerate(numbered(wanted)):
        folder = sources.folder("label", f"label:{number}", "votes", labeler)
        if folder is not None:
            try:
                found += _stored(folder, len(names))
            except StoreError as error:  # every byte is as it was written, so another version wrote it
                sources.unread.append(f"votes of {labeler}: {error}")
    if not found and sources.record is not None:
        found = [
            Voter(f"{one.labeler}/{voter}", counts, ())
            for one in sources.record.asked
            for voter, counts in one.outcomes.items()
        ]
    titles = numbered(one.name for one in found)
    found = [replace(one, name=title) for one, title in zip(found, titles, strict=True)]
    outcomes = Counter({str(name): int(count) for name, count in labels["outcome"].value_counts().items() if count})
    given = labels["label"].value_counts()
    classes = tuple(int(given.get(name, 0)) for name in names)
    return [*found, Voter("labels", in_order(outcomes), classes, decided=True)]


def in_order(outcomes: Mapping[str, int]) -> dict[str, int]:
    """Outcomes in the order in which the harness names them, others behind."""
    known: dict[str, int] = {name: outcomes[name] for name in OUTCOMES if outcomes.get(name)}
    return {**known, **{name: count for name, count in outcomes.items() if name not in known and count}}


def _stored(folder: Path, classes: int) -> Iterator[Voter]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(folder / VOTES, columns=["voter", "outcome", "label"])
        voters: list[str] = json.loads(table.schema.metadata[b"voters"])
        voter, outcome = (_encoded(table[name]) for name in ("voter", "outcome"))
        label = table["label"].to_numpy()
    except (OSError, pa.ArrowException, KeyError, TypeError, ValueError) as error:
        raise StoreError(f"{VOTES} is of another version ({str(error).splitlines()[0]}); label again") from error
    for name in voters:
        mine = voter[0] == (voter[1].index(name) if name in voter[1] else -1)
        counts = np.bincount(outcome[0][mine], minlength=len(outcome[1])).tolist()
        given = np.bincount(label[mine & (label >= 0)], minlength=classes)[:classes].tolist()
        yield Voter(name, in_order(dict(zip(outcome[1], counts, strict=True))), tuple(given))


def _encoded(column: Any) -> tuple[Any, list[str]]:
    """A column of texts as codes (N,) and the different texts."""
    encoded = column.combine_chunks().dictionary_encode()
    return encoded.indices.to_numpy(), encoded.dictionary.to_pylist()
