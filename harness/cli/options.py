"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])

STORE = ".harness/store"


def store_option(command: Command) -> Command:
    """--store DIR"""
    return click.option(
        "--store", "store_folder", type=click.Path(path_type=Path, file_okay=False), default=STORE, show_default=True,
        envvar="HARNESS_STORE", show_envvar=True, help="Where artifacts are kept and found again.",
    )(command)  # fmt: skip


def leaderboards_option(command: Command) -> Command:
    """--leaderboards DIR"""
    return click.option(
        "--leaderboards", "leaderboards_folder", type=click.Path(path_type=Path, file_okay=False),
        default="leaderboards", show_default=True, help="Where records and tables are filed.",
    )(command)  # fmt: skip


def experiment_arguments(command: Command) -> Command:
    """[CONFIG] and --set KEY=VALUE"""
    command = click.option(
        "--set", "overrides", multiple=True, metavar="KEY=VALUE",
        help="Override any key of the configuration, e.g. --set fusion.aggregator=mean-probability. Repeatable.",
    )(command)  # fmt: skip
    return click.argument("config", default="demo")(command)
