"""`harness annotate`: a new video, labelled by a finished run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli.options import offline_option, store_option

if TYPE_CHECKING:
    from harness.cli import Session

FOLDER = click.Path(path_type=Path, file_okay=False)


@click.command()
@click.argument("video", type=click.Path(path_type=Path))
@click.option("--run", "run_name", required=True, metavar="RUN", help="A run's folder, or its name below runs/.")
@click.option("--out", type=FOLDER, help="Where the results go; default: VIDEO's name and -annotated.")
@click.option("--allow-remote", is_flag=True, help="Of a run without networks: the faces may be sent to its labeler.")
@click.option("--runs", "runs_folder", type=FOLDER, default="runs", show_default=True, help="Where runs are, by name.")
@click.option("--executor", help="Executor to run the stages with; overrides the run's configuration.")
@offline_option
@store_option
@click.pass_obj
def annotate(
    session: Session, video: Path, run_name: str, out: Path | None, allow_remote: bool, runs_folder: Path,
    executor: str | None, store_folder: Path,
) -> None:  # fmt: skip
    """Label VIDEO with the networks of a finished run, or with its labeler if it has none.

    Writes frames.csv (a row a frame), probabilities.png (classes over time) and annotated.mp4 (face box, label, top
    three; frame times are kept, sound is not). Nothing is trained; what was done before is taken from the store.
    """
    from harness.cli.annotating import Annotating
    from harness.finished import find_run

    run = find_run(run_name, runs_folder)
    Annotating(session.registry(), run, video, out, store_folder, executor, allow_remote=allow_remote).run()
