"""A prompt set fitted to a label space: order and spelling of the classes, and the examples."""

from __future__ import annotations

import json
from dataclasses import replace

from harness.errors import ConfigError, listed, nearest
from harness.expressions import LabelSpace
from harness.labeling.prompts.rendering import Answer, RenderedPrompt
from harness.labeling.prompts.tables import SetTable, SpaceTable
from harness.labeling.prompts.templates import Template
from harness.vlm import Message


def fit(
    table: SetTable, origin: str, space: LabelSpace, answer: Answer, images: tuple[bytes, ...]
) -> tuple[RenderedPrompt, ...]:
    """The set's prompts for a space; ConfigError, beginning with `origin`, where the set does not fit it."""
    place, own = next(
        ((place, one) for place, one in enumerate(table.spaces) if one.name == space.name), (0, SpaceTable(name="-"))
    )
    where = f"{origin}: key 'spaces.{place}"
    spelt = _spelt(own, space, where)
    order = _order(own, space, where)
    if table.way_out and table.way_out.casefold() in {name.casefold() for name in (*spelt, *space.names)}:
        raise ConfigError(f"{origin}: key 'way_out' = {table.way_out!r}: is a class of label space {space.name!r}")
    labels = [_label(table, number, origin, space) for number in range(len(table.examples))]
    values = {"count": str(len(space)), "space": space.name, "way_out": table.way_out}
    rendered = []
    for number, prompt in enumerate(table.prompts):
        parsed = {
            key: Template.parse(text, table.variables, f"{origin}: key 'prompts.{number}.{key}'")
            for key, text in prompt.texts()
        }
        bare = RenderedPrompt(
            name=prompt.name,
            answer=answer,
            spellings=dict(zip(spelt, space.names, strict=True)),
            system=parsed.pop("system"),
            texts=tuple(parsed.values()),
            listing=prompt.options.listing(),
            values=values,
            constant=order,
            way_out=table.way_out,
        )
        shown = [
            _example(bare, image, spelt[label], example.replies, f"{origin}: key 'examples.{place}.replies'")
            for place, (example, image, label) in enumerate(zip(table.examples, images, labels, strict=True))
        ]
        rendered.append(replace(bare, examples=tuple(message for messages in shown for message in messages)))
    return tuple(rendered)


def _spelt(own: SpaceTable, space: LabelSpace, where: str) -> tuple[str, ...]:
    """The classes as the set spells them, by class id."""
    spelt = list(space.names)
    for name, spelling in own.spellings.items():
        class_id = space.find(name)
        if class_id is None:
            raise ConfigError(
                f"{where}.spellings.{name}': is no class of label space {space.name!r}{nearest(name, space.names)}"
            )
        if space.find(spelling) not in (None, class_id):
            other = space.names[space.id_of(spelling)]
            raise ConfigError(f"{where}.spellings.{name}' = {spelling!r}: names another class, {other!r}")
        spelt[class_id] = spelling
    folded = [name.casefold() for name in spelt]
    twice = next((name for name in spelt if folded.count(name.casefold()) > 1), None)
    if twice is not None:
        raise ConfigError(f"{where}.spellings': two classes of label space {space.name!r} are spelt {twice!r}")
    return tuple(spelt)


def _order(own: SpaceTable, space: LabelSpace, where: str) -> tuple[int, ...]:
    """Class ids in the order in which the set lists them."""
    if not own.order:
        return tuple(range(len(space)))
    found = [space.find(name) for name in own.order]
    for name, class_id in zip(own.order, found, strict=True):
        if class_id is None:
            hint = nearest(name, space.names)
            raise ConfigError(f"{where}.order': {name!r} is no class of label space {space.name!r}{hint}")
        if found.count(class_id) > 1:
            raise ConfigError(f"{where}.order': {space.names[class_id]!r} stands twice")
    missing = [name for class_id, name in enumerate(space.names) if class_id not in found]
    if missing:
        raise ConfigError(f"{where}.order': {listed(missing)} is missing; name every class once")
    return tuple(class_id for class_id in found if class_id is not None)


def _label(table: SetTable, place: int, origin: str, space: LabelSpace) -> int:
    label = table.examples[place].label
    class_id = space.find(label)
    if class_id is None:
        hint = nearest(label, space.names)
        raise ConfigError(
            f"{origin}: key 'examples.{place}.label' = {label!r}: is no class of label space {space.name!r}{hint}"
        )
    return class_id


def _example(
    prompt: RenderedPrompt, image: bytes, label: str, replies: tuple[str, ...], where: str
) -> tuple[Message, ...]:
    """The conversation about one example, in the set's own order of options: the same before every face."""
    if len(replies) < prompt.steps - 1:
        raise ConfigError(f"{where}: prompt {prompt.name!r} has {prompt.steps} steps; give {prompt.steps - 1} replies")
    answer = json.dumps({"label": label}, ensure_ascii=False) if prompt.answer == "enum" else label
    _, questions = prompt.asked(prompt.constant)
    messages = []
    for step, (question, reply) in enumerate(zip(questions, (*replies[: prompt.steps - 1], answer), strict=True)):
        messages += [Message("user", question, None if step else image), Message("assistant", reply)]
    return tuple(messages)
