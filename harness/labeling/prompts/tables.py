"""The tables of a prompt set's file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from harness.labeling.prompts.rendering import Answer, Listing

Text = Annotated[str, StringConstraints(min_length=1, pattern=r"\S")]
VARIABLES = ("options", "count", "space")


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class OptionsTable(_Table):
    """[prompts.options]: how {options} is written out."""

    open: str = Field("", description="stands before each class name, e.g. a quotation mark")
    close: str = Field("", description="stands after each class name")
    separator: str = Field(", ", description="stands between two class names")
    last: str | None = Field(None, description="stands before the last class name; default: the separator")

    def listing(self) -> Listing:
        """The same, complete."""
        return Listing(self.open, self.close, self.separator, self.separator if self.last is None else self.last)


class PromptTable(_Table):
    """[[prompts]]: one prompt, one voter."""

    name: Text = Field(description="unique in the set; the name of its voter")
    system: str = Field("", description="system prompt")
    text: Text | None = Field(None, description="the question, beside the face")
    steps: Annotated[tuple[Text, ...], Field(strict=False)] = Field(
        (), description="in place of text: several questions, one after the other; the last reply is the answer"
    )
    options: OptionsTable = Field(OptionsTable(), description="how {options} is written out")

    @model_validator(mode="after")
    def _one_or_the_other(self) -> Self:
        if (self.text is None) == (not self.steps):
            raise ValueError(f"prompt {self.name!r} needs either text or steps")
        return self

    @property
    def questions(self) -> tuple[str, ...]:
        """The questions, one a step."""
        return self.steps or (self.text or "",)

    def texts(self) -> Iterator[tuple[str, str]]:
        """The keys of the templates, and the templates."""
        yield "system", self.system
        yield from ((f"steps.{step}" if self.steps else "text", text) for step, text in enumerate(self.questions))


class ExampleTable(_Table):
    """[[examples]]: a face with its label, shown before the face in question."""

    image: Text = Field(description="JPEG or PNG file, relative to the prompt set's file")
    label: Text = Field(description="its class: a name or an alias of the label space")
    replies: Annotated[tuple[Text, ...], Field(strict=False)] = Field(
        (), description="what is answered in each step but the last"
    )


class SpaceTable(_Table):
    """[[spaces]]: what this set does with the classes of one label space."""

    name: Text = Field(description="name of the label space")
    order: Annotated[tuple[Text, ...], Field(strict=False)] = Field(
        (), description="all its classes, in the order in which they are listed; default: by class id"
    )
    spellings: dict[str, Text] = Field({}, description="class -> how this set spells it; default: its name")


class SetTable(_Table):
    """A prompt set's file."""

    name: Text = Field(description="name of the set")
    description: str = Field("", description="what it is for, one line")
    answer: Answer = Field("text", description="free text, or enum: JSON bound to the class names by a schema")
    way_out: str = Field("", description="an answer that is no class, e.g. none of these; its variable is {way_out}")
    spaces: Annotated[tuple[SpaceTable, ...], Field(strict=False)] = ()
    prompts: Annotated[tuple[PromptTable, ...], Field(strict=False, min_length=1)]
    examples: Annotated[tuple[ExampleTable, ...], Field(strict=False)] = ()

    @model_validator(mode="after")
    def _unique_names(self) -> Self:
        for what, names in (
            ("prompts", [one.name for one in self.prompts]),
            ("spaces", [one.name for one in self.spaces]),
        ):
            twice = next((name for name in names if names.count(name) > 1), None)
            if twice is not None:
                raise ValueError(f"two of the {what} are named {twice!r}")
        return self

    @property
    def variables(self) -> tuple[str, ...]:
        """Variables that its texts may use."""
        return (*VARIABLES, "way_out") if self.way_out else VARIABLES
