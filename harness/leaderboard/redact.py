"""Records are meant to be shared: absolute paths, secrets and credentials are taken out of them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePath, PurePosixPath, PureWindowsPath
from typing import Any

HIDDEN = "(hidden)"
SECRET = re.compile(r"(^|[_.-])(api[_-]?key|secret|password|passwd|token|authorization)$", re.IGNORECASE)
CREDENTIALS = re.compile(r"(?<=://)[^/\s@]+@")
QUOTED = re.compile(r"(?P<quote>['\"`])(?P<path>(?:file://)?(?:~?/[^'\"`]+/|[A-Za-z]:[\\/])[^'\"`]*)(?P=quote)")
# a path in running text: at least one folder and a name, not part of a URL, a fraction or another word
BARE = re.compile(r"(?<![\w.:/\\~<>])(?:file://)?(?:~?/(?:[^\s/'\"`,;]+/)+[^\s/'\"`,;]*|[A-Za-z]:[\\/][^\s'\"`,;]*)")


def redacted(value: Any) -> Any:
    """JSON-ready data with every absolute path shortened to its last component, and secrets hidden.

    A string that is an absolute path as a whole is shortened, and so is one within a longer string. Strings under keys
    such as api_key, token or password, and user names and passwords in URLs, are replaced by "(hidden)".
    """
    if isinstance(value, Mapping):
        return {str(redacted(key)): _hidden(key, one) for key, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [redacted(one) for one in value]
    if isinstance(value, PurePath):
        return _last(str(value)) if value.is_absolute() else value.as_posix()
    return _text(value) if isinstance(value, str) else value


def _hidden(key: Any, value: Any) -> Any:
    secret = isinstance(value, str) and bool(value) and SECRET.search(str(key))
    return HIDDEN if secret else redacted(value)


def _text(text: str) -> str:
    if _is_path(text):
        return _last(text)
    text = CREDENTIALS.sub(f"{HIDDEN}@", text)
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
