"""A page of faces with what was said of them: one HTML file that asks the network for nothing.

What models and file names say is data: it is escaped, and the page's policy lets only its own style and script work.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.components import OUTCOMES
from harness.labeling.replies import FILE as REPLIES
from harness.labeling.review.found import Found
from harness.labeling.review.judged import NOT_ANNOTATED, NOT_ASKED, Judged
from harness.pages import beside, rendered

TEMPLATE = Path(__file__).with_name("gallery.html")
SIDE = 160  # pixels of a thumbnail
COLOURS = 12  # of classes, in the page's style
WORDS: Mapping[str, str] = {
    "label": "label", "abstain": "abstained", "refused_text": "refused in words",
    "refused_provider": "refused by the provider", "unparsed": "not understood", "truncated": "cut short",
    "error": "no answer",
}  # fmt: skip


@dataclass(frozen=True)
class Shown:
    """How a gallery is made: most faces, with thumbnails or not."""

    most: int
    thumbnails: bool


def gallery(found: Found, said: Judged, shown: Shown) -> str:
    """The page as HTML."""
    chosen = choose(said, shown.most)
    facts = found.data_facts
    values = {
        "title": found.title,
        "licence": facts.get("licence", "unknown"),
        "restricted": not facts.get("faces_may_leave", False),
        "thumbnails": shown.thumbnails,
        "total": len(said.face),
        "labelled": int((said.decided >= 0).sum()),
        "disagreeing": int(said.disagree.sum()),
        "voters": said.voters,
        "outcomes": [(name, WORDS[name]) for name in OUTCOMES[1:] if (said.outcomes[:, chosen] == name).any()],
        "classes": [name for one, name in enumerate(said.names) if (said.decided[chosen] == one).any()],
        "cards": list(_cards(found, said, chosen, shown.thumbnails)),
    }
    return rendered(*beside(TEMPLATE), **values)


def choose(said: Judged, most: int) -> NDArray[np.int64]:
    """Rows of the faces to show: first those without a label, or that a voter gave none or another one, then others;
    where they are too many, evenly spread."""
    unanswered = ((said.labels < 0) & (said.outcomes != NOT_ASKED)).any(0)
    doubtful = (said.decided < 0) | said.disagree | unanswered
    wanted = np.flatnonzero(doubtful)
    rest = np.flatnonzero(~doubtful)
    first = _spread(wanted, most)
    return np.concatenate([first, _spread(rest, most - len(first))])


def _spread(rows: NDArray[np.intp], most: int) -> NDArray[np.int64]:
    if len(rows) > most:
        rows = rows[np.linspace(0, len(rows) - 1, most).round().astype(np.int64)] if most else rows[:0]
    return rows.astype(np.int64)


def _cards(found: Found, said: Judged, chosen: NDArray[np.int64], thumbnails: bool) -> Iterator[dict[str, Any]]:
    answers = _answers(found, said, chosen)
    pictures = _pictures(found.faces, said.face[chosen]) if thumbnails else {}
    disagree = said.disagree
    for row in chosen.tolist():
        truth = int(said.truth[row])
        label = int(said.decided[row])
        yield {
            "clip": said.clip[row],
            "frame": int(said.frame[row]),
            "label": said.names[label] if label >= 0 else "",
            "colour": label % COLOURS,
            "states": " ".join(
                ["labelled" if label >= 0 else "unlabelled", *sorted(set(said.outcomes[:, row]) - {NOT_ASKED})]
            ),
            "words": WORDS.get(str(said.outcome[row]), str(said.outcome[row])),
            "confidence": float(said.confidence[row]),
            "disagree": bool(disagree[row]),
            "truth": None if truth == NOT_ANNOTATED else said.names[truth] if truth >= 0 else "none of the classes",
            "right": truth == label,
            "picture": pictures.get(int(said.face[row])),
            "votes": [
                {
                    "voter": voter,
                    "outcome": said.outcomes[number, row],
                    "words": WORDS.get(str(said.outcomes[number, row]), ""),
                    "label": said.names[at] if (at := int(said.labels[number, row])) >= 0 else "",
                    "colour": at % COLOURS,
                    **answers.get((number, int(said.face[row])), NOTHING),
                }
                for number, voter in enumerate(said.voters)
                if said.outcomes[number, row] != NOT_ASKED
            ],
        }


NOTHING = {"text": "", "earlier": "", "about": ""}


def _answers(found: Found, said: Judged, chosen: NDArray[np.int64]) -> dict[tuple[int, int], dict[str, str]]:
    """(position of the voter, face) -> the reply's text, those before it, and how it came about."""
    import pandas as pd

    wanted = set(said.face[chosen].tolist())
    answers: dict[tuple[int, int], dict[str, str]] = {}
    for number, folder in enumerate(found.votes.values()):
        positions = np.flatnonzero(said.labeler == number).tolist()
        if (folder / REPLIES).is_file():
            table = pd.read_parquet(folder / REPLIES, filters=[("face", "in", wanted)])
            place = dict(zip(_own_names(folder), positions, strict=True))
            for one in table.to_dict("records"):
                answers[place[one["voter"]], one["face"]] = _of_reply({str(key): one[key] for key in one})
        else:
            table = pd.read_parquet(folder / "votes.parquet", columns=["face", "explanation"])
            for face, text in zip(table["face"], table["explanation"], strict=True):
                if face in wanted and text:
                    answers[positions[0], face] = {**NOTHING, "about": text}
    return answers


def _own_names(folder: Path) -> list[str]:
    from harness.labeling.votes import read_votes

    return [table.voter for table in read_votes(folder)]


def _of_reply(one: Mapping[str, Any]) -> dict[str, str]:
    detail = one["detail"] if one["stop_reason"] != "end" else ""
    about = [one["reason"], one["model"], f"rung {one['rung']}" if one["rung"] else "", detail, one["unanswered"]]
    if one["output_tokens"]:
        about.append(f"{one['input_tokens']} + {one['output_tokens']} tokens")
    return {
        "text": one["text"],
        "earlier": one["earlier"],
        "about": ", ".join(part for part in about if part),
    }


def _pictures(faces: Path, wanted: NDArray[np.int64]) -> dict[int, str]:
    """Face -> its crop, made small, as a data URI."""
    import pyarrow.parquet as pq
    from PIL import Image

    from harness.faces.artifact import CROPS

    pictures: dict[int, str] = {}
    rest = set(wanted.tolist())
    with pq.ParquetFile(faces / CROPS) as file:
        for part in file.iter_batches(256, columns=["face", "image"]):
            for face, image in zip(part.column("face").to_pylist(), part.column("image"), strict=True):
                encoded = image.as_py() if face in rest else None
                if not encoded:  # clips without media have faces without pictures
                    continue
                with Image.open(io.BytesIO(encoded)) as opened:
                    small = opened.convert("RGB")
                    small.thumbnail((SIDE, SIDE))
                    buffer = io.BytesIO()
                    small.save(buffer, "JPEG", quality=85)
                pictures[face] = f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"
    return pictures
