"""Records are meant to be shared: paths, secrets, private hosts and addresses of people are taken out of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import PurePath, PurePosixPath, PureWindowsPath
from typing import Any, NamedTuple

HIDDEN = "(hidden)"
SECRET = re.compile(r"(^|[_.-])(api[_-]?key|secret|password|passwd|token|authorization)$", re.IGNORECASE)
CREDENTIALS = re.compile(r"(?<=://)[^/\s@]+@")
QUOTED = re.compile(r"(?P<quote>['\"`])(?P<path>(?:file://)?(?:~?/[^'\"`]+/|[A-Za-z]:[\\/])[^'\"`]*)(?P=quote)")
# a path in running text: at least one folder and a name, not part of a URL, a fraction or another word
BARE = re.compile(r"(?<![\w.:/\\~<>])(?:file://)?(?:~?/(?:[^\s/'\"`,;]+/)+[^\s/'\"`,;]*|[A-Za-z]:[\\/][^\s'\"`,;]*)")
ADDRESS = re.compile(r"(?<![\w.%+-])[\w.%+-]+@(?:[A-Za-z0-9-]+\.)+[A-Za-z]{2,}(?![\w-])")
# keys by the form that providers give them: Anthropic and OpenAI, Hugging Face, GitHub, AWS, Google, Slack, JSON web
KEY = re.compile(
    r"(?<![\w-])(?:sk-[\w-]{16,}|hf_[A-Za-z0-9]{16,}|gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|AKIA[A-Z0-9]{16}"
    r"|AIza[\w-]{30,}|xox[abprs]-[\w-]{10,}|eyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]*)"
    r"|(?<=Bearer )[\w.~+/-]{8,}"
)
# a host that only its owners can reach: behind :// without a dot, in a private zone or address range; in running text
# in a private zone with a digit, a hyphen or a second dot in its name, which `threading.local` has not
PRIVATE_ADDRESS = r"(?:10|192\.168|172\.(?:1[6-9]|2\d|3[01])|169\.254)(?:\.\d{1,3}){2,3}"
ZONE = r"\.(?:local|localdomain|lan|home|corp|internal|intranet)"
HOST = re.compile(
    rf"(?<=://)(?!localhost\b|\(hidden\))(?:{PRIVATE_ADDRESS}|[\w.-]+{ZONE}|[A-Za-z][\w-]*)(?=[:/?#\s'\"`),;]|$)"
    rf"|(?<![\w.-])(?=[\w-]*[\d-]|[\w-]+\.[\w-]+\.)[\w.-]+{ZONE}(?![\w.-])",
    re.IGNORECASE,
)
PATTERNS = {"a key": KEY, "an e-mail address": ADDRESS, "a private host name": HOST}


class Leak(NamedTuple):
    """Something personal in JSON-ready data: the key it stands under ("notices.3") and what it is."""

    where: str
    what: str


def redacted(value: Any) -> Any:
    """JSON-ready data with every absolute path shortened to its last component, and what is personal hidden.

    A string that is an absolute path as a whole is shortened, and so is one within a longer string. Strings under keys
    such as api_key, token or password, user names and passwords in URLs, API keys, e-mail addresses and host names of
    private networks are replaced by "(hidden)".
    """
    if isinstance(value, Mapping):
        return {str(redacted(key)): _hidden(key, one) for key, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [redacted(one) for one in value]
    if isinstance(value, PurePath):
        return _last(str(value)) if value.is_absolute() else value.as_posix()
    return _text(value) if isinstance(value, str) else value


def leaks(value: Any, names: Mapping[str, str] | None = None, where: str = "") -> Iterator[Leak]:
    """What `redacted` would take out of JSON-ready data, place by place; and whole words that are among `names`.

    names: what must not occur -> what it is, such as {"gpu-box-3": "this machine's host name"}.
    """
    if isinstance(value, Mapping):
        for key, one in value.items():
            place = f"{where}.{key}" if where else str(key)
            if isinstance(one, str) and one not in ("", HIDDEN) and SECRET.search(str(key)):
                yield Leak(place, "a secret")
            yield from leaks(str(key), names, f"a key of {where or 'the record'}")
            yield from leaks(one, names, place)
    elif isinstance(value, list | tuple):
        for number, one in enumerate(value):
            if isinstance(one, str | Mapping | list | tuple):
                yield from leaks(one, names, f"{where}.{number}")
    elif isinstance(value, str):
        yield from (Leak(where, what) for what in _personal(value, names or {}))


def _personal(text: str, names: Mapping[str, str]) -> Iterator[str]:
    if len(text) < 4:  # most strings of a record are short: nothing personal fits
        return
    shown = text.replace(f"{HIDDEN}@", "")
    hidden = CREDENTIALS.sub("", shown)
    if hidden != shown:
        yield "a password"
    yield from (what for what, pattern in PATTERNS.items() if pattern.search(hidden))
    if ("/" in text or "\\" in text) and _without_paths(text) != text:
        yield "an absolute path"
    for name, what in names.items():
        if re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", text, re.IGNORECASE):
            yield what


def _hidden(key: Any, value: Any) -> Any:
    secret = isinstance(value, str) and bool(value) and SECRET.search(str(key))
    return HIDDEN if secret else redacted(value)


def _text(text: str) -> str:
    plain = _without_paths(CREDENTIALS.sub(f"{HIDDEN}@", text))
    for pattern in PATTERNS.values():
        plain = pattern.sub(HIDDEN, plain)
    return plain


def _without_paths(text: str) -> str:
    if _is_path(text):
        return _last(text)
    text = QUOTED.sub(lambda found: found["quote"] + _last(found["path"]) + found["quote"], text)
    return BARE.sub(lambda found: _last(found[0]), text)


def _is_path(text: str) -> bool:
    if "\n" in text:
        return False
    return text.startswith(("/", "~/", "file://", "\\\\")) or bool(re.match(r"[A-Za-z]:[\\/](?!/)", text))


def _last(path: str) -> str:
    plain = path.removeprefix("file://")
    kind = PurePosixPath if plain.startswith(("/", "~")) else PureWindowsPath
    return kind(plain).name
