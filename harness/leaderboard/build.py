"""Records -> <benchmark>.md, .csv, .json, .tex and .html: the same records give the same bytes."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from harness.documents import write_atomically
from harness.leaderboard.boards import Leaderboard
from harness.leaderboard.entries import as_csv, as_json
from harness.leaderboard.markdown import as_markdown
from harness.leaderboard.record import Record
from harness.leaderboard.reference import OPTIONS, benchmark_options
from harness.leaderboard.rows import leaderboard, record_files
from harness.leaderboard.tex import as_tex


def as_html(board: Leaderboard) -> str:
    """The page of a benchmark."""
    from harness.leaderboard.page import as_html as page  # charts and templates: not for who reads tables only

    return page(board)


RENDERERS: Mapping[str, Callable[[Leaderboard], str]] = {
    ".md": as_markdown,
    ".csv": as_csv,
    ".json": as_json,
    ".tex": as_tex,
    ".html": as_html,
}
Stamp = list[tuple[str, int, int]]


def build(leaderboards: Path, benchmark: str, reference: str | None = None) -> list[Path]:
    """Write the tables and the page of a benchmark beside its records; returns their paths.

    reference: see `rows.leaderboard`; if None, what the benchmark's options say. DataError names a record that cannot
    be used; then, as with any other error, all files stay as they were. Safe beside other runs: whoever files a record
    builds after it, and a build during which records changed is done again.
    """
    while True:
        before = _stamp(leaderboards, benchmark)
        board = read_leaderboard(leaderboards, benchmark, reference)
        texts = {suffix: render(board) for suffix, render in RENDERERS.items()}
        written = [write_atomically(leaderboards / f"{benchmark}{suffix}", text) for suffix, text in texts.items()]
        if _stamp(leaderboards, benchmark) == before:
            return written


def read_leaderboard(leaderboards: Path, benchmark: str, reference: str | None = None) -> Leaderboard:
    """All records of a benchmark as a leaderboard; reference as in `build`."""
    files = record_files(leaderboards, benchmark)
    wanted = reference or benchmark_options(leaderboards, benchmark).reference
    with _uncollected():
        return leaderboard((Record.read(path) for path in files), wanted)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Records are trees: the collector would search millions of their parts for cycles, a third of the reading time."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def _stamp(leaderboards: Path, benchmark: str) -> Stamp:
    files = record_files(leaderboards, benchmark)
    options = files[0].with_name(OPTIONS)
    found: list[tuple[str, os.stat_result]] = [(one.name, one.stat()) for one in files]
    found += [(OPTIONS, options.stat())] if options.exists() else []
    return [(name, status.st_mtime_ns, status.st_ino) for name, status in found]
