"""Records of an earlier schema, brought to the present one when they are read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.errors import DataError
from harness.evaluation.scores import Scores, SystemScore
from harness.evaluation.spread import over_seeds
from harness.leaderboard.measure import measured

PRESENT = 2


def migrated(data: Mapping[str, Any]) -> dict[str, Any]:
    """A record's JSON data as schema 2 has it; DataError for a schema that this version does not know.

    What schema 1 did not have is left to its default; `completed` then computes what the counts decide.
    """
    version = data.get("schema_version")
    if version == PRESENT:
        return dict(data)
    if version == 1 and "seal" in data:
        raise DataError("records of schema 1 had no seal, and this one has: it was edited; file the run again")
    if version == 1:
        seeds = data.get("by_seed")
        return {
            **data,
            "schema_version": PRESENT,
            "scores": _without_text(data.get("scores")),
            "by_seed": [_seed(one) for one in seeds] if isinstance(seeds, list) else [],
        }
    if isinstance(version, int) and version > PRESENT:
        hint = "install a newer cer-harness to use it"
    else:
        hint = "it is no record of a run; take it out"
    raise DataError(f"schema {version!r} is not known, this version reads 1 and {PRESENT}; {hint}")


def _seed(one: Any) -> Any:
    return {**one, "scores": _without_text(one.get("scores"))} if isinstance(one, Mapping) else one


def _without_text(scores: Any) -> Any:
    """Scores whose settings say by `clusters` and `interval` what schema 1 said in a sentence."""
    if not isinstance(scores, Mapping) or not isinstance(scores.get("settings"), Mapping):
        return scores
    settings = {name: value for name, value in scores["settings"].items() if name != "bootstrap"}
    return {**scores, "settings": {**settings, "clusters": "clip", "interval": "percentile"}}


def completed(scores: Scores, by_seed: Mapping[int, Scores]) -> tuple[Scores, dict[int, Scores]]:
    """Scores of schema 1 with what their counts decide and they did not have yet; what they had is kept as it is."""
    seeds = {seed: _completed(one) for seed, one in by_seed.items()}
    if not seeds:
        return _completed(scores), {}
    again = {(one.system, one.role, one.phase): one for one in over_seeds(seeds).systems}
    systems = [_filled(one, again.get((one.system, one.role, one.phase))) for one in scores.systems]
    return scores.model_copy(update={"systems": systems}), seeds


def _completed(scores: Scores) -> Scores:
    again = [(one, measured(one, scores)) for one in scores.systems]
    systems = [_filled(one, one.model_copy(update=found) if found else None) for one, found in again]
    return scores.model_copy(update={"systems": systems})


def _filled(one: SystemScore, again: SystemScore | None) -> SystemScore:
    if again is None:
        return one
    missing = {name for name in SystemScore.model_fields if name not in one.model_fields_set}
    return one.model_copy(update={name: getattr(again, name) for name in missing})
