"""`harness label`: labels alone, for faces, images and videos of the user's own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.cli.options import offline, offline_option, store_option

if TYPE_CHECKING:
    from harness.cli import Session

PATH = click.Path(path_type=Path)


@click.command()
@click.argument("data", required=False)
@click.option(
    "--labeler",
    "labelers",
    multiple=True,
    metavar="NAME",
    help='Who labels: a name, or a table such as \'{use = "claude", model = "..."}\'. Repeatable.',
)
@click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    help="Set any key of the configuration, e.g. --set labeling.labelers.model=... or, of the second labeler, "
    "--set labeling.labelers.1.model=... Repeatable.",
)
@click.option("--config", help="Start from this experiment (file or built-in name); options go before it.")
@click.option("--out", type=PATH, default="labels.csv", show_default=True, help="The labels: .csv or .parquet.")
@click.option("--replies", type=PATH, help="Every reply with its text: .csv or .parquet.")
@click.option("--cropped", is_flag=True, help="The images are face crops already: no face is looked for.")
@click.option("--allow-remote", is_flag=True, help="The faces may be sent to another machine.")
@click.option("--label-space", help="The classes: a built-in label space.")
@click.option("--sample", metavar="RULE", help="Which faces: all, every:K, per-clip:N, changes:SHARE.")
@click.option("--prompts", help="Prompt set of each vision-language labeler: a built-in name or a .toml file.")
@click.option(
    "--max-cost",
    type=click.FloatRange(min=0, min_open=True),
    metavar="DOLLARS",
    help="Stop before the replies of a labeler cost more.",
)
@click.option("--reparse", is_flag=True, help="Read the stored replies anew; nobody is asked.")
@click.option("--partial", is_flag=True, help="If it stops early, write what is answered (exit status 3 stays).")
@click.option(
    "--dry-run", is_flag=True, help="Find the faces, then tell what would be asked, and its cost; ask nothing."
)
@click.option("--executor", help="Executor to run the stages with.")
@offline_option
@store_option
@click.pass_context
def label(
    context: click.Context, /, store_folder: Path, out: Path, replies: Path | None, reparse: bool, partial: bool,
    dry_run: bool,
    **request: Any,
) -> None:  # fmt: skip
    """Label DATA: a folder of images and videos, one file, or the name of a data set.

    Writes a table with a row a face: outcome, label, confidence and the probability of each class. Replies are kept in
    the store, so that the same command goes on where it stopped and pays for nothing twice. Exit status: 0 done, 2 an
    error, 3 a part is done, 130 interrupted.
    """
    from harness.cli.label_request import Request
    from harness.cli.labelling import Labelling
    from harness.labeling.tables import check_target

    check_target(out, "--out")
    if replies is not None:
        check_target(replies, "--replies")
    context.with_resource(offline(reparse))
    session: Session = context.obj
    registry = session.registry()
    experiment = Request(**request).experiment(registry)
    labelling = Labelling(registry, experiment, store_folder, out, replies, reparse=reparse)
    if dry_run:
        labelling.tell()
    else:
        labelling.run(partial=partial)
