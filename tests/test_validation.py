"""What pydantic found wrong, as one line for a person."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from harness.validation import explain


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Inner(Strict):
    margin: float = Field(0, ge=0, le=1)
    other: int = 0


class Outer(Strict):
    name: str
    inner: Inner = Inner()
    many: list[Inner] = []
    table: dict[str, int] = {}

    @model_validator(mode="after")
    def _check(self) -> Outer:
        if self.name == "bad":
            raise ValueError("Two keys do not go together")
        return self


def explained(data: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        Outer.model_validate(data)
    return explain(caught.value, Outer)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (
            {"name": "x", "iner": {}},
            "key 'iner' is not known; did you mean 'inner'? (known: inner, many, name, table)",
        ),
        (
            {"name": "x", "inner": {"margn": 1}},
            "key 'inner.margn' is not known; did you mean 'margin'? (known: margin, other)",
        ),
        (
            {"name": "x", "many": [{}, {"margn": 1}]},
            "key 'many.1.margn' is not known; did you mean 'margin'? (known: margin, other)",
        ),
        ({}, "key 'name' is missing"),
        ({"name": "x", "inner": {"margin": 2}}, "key 'inner.margin' = 2: input should be less than or equal to 1"),
        ({"name": "bad"}, "two keys do not go together"),
        (
            {"name": "x", "table": {"a": "b"}},
            "key 'table.a' = 'b': input should be a valid integer, unable to parse string as an integer",
        ),
    ],
)
def test_each_problem_names_its_key_and_the_nearest(data: Any, text: str) -> None:
    assert explained(data) == text


def test_the_first_problems_are_told_and_the_rest_counted() -> None:
    text = explained({"name": "x", "many": [{"margin": 2}] * 5})
    assert text.count("many.") == 3
    assert text.endswith("; and 2 more")


def test_long_values_are_cut() -> None:
    text = explained({"name": "x", "inner": {"margin": "z" * 500}})
    assert "zzz...: " in text
    assert len(text) < 200


def test_a_key_can_be_called_an_option() -> None:
    with pytest.raises(ValidationError) as caught:
        Inner.model_validate({"x": 1})
    assert explain(caught.value, Inner, "option").startswith("option 'x' is not known")
