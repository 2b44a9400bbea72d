"""`harness labels`: what labels say, how far voters agree, what it took, and which voters are worth it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli.options import store_option

if TYPE_CHECKING:
    from rich.console import Console

    from harness.evaluation.agreement import Pair
    from harness.labeling.review import Found, Judged


@click.group()
def labels() -> None:
    """Look at labels: outcomes, agreement, replies."""


@labels.command()
@click.argument("run")
@click.option("--html", type=click.Path(path_type=Path, dir_okay=False), help="Write a page of faces and replies.")
@click.option(
    "--thumbnails/--no-thumbnails",
    default=None,
    help="Faces on the page, or not; without either, only where the data set's licence lets faces leave.",
)
@click.option(
    "--faces",
    type=click.IntRange(min=1),
    default=200,
    show_default=True,
    metavar="N",
    help="Most faces on the page; those without a label or with disagreement first.",
)
@click.option(
    "--runs",
    "runs_folder",
    type=click.Path(path_type=Path, file_okay=False),
    default="runs",
    show_default=True,
    help="Where runs are.",
)
@store_option
def show(
    run: str, html: Path | None, thumbnails: bool | None, faces: int, runs_folder: Path, store_folder: Path
) -> None:
    """Show the labels of RUN: a run's folder or name, the folder of an artifact with labels or votes, or the beginning
    of its fingerprint, as `harness label` prints it.
    """
    from rich.console import Console

    from harness.labeling.review import find, judged

    found = find(run, runs_folder, store_folder)
    said = judged(found)
    console = Console(highlight=False)
    _outcomes(console, said)
    _agreement(console, said)
    _confusion(console, said)
    _asking(console, found)
    if html is not None:
        _page(console, found, said, html, faces, thumbnails)


@labels.command()
@click.argument("runs", metavar="RUN [RUN ...]", nargs=-1, required=True)
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write every subset to FILE.csv.")
@click.option("--most", type=click.IntRange(min=1), metavar="N", help="Most voters of a subset; all up to 12 voters.")
@click.option("--confusions", is_flag=True, help="Show what each voter takes for what.")
@click.option(
    "--runs",
    "runs_folder",
    type=click.Path(path_type=Path, file_okay=False),
    default="runs",
    show_default=True,
    help="Where runs are.",
)
@store_option
def voters(
    runs: tuple[str, ...], out: Path | None, most: int | None, confusions: bool, runs_folder: Path, store_folder: Path
) -> None:
    """Show which voters to ask: macro-F1 of the majority vote of every subset of them, against its cost.

    The voters of RUN are its labelers, each prompt and repetition by itself; of several runs on the same data they are
    the labels of each. Runs are named as for `harness labels show`. Annotated faces are needed.
    """
    from rich.console import Console

    from harness.cli.label_voters import Choice, as_csv, print_voters
    from harness.documents import write_atomically
    from harness.errors import ConfigError
    from harness.evaluation.voters import subsets
    from harness.labeling.review.ballots import ballots

    if out is not None and out.suffix != ".csv":
        raise ConfigError(f"--out {str(out)!r}: the file's name must end in .csv")
    given = ballots(runs, runs_folder, store_folder)
    tried = subsets(given.labels, given.truth, given.clip, len(given.space), given.cost, most)
    found = Choice.of(given, tried)
    console = Console(highlight=False)
    print_voters(console, found, confusions=confusions)
    if out is not None:
        write_atomically(out, as_csv(found))
        console.print(f"written to {out}", markup=False, soft_wrap=True)


def _outcomes(console: Console, said: Judged) -> None:
    """Faces by class and outcome: a column a voter, the last one the labels made of them."""
    from harness.cli.label_summary import compact

    decided = said.decided_counts()
    rows = [[name, *(_count(one) for one in counts), _count(decided[name])] for name, counts in said.counts()]
    rows.append(["faces", *(_count(int((row != "").sum())) for row in said.outcomes), _count(len(said.face))])
    console.print(compact(("outcomes", *said.voters, "labels"), rows))


def _agreement(console: Console, said: Judged) -> None:
    from harness.cli.label_summary import compact

    rows = []
    if len(said.voters) > 1:
        pairs, alpha = said.agreement()
        rows += [*_pairs(pairs), ["all voters: Krippendorff's alpha", "", "", _decimal(alpha)]]
    if 1 < len(said.labelers) < len(said.voters):
        pairs, alpha = said.agreement_of_labelers()
        rows += [*_pairs(pairs), ["all labelers: Krippendorff's alpha", "", "", _decimal(alpha)]]
    if rows:
        console.print(compact(("agreement", "faces", "same", "Cohen's kappa"), rows))


def _pairs(pairs: Sequence[Pair]) -> Iterator[list[str]]:
    for one in pairs:
        same = f"{one.same:.0%}" if one.shared else "-"
        yield [f"{one.first} - {one.second}", f"{one.shared:,}", same, _decimal(one.kappa)]


def _confusion(console: Console, said: Judged) -> None:
    """Annotated classes by labels, if anything is annotated."""
    from harness.cli.label_summary import compact

    table = said.confusion()
    if not table.sum():
        return
    columns = [f"{number}" for number in range(len(said.names))]
    rows = [
        [f"{number} {name}", *(_count(int(one)) for one in table[number])] for number, name in enumerate(said.names)
    ]
    console.print(compact(("annotated, by label", *columns, "none"), rows, whole=True))
    answers = [*said.accuracies(), (int(table[:, :-1].trace()), int(table[:, :-1].sum()))]
    rows = [
        [voter, f"{right:,}", f"{given:,}", f"{right / given:.0%}" if given else "-"]
        for voter, (right, given) in zip((*said.voters, "labels"), answers, strict=True)
    ]
    console.print(compact(("against the annotations", "right", "of", "share"), rows))


def _asking(console: Console, found: Found) -> None:
    """Replies, tokens, cost, and the rungs of the ladder that labels came from."""
    from harness.cli.label_summary import asking, compact, money_cells

    rows = []
    for labeler, folder in found.votes.items():
        facts = asking(folder)
        if facts is not None:
            rungs = ", ".join(f"{rung}: {count:,}" for rung, count in facts["rungs"].items())
            models = ", ".join(facts["models"]) or facts["model"]
            rows.append([f"{labeler} ({models})", f"{facts['replies']:,}", *money_cells(facts), rungs])
    if rows:
        console.print(compact(("asked", "replies", "tokens in", "out", "cost", "rungs"), rows))


def _page(console: Console, found: Found, said: Judged, html: Path, faces: int, thumbnails: bool | None) -> None:
    from rich.text import Text

    from harness.documents import write_atomically
    from harness.labeling.review.gallery import Shown, gallery

    facts = found.data_facts
    may = bool(facts.get("faces_may_leave", False))
    with_faces = may if thumbnails is None else thumbnails
    write_atomically(html, gallery(found, said, Shown(faces, with_faces)))
    console.print(Text.assemble(("page ", "bold"), str(html)), soft_wrap=True)
    if thumbnails is None and not may:
        licence = facts.get("licence", "unknown")
        note = (
            f"     without faces: the licence ({licence}) does not let them leave; --thumbnails, for a file kept here"
        )
        console.print(Text(note), soft_wrap=True)


def _count(number: int) -> str:
    return f"{number:,}" if number else ""


def _decimal(value: float) -> str:
    return "-" if value != value else f"{value:.3f}"
