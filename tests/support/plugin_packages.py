"""Distributions with a plugin, as pip would have installed them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from harness.plugins import Registry

PLUGIN = """
from typing import Literal
from pydantic import Field, field_validator
from harness.components import ComponentSpec, Options
from harness.hookspecs import hookimpl

class ShoutOptions(Options):
    volume: int = Field(3, ge=1, le=11, description="how loud")
    mood: Literal["glad", "sad"] = "glad"

    @field_validator("mood")
    @classmethod
    def _breaks(cls, value):
        return {"glad": value}[value]

@hookimpl
def harness_aggregators():
    yield ComponentSpec("shout", "the loudest wins", ShoutOptions, "harness_shout.voice:Shout"SPEC)
"""
VOICE = """
class Shout:
    def __init__(self, options):
        self.volume = options.volume
"""


class Install(Protocol):
    """Installs a distribution whose one plugin is the source given: the fixture `install`."""

    def __call__(self, name: str, plugin: str, modules: Mapping[str, str] | None = None, **facts: str) -> None: ...


def install_shout(install: Install, spec: str = "", voice: str = VOICE) -> None:
    modules = {"harness_shout/voice.py": voice} if voice else {}
    install("shout", PLUGIN.replace("SPEC", spec), modules)


def failures(registry: Registry, distribution: str) -> list[str]:
    return [one.text for one in registry.failures if one.distribution == distribution]


def announcing(expression: str) -> str:
    return f"""
from harness.components import ComponentSpec, Options
from harness.hookspecs import hookimpl

@hookimpl
def harness_aggregators():
    return {expression}
"""
