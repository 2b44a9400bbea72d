"""Options that several commands share."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
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


def offline_option(command: Command) -> Command:
    """--offline"""
    return click.option(
        "--offline", is_flag=True, expose_value=False,
        callback=lambda context, _parameter, wanted: context.with_resource(offline(wanted)),
        help="Ask no provider and download nothing: use stored replies and weights alone.",
    )(command)  # fmt: skip


@contextlib.contextmanager
def offline(wanted: bool) -> Iterator[None]:
    """HARNESS_OFFLINE=1 for this process and the workers it starts, while the context lasts."""
    before = os.environ.get("HARNESS_OFFLINE")
    if wanted:
        os.environ["HARNESS_OFFLINE"] = "1"
    try:
        yield
    finally:
        if wanted and before is None:
            del os.environ["HARNESS_OFFLINE"]
        elif wanted:
            os.environ["HARNESS_OFFLINE"] = str(before)
