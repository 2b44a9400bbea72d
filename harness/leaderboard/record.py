"""The record of one run: everything needed to believe its scores, and nothing that should not be shared."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import from_json

from harness.documents import readable_json, write_atomically
from harness.errors import ConfigError, DataError, listed
from harness.evaluation.scores import Scores
from harness.leaderboard.migrate import completed, migrated
from harness.leaderboard.pseudonyms import pseudonymous, pseudonyms, without_names
from harness.leaderboard.redact import redacted
from harness.leaderboard.shape import misfits
from harness.store import fingerprint_of
from harness.validation import explain

RESULTS = "results"
MOST = 16 * 2**20  # bytes of a record; the demo's has some 100,000
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,127}")
TAKEN = ("readme", "record.schema")  # what stands beside the tables of benchmarks
SCHEMA_VERSION: Literal[2] = 2


class _Data(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class GitState(_Data):
    """of: whose repository ("harness" or "working directory"); dirty: tracked files differ from the commit."""

    of: str
    commit: str
    dirty: bool


class Machine(_Data):
    """cores this run may use; memory in bytes, 0 if not known; accelerators by name; energy: what the joules of stages
    are of ("processors", "memory", "accelerators"), counted for the whole machine."""

    cpu: str
    cores: int
    memory: int
    accelerators: list[str] = []
    energy: list[str] = []
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


def _fitting(scores: Scores) -> Scores:
    found = list(misfits(scores))
    if found:
        raise ValueError(listed(found, 3))
    return scores


class SeedScores(_Data):
    """The scores of one of several seeds."""

    seed: int
    scores: Annotated[Scores, AfterValidator(_fitting)]


class Record(_Data):
    """One run. What is personal in configuration and notices is taken out on the way in (leaderboard.redact).

    by_seed: of a run with several seeds, each one's scores; `scores` are then means over them. seal: sha256 of
    everything else as it was filed, so that a later edit shows; "" before it is filed.
    """

    schema_version: Literal[2] = SCHEMA_VERSION
    run: str
    benchmark: str
    created: AwareDatetime
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
    scores: Annotated[Scores, AfterValidator(_fitting)]
    by_seed: list[SeedScores] = []
    seal: str = ""

    @classmethod
    def read(cls, path: Path) -> Record:
        """The record in a file, of this schema or an earlier one; DataError names the file and what is wrong."""
        return check_place(read_record(path)[0], path)


def read_record(path: Path) -> tuple[Record, dict[str, Any]]:
    """The record in a file, and the JSON data that it was read from."""
    data = _parsed(path)
    try:
        record = Record.model_validate(migrated(data))
    except DataError as error:
        raise DataError(f"record {path.name!r} in {str(path.parent)!r}: {error}") from error
    except ValidationError as error:
        raise DataError(
            f"record {path.name!r} in {str(path.parent)!r} is not a run record of schema {SCHEMA_VERSION}: "
            f"{explain(error, Record)}; mend it or take it out"
        ) from error
    if data["schema_version"] != SCHEMA_VERSION:
        scores, seeds = completed(record.scores, {one.seed: one.scores for one in record.by_seed})
        by_seed = [SeedScores(seed=seed, scores=one) for seed, one in seeds.items()]
        record = record.model_copy(update={"scores": scores, "by_seed": by_seed})
    return record, data


def _parsed(path: Path) -> dict[str, Any]:
    """The JSON object in a file; one too large to be a record is refused before it is read."""
    where = f"record {path.name!r} in {str(path.parent)!r}"
    try:
        size = path.stat().st_size
        if size > MOST:
            raise DataError(
                f"{where} has {size / 2**20:.1f} MB, and a record at most {MOST // 2**20}; take it out, and file the "
                "run again: harness leaderboard add RUN"
            )
        data = from_json(path.read_bytes(), allow_inf_nan=False)
    except OSError as error:
        raise DataError(f"{where} cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise DataError(f"{where} is not JSON: {error}; mend it or take it out") from error
    if not isinstance(data, dict):
        raise DataError(f"{where} is not a run record of schema {SCHEMA_VERSION}; take it out")
    return data


def check_place(record: Record, path: Path) -> Record:
    """The record, if the file lies where it belongs; DataError says where it belongs."""
    if (record.benchmark, record.run) != (path.parent.name, path.stem):
        raise DataError(
            f"record {path.name!r} in {str(path.parent)!r} is of run {record.run!r} of benchmark "
            f"{record.benchmark!r}; move it to {RESULTS}/{record.benchmark}/{record.run}.json"
        )
    return record


def seal_of(data: Mapping[str, Any]) -> str:
    """The seal that a record's JSON data should have; DataError for numbers that are not finite."""
    try:
        return fingerprint_of({name: value for name, value in data.items() if name != "seal"})
    except ValueError as error:
        raise DataError("a number is not finite") from error


def results_folder(leaderboards: Path, benchmark: str) -> Path:
    """Where the records of a benchmark lie; ConfigError for a name that is not one for a file."""
    if benchmark.casefold() in TAKEN:
        raise ConfigError(f"benchmark name {benchmark!r} is that of another file beside the tables; give it another")
    return leaderboards / RESULTS / _checked("benchmark", benchmark)


def record_path(leaderboards: Path, benchmark: str, run: str) -> Path:
    """Where the record of a run lies; ConfigError for names that are none for files."""
    return results_folder(leaderboards, benchmark) / f"{_checked('run', run)}.json"


def file_record(record: Record, leaderboards: Path) -> Path:
    """Write a run's own record, clips and subjects under other names; a record of the same name is replaced."""
    names = pseudonyms(record.scores.clips)
    shared = {
        "scores": pseudonymous(record.scores),
        "by_seed": [one.model_copy(update={"scores": pseudonymous(one.scores)}) for one in record.by_seed],
        "notices": [without_names(notice, names) for notice in record.notices],
    }
    whole = record.model_copy(update=shared)
    return write_record(whole if len(_text(whole)) <= MOST else _without_correctness(whole), leaderboards)


def write_record(record: Record, leaderboards: Path) -> Path:
    """Write <leaderboards>/results/<benchmark>/<run>.json with a new seal, whole or not at all."""
    path = record_path(leaderboards, record.benchmark, record.run)
    return write_atomically(path, _text(record))


def _text(record: Record) -> str:
    data = record.model_dump(mode="json", exclude={"seal"})
    return readable_json({**data, "seal": seal_of(data)})


def _without_correctness(record: Record) -> Record:
    """A record of very many frames, small enough to be read again; tests of pairs by frames are not possible then."""

    def slim(scores: Scores) -> Scores:
        return scores.model_copy(
            update={"systems": [one.model_copy(update={"correctness": ""}) for one in scores.systems]}
        )

    said = "correctness of frames is left out: the record would be too large with it"
    by_seed = [one.model_copy(update={"scores": slim(one.scores)}) for one in record.by_seed]
    notices = [*record.notices, said]
    return record.model_copy(update={"scores": slim(record.scores), "by_seed": by_seed, "notices": notices})


def _checked(what: str, name: str) -> str:
    if not NAME.fullmatch(name):
        raise ConfigError(f"{what} name {name!r} cannot name a file; use letters, digits, '.', '_', '+' and '-'")
    return name
