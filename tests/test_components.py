"""Options, announcements and the small data classes of the contracts."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from pydantic import Field, ValidationError

from harness.components import (
    KINDS,
    OUTCOMES,
    SINGULAR,
    ComponentSpec,
    Decisions,
    Faces,
    Kind,
    Options,
    Outcome,
    Scorer,
)


class FolderOptions(Options):
    root: Path = Field(Path("here"), description="a folder")
    side: int = 3


def test_unknown_options_are_refused() -> None:
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        FolderOptions.model_validate({"sides": 4})


def test_options_do_not_change() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        FolderOptions().side = 4  # type: ignore[misc]


def test_the_paths_among_options_are_sources_of_the_result() -> None:
    assert FolderOptions(root=Path("there")).sources() == [Path("there")]


def test_options_bring_no_facts_of_their_own() -> None:
    assert FolderOptions().facts() == {}


def test_an_announcement_does_not_change() -> None:
    spec = ComponentSpec("x", "", Options, "a:b")
    with pytest.raises(dataclasses.FrozenInstanceError):
        spec.name = "y"  # type: ignore[misc]
    assert (spec.requires, spec.version) == ((), 1)


def test_kinds_and_outcomes_are_written_once_for_types_and_once_for_loops() -> None:
    assert get_args(Kind) == KINDS == tuple(SINGULAR)
    assert get_args(Outcome) == OUTCOMES


def test_there_is_a_hook_for_every_kind() -> None:
    from harness import hookspecs

    assert {name for name in vars(hookspecs) if name.startswith("harness_")} == {f"harness_{kind}" for kind in KINDS}


def test_confidence_is_the_probability_of_the_label_and_0_without_one() -> None:
    probabilities = np.array([[0.2, 0.8], [0.7, 0.3], [np.nan, np.nan]], np.float32)
    confidence = Decisions(np.array([1, 1, -1]), probabilities).confidence
    assert confidence.dtype == np.float32
    np.testing.assert_allclose(confidence, [0.8, 0.3, 0.0])


def test_the_length_of_faces_is_their_number() -> None:
    assert len(Faces(np.zeros((3, 4), np.float32), np.zeros(3, np.float32))) == 3


def test_a_scorer_is_recognised_by_its_method() -> None:
    class Looks:
        def score(self, faces: object) -> None: ...

    assert isinstance(Looks(), Scorer)
    assert not isinstance(object(), Scorer)
