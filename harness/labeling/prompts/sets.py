"""Prompt sets: read from TOML, checked, and fitted to a label space."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from harness.errors import ConfigError, DataError, nearest
from harness.expressions import LabelSpace
from harness.labeling.images import prepare
from harness.labeling.prompts.fitting import fit
from harness.labeling.prompts.rendering import Answer, RenderedPrompt
from harness.labeling.prompts.tables import SetTable
from harness.labeling.prompts.templates import Template
from harness.validation import explain
from harness.vlm import ImageOptions

FOLDER = Path(__file__).parent
RENDERING = 1  # raise it when the same set gives other prompts; part of every set's content


@dataclass(frozen=True)
class PromptSet:
    """The prompts that a labeler asks, each a voter of its own.

    table: the file's content; origin: its name, for messages; images: of the examples, as stored, and the sha256 of
    each; metadata is taken out before they are sent
    """

    table: SetTable
    origin: str
    images: tuple[bytes, ...] = ()

    @property
    def name(self) -> str:
        """Name of the set."""
        return self.table.name

    @property
    def description(self) -> str:
        """What the set is for, one line."""
        return self.table.description

    @property
    def answer(self) -> Answer:
        """What it wants: free text, or a JSON answer bound to the class names."""
        return self.table.answer

    def content(self) -> dict[str, Any]:
        """All that decides what is asked, JSON-ready, for fingerprints; example images by their sha256."""
        content = self.table.model_dump(mode="json", exclude={"description", "examples"})
        examples = [
            {**example.model_dump(mode="json", exclude={"image"}), "image": sha256(image).hexdigest()}
            for example, image in zip(self.table.examples, self.images, strict=True)
        ]
        return {"rendering": RENDERING, **content, "examples": examples}

    def render(
        self, space: LabelSpace, answer: Answer | None = None, image: Callable[[bytes], bytes] | None = None
    ) -> tuple[RenderedPrompt, ...]:
        """The prompts with the classes of a space.

        answer: the form in which the examples answer, if not the set's own; image: what is done to the examples'
        images before they are sent, so that they look like the faces; by default their metadata goes and no more.
        ConfigError where the set names classes that the space does not have.
        """
        transform = image or (lambda stored: prepare(stored, ImageOptions()))
        images = tuple(transform(stored) for stored in self.images)
        return fit(self.table, self.origin, space, answer or self.answer, images)


def built_in() -> list[str]:
    """Names of the sets that come with the harness."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def load_prompt_set(name_or_path: str) -> PromptSet:
    """A built-in set by name, or a set of the user's by the path of its .toml file.

    ConfigError, one line that names the file and the key, for whatever cannot be used.
    """
    path = _find(name_or_path)
    origin = f"prompt set {name_or_path}"
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{origin}: cannot be read: {error.strerror or error}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{origin}: not valid TOML: {error}") from error
    try:
        table = SetTable.model_validate(data)
    except ValidationError as error:
        raise ConfigError(f"{origin}: {explain(error, SetTable)}") from error
    _check_texts(table, origin)
    images = tuple(
        _image(path.parent / example.image, f"{origin}: key 'examples.{place}.image'")
        for place, example in enumerate(table.examples)
    )
    return PromptSet(table, origin, images)


def _find(name_or_path: str) -> Path:
    path = Path(name_or_path).expanduser()
    if path.suffix == ".toml":
        if not path.is_file():
            raise ConfigError(f"prompt set {name_or_path}: no such file")
        return path
    if name_or_path not in built_in():
        hint = nearest(name_or_path, built_in())
        raise ConfigError(f"prompt set {name_or_path!r} is neither a .toml file nor a built-in name{hint}")
    return FOLDER / f"{name_or_path}.toml"


def _check_texts(table: SetTable, origin: str) -> None:
    """Every template once, so that a misspelt variable is found before any label space is known."""
    for place, prompt in enumerate(table.prompts):
        for key, text in prompt.texts():
            Template.parse(text, table.variables, f"{origin}: key 'prompts.{place}.{key}'")


def _image(path: Path, where: str) -> bytes:
    try:
        stored = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{where} = '{path}': cannot be read: {error.strerror or error}") from error
    try:
        prepare(stored, ImageOptions())
    except DataError as error:
        raise ConfigError(f"{where} = '{path}': {error}") from error
    return stored
