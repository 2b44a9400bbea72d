"""The record of one run: everything needed to believe its scores, and nothing that should not be shared."""

from __future__ import annotations

import hashlib
import re
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from harness.documents import readable_json, write_atomically
from harness.errors import ConfigError, DataError
from harness.evaluation.scores import Scores
from harness.leaderboard.redact import redacted
from harness.validation import explain

RESULTS = "results"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,127}")
SCHEMA_VERSION: Literal[2] = 2


class _Data(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class GitState(_Data):
    """of: whose repository ("harness" or "working directory"); dirty: tracked files differ from the commit."""

    of: str
    commit: str
    dirty: bool


class Machine(_Data):
    """cores this run may use; memory in bytes, 0 if not known; accelerators by name."""

    cpu: str
    cores: int
    memory: int
    accelerators: list[str] = []
    os: str
    python: str


class ComponentRecord(_Data):
    """A component that took part: the distribution it came from, its options, and facts such as its weights' sha256."""

    kind: str
    name: str
    distribution: str
    version: str
    options: Annotated[dict[str, Any], BeforeValidator(redacted)] = Field(default_factory=dict)
    facts: Annotated[dict[str, Any], BeforeValidator(redacted)] = Field(default_factory=dict)


class DataRecord(_Data):
    """A data set: its role ("target", "pretrain"), component, content fingerprint, licence, and whether that lets faces
    leave the machine."""

    role: str
    name: str
    fingerprint: str
    licence: str = ""
    faces_may_leave: bool = False


class StageRecord(_Data):
    """A stage: seconds of work, peak memory (bytes) and energy (joules, None: not known) when it was computed; cached:
    found in the store."""

    kind: str
    title: str
    fingerprint: str
    seconds: float
    peak_memory: int
    cached: bool
    energy: float | None = None


class AskingRecord(_Data):
    """What one vision-language labeler was asked: the model as configured and as answered (replies of each), the
    prompt set and the sha256 of its content, tokens and cost in US dollars (None: the price is not known) of all
    replies that the labels rest on, whenever they were paid; outcomes by voter; labels by rung of the ladder."""

    labeler: str
    model: str
    models: dict[str, int] = {}
    prompts: str
    prompts_sha256: str
    parser: int
    faces: int
    replies: int
    tokens: dict[str, int] = {}
    cost: float | None
    rungs: dict[str, int] = {}
    outcomes: dict[str, dict[str, int]] = {}
    unanswered: dict[str, int] = {}


class SeedScores(_Data):
    """The scores of one of several seeds."""

    seed: int
    scores: Scores


class Record(_Data):
    """One run. Absolute paths, secrets and credentials in configuration and notices are taken out on the way in.

    by_seed: of a run with several seeds, each one's scores; `scores` are then means over them.
    """

    schema_version: Literal[2] = SCHEMA_VERSION
    run: str
    benchmark: str
    created: datetime
    configuration: Annotated[dict[str, Any], BeforeValidator(redacted)]
    components: list[ComponentRecord] = []
    label_space: dict[str, Any]
    seeds: dict[str, int] = {}
    git: GitState | None = None
    packages: dict[str, str] = {}
    machine: Machine
    data: list[DataRecord] = []
    stages: list[StageRecord] = []
    notices: Annotated[list[str], BeforeValidator(redacted)] = Field(default_factory=list)
    outcomes: dict[str, int] = {}
    asked: list[AskingRecord] = []
    scores: Scores
    by_seed: list[SeedScores] = []

    @classmethod
    def read(cls, path: Path) -> Record:
        """The record in a file; DataError names the file and what is wrong with it."""
        try:
            record = cls.model_validate_json(path.read_bytes())
        except OSError as error:
            raise DataError(f"record {path.name!r} cannot be read: {error.strerror or error}") from error
        except ValidationError as error:
            raise DataError(
                f"record {path.name!r} in {str(path.parent)!r} is not a run record of schema {SCHEMA_VERSION}: "
                f"{explain(error, cls)}; mend it or take it out"
            ) from error
        if (record.benchmark, record.run) != (path.parent.name, path.stem):
            raise DataError(
                f"record {path.name!r} in {str(path.parent)!r} is of run {record.run!r} of benchmark "
                f"{record.benchmark!r}; move it to {RESULTS}/{record.benchmark}/{record.run}.json"
            )
        return record


def pseudonymous(scores: Scores) -> Scores:
    """The scores with clip names replaced by hashes: runs stay comparable clip by clip, file names stay at home."""
    names = [hashlib.sha256(name.encode()).hexdigest()[:12] for name in scores.clips]
    return scores.model_copy(update={"clips": names})


def results_folder(leaderboards: Path, benchmark: str) -> Path:
    """Where the records of a benchmark lie; ConfigError for a name that is not one for a file."""
    return leaderboards / RESULTS / _checked("benchmark", benchmark)


def file_record(record: Record, leaderboards: Path) -> Path:
    """Write <leaderboards>/results/<benchmark>/<run>.json, whole or not at all; a run of the same name is replaced."""
    path = results_folder(leaderboards, record.benchmark) / f"{_checked('run', record.run)}.json"
    by_seed = [one.model_copy(update={"scores": pseudonymous(one.scores)}) for one in record.by_seed]
    shared = record.model_copy(update={"scores": pseudonymous(record.scores), "by_seed": by_seed})
    return write_atomically(path, readable_json(shared.model_dump(mode="json")))


def _checked(what: str, name: str) -> str:
    if not NAME.fullmatch(name):
        raise ConfigError(f"{what} name {name!r} cannot name a file; use letters, digits, '.', '_', '+' and '-'")
    return name
