"""What is wrong with a submission file, line by line."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from harness.export.submission import HEADER, location

Frame = tuple[str, int]  # clip, 0-based number
_ROW = re.compile(r"(\d{2})/(\d{5})\.jpg,(.*)")
_MARK = "\ufeff"


@dataclass(frozen=True, order=True)
class Fault:
    """line: counted from 1; text: what is wrong there."""

    line: int
    text: str


def check_submission(lines: Sequence[str], counts: Mapping[str, int] | None = None) -> list[Fault]:
    """Every fault of a file's lines, in their order; none: the challenge can read it.

    counts: clip -> frames that must be there, in that order. Without them clips must stand in the order of their names,
    and the frames of each be 1, 2, 3, ... without a gap.
    """
    faults: list[Fault] = []
    named: list[tuple[int, Frame]] = []
    for number, line in enumerate(_plain(lines, faults), start=1):
        if number == 1 and _is_header(line, faults):
            continue
        match = _ROW.fullmatch(line)
        if match is None or match[2] == "00000":
            faults.append(Fault(number, _odd_line(line)))
            continue
        named.append((number, (match[1], int(match[2]) - 1)))
        if not re.fullmatch("[0-6]", match[3]):
            faults.append(Fault(number, f"{match[3][:20]!r} is no class id from 0 to 6"))
    order = _in_name_order([frame for _, frame in named]) if counts is None else _listed(counts)
    if not named:
        faults.append(Fault(len(lines), "the file names no frame"))
    else:
        faults += _order(named, order)
    return sorted(faults)


def _plain(lines: Sequence[str], faults: list[Fault]) -> list[str]:
    """The lines without what editors leave in them, which is told once."""
    if any(line.endswith("\r") for line in lines):
        faults.append(Fault(1, "lines end in CR LF; the official file ends them in LF alone"))
    if lines[0].startswith(_MARK):
        faults.append(Fault(1, "the file begins with a byte order mark"))
    return [line.removeprefix(_MARK).removesuffix("\r") for line in lines]


def _is_header(line: str, faults: list[Fault]) -> bool:
    """Whether the first line is a header, right or wrong; a wrong or missing one is told."""
    if line == HEADER:
        return True
    is_row = _ROW.fullmatch(line) is not None
    faults.append(Fault(1, f"the header is {'missing' if is_row else f'{line[:40]!r}'}; it must be {HEADER}"))
    return not is_row


def _odd_line(line: str) -> str:
    if not line.strip():
        return "the line is empty"
    if line[2:9] == "/00000.":
        return f"{line[:40]!r}: frames count from 00001"
    return f"{line[:40]!r} is not like 01/00001.jpg,0"


def _listed(counts: Mapping[str, int]) -> list[Frame]:
    return [(clip, frame) for clip, count in counts.items() for frame in range(count)]


def _in_name_order(named: Sequence[Frame]) -> list[Frame]:
    last: dict[str, int] = {}
    for clip, frame in named:
        last[clip] = max(frame, last.get(clip, 0))
    return _listed({clip: last[clip] + 1 for clip in sorted(last)})


def _order(named: Sequence[tuple[int, Frame]], order: Sequence[Frame]) -> Iterator[Fault]:
    """Faults of frames that stand twice, elsewhere, or not at all."""
    places = {frame: place for place, frame in enumerate(order)}
    first: dict[Frame, int] = {}
    gaps: list[tuple[int, int, int]] = []  # line, places from .. up to that were passed over there
    following = 0
    for number, frame in named:
        place = places.get(frame)
        if frame in first:
            yield Fault(number, f"{location(*frame)} stands on line {first[frame]} already")
        elif place is None:
            yield Fault(number, f"{location(*frame)} is not in the frame list")
        elif place < following:
            yield Fault(number, f"{location(*frame)} stands too late, behind {location(*order[following - 1])}")
        else:
            gaps.append((number, following, place))
            following = place + 1
        first.setdefault(frame, number)
    gaps.append((named[-1][0] + 1, following, len(order)))
    for number, start, stop in gaps:
        yield from (Fault(number, text) for text in _missing(order[start:stop], first))


def _missing(passed: Sequence[Frame], first: Mapping[Frame, int]) -> Iterator[str]:
    """One line a run of frames, of those passed over, that stand nowhere."""
    run: list[Frame] = []
    for frame in [*passed, None]:
        if frame is not None and frame not in first:
            run.append(frame)
        elif run:
            ends = location(*run[0]) + (f" to {location(*run[-1])} ({len(run)} frames)" if run[1:] else "")
            yield f"{ends} should stand here, and stands nowhere"
            run = []
