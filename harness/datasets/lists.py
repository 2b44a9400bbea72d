"""Label files of the form `name value`, one a line, with what is wrong named by line."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from harness.datasets.wording import many
from harness.errors import DataError, listed


def read_text(path: Path, what: str) -> str:
    """The text of a small file; DataError if it is not there or no text. A byte order mark is dropped."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise DataError(f"{path}: no such file; it should hold {what}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read as text: {' '.join(str(error).split())}") from None


def read_pairs(path: Path, what: str) -> dict[str, str]:
    """name -> value of the lines `name value` (any white space between; empty lines do not count), in their order.

    DataError for lines of another form, names with two values, and a file without any line.
    """
    pairs: dict[str, str] = {}
    odd: list[str] = []
    twice: list[str] = []
    for number, line in enumerate(read_text(path, what).splitlines(), start=1):
        words = line.split()
        if len(words) == 2:
            if pairs.setdefault(words[0], words[1]) != words[1]:
                twice.append(words[0])
        elif words:
            odd.append(f"line {number} {line.strip()[:40]!r}")
    if odd:
        raise DataError(f"{path}: {many(len(odd), 'line')} not of the form 'image {what}': {listed(odd)}")
    if twice:
        raise DataError(f"{path}: two different {what}s of {many(len(twice), 'image')}: {listed(twice)}")
    if not pairs:
        raise DataError(f"{path}: the list is empty")
    return pairs


def read_ids(path: Path, what: str, names: Mapping[str, str]) -> dict[str, str]:
    """image -> name of its id; names: id as written -> name. DataError lists images with an id that is none of them."""
    pairs = read_pairs(path, what)
    unknown = [f"{image} {value}" for image, value in pairs.items() if value not in names]
    if unknown:
        known = ", ".join(names)
        raise DataError(f"{path}: unknown {what} of {many(len(unknown), 'image')}: {listed(unknown)} (known: {known})")
    return {image: names[value] for image, value in pairs.items()}
