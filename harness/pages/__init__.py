"""Pages that are one file: a strict policy, one style and one script by their hashes, data that can never be markup.

A page asks the network for nothing. Its Content-Security-Policy lets its own style and script work, pictures within the
page, and nothing else; so a text that slipped through the escaping still does nothing. base.css and base.js hold what
the pages of this house share.
"""

from __future__ import annotations

import base64
import hashlib
import json
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from markupsafe import Markup

HERE = Path(__file__).parent
# within <script> only "</script" and "<!--" mean anything to a parser; & is for those who read the page as XML, and the
# two separators end a line of JavaScript but not of JSON
UNSAFE = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}


def policy(styles: Sequence[str], scripts: Sequence[str]) -> str:
    """The Content-Security-Policy of a page with these texts between its <style> and <script> tags."""
    return (
        f"default-src 'none'; img-src data:; style-src {_sources(styles)}; script-src {_sources(scripts)}; "
        "base-uri 'none'; form-action 'none'"
    )


def _sources(texts: Sequence[str]) -> str:
    digests = (base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in texts)
    return " ".join(f"'sha256-{digest}'" for digest in digests) or "'none'"


def embedded(data: Any) -> Markup:
    """JSON to stand within <script type="application/json">, whatever texts it holds. ValueError for NaN."""
    from markupsafe import Markup

    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for character, escape in UNSAFE.items():
        text = text.replace(character, escape)
    return Markup(text)  # noqa: S704  nothing in it can end the element


def folded(content: bytes) -> str:
    """Much data, for `unfolded` in base.js: deflated, in base64, whose letters mean nothing in HTML."""
    return base64.b64encode(zlib.compress(content, 6)).decode("ascii")


def unfolded(text: bytes, most: int) -> bytes:
    """What `folded` was given; the text itself if it is something else, or unfolds to more than `most` bytes."""
    unfold = zlib.decompressobj()
    try:
        content = unfold.decompress(base64.b64decode(text, validate=True), most)
    except (ValueError, zlib.error):  # binascii.Error is a ValueError
        return text
    return content if unfold.eof else text


def beside(template: Path, scripts: Sequence[str] = ()) -> tuple[str, str, str]:
    """The text of a template name.html, and style and script for it: the shared ones, then name.css and name.js beside
    it, or instead of name.js the named scripts in their order."""
    styles = [HERE / "base.css", template.with_suffix(".css")]
    own = [template.with_name(name) for name in scripts] or [template.with_suffix(".js")]
    texts = [[template], styles, [HERE / "base.js", *own]]
    html, style, script = ("".join(path.read_text(encoding="utf-8") for path in paths) for paths in texts)
    return html, style, script


def rendered(template: str, style: str, script: str, **values: Any) -> str:
    """The page of a Jinja template that holds {{ policy }}, <style>{{ style }}</style>, <script>{{ script }}</script>.

    All other values are escaped, those of `embedded` excepted. ValueError if style or script would end its own tag.
    """
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    for tag, text in (("style", style), ("script", script)):
        if f"</{tag}" in text.lower() or "<!--" in text:
            raise ValueError(f"the page's {tag} holds '</{tag}' or '<!--', which would end it early")
    own = {"style": Markup(style), "script": Markup(script)}  # noqa: S704  the page's own text, not data
    made = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return made.from_string(template).render(policy=policy([style], [script]), **own, **values)
