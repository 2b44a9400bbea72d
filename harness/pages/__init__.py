"""HTML pages that lie on their own, ask the network for nothing and never take shown text for markup.

A page is a jinja2 template `name.html` with `name.css` and `name.js` beside it; `base.css` and `base.js` here are what
all pages share. Its Content-Security-Policy lets that one style and that one script work, by their sha256, and nothing
else: text of models, plugins and file names is escaped by jinja2, and reaches scripts as data only (`embedded`).
"""

from __future__ import annotations

import base64
import hashlib
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


def render(template: Path, values: Mapping[str, Any]) -> str:
    """The page of `template` (its .html) with `values`; StrictUndefined: a name that is not given is an error.

    The template says {{ policy }}, {{ style }} and {{ script }} where these belong.
    """
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    style, script = (_joined(template, suffix) for suffix in (".css", ".js"))
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    # the two are this project's own files, no shown text among them: as they stand, or their hashes would not fit
    own = {"policy": policy(style, script), "style": Markup(style), "script": Markup(script)}  # noqa: S704
    return environment.from_string(template.read_text(encoding="utf-8")).render(**values, **own)


def policy(style: str, script: str) -> str:
    """The Content-Security-Policy of a page: its one style, its one script, images within the page, nothing else."""
    digests = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in (style, script)]
    return (
        f"default-src 'none'; img-src data:; style-src 'sha256-{digests[0]}'; script-src 'sha256-{digests[1]}'; "
        "base-uri 'none'; form-action 'none'"
    )


def embedded(content: bytes) -> str:
    """Data for `unfolded` in base.js: deflated, in base64, whose letters mean nothing in HTML."""
    return base64.b64encode(zlib.compress(content, 9)).decode("ascii")


def _joined(template: Path, suffix: str) -> str:
    parts = [path for path in (HERE / f"base{suffix}", template.with_suffix(suffix)) if path.is_file()]
    return "".join(path.read_text(encoding="utf-8") for path in parts)
