"""What a reply is made of: its words and the marks that divide them, whatever the typography."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterable

# Scripts written without spaces: each character is a word of its own, so that a Latin name beside it stays whole.
_CJK = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
_TOKEN = re.compile(
    rf"[^\W\d_{_CJK}]+(?:'(?:t|s|re|ve|ll|d|m)(?!\w))?"  # words, with the ending of a contraction
    rf"|[{_CJK}]|\d+|\n|[.!?](?!\d)|[,;:=()\[\]/&+|%—]"
    r"|(?<=\s)--?(?=\s)"  # a dash between spaces divides; a hyphen joins
    r"|(?<=\w )>(?= \w)"  # "A > B"
)
_QUOTES = '"“”„‟«»‹›「」『』《》〈〉【】〔〕〝〞〟＂｢｣'
_APOSTROPHES = "'‘’‚‛ʼ´`＇"
_INVISIBLE = "\u00ad\u200b\u200c\u200d\u2060\ufeff\ufe0e\ufe0f"
EDGES = f" \t\r\n\v\f\u00a0\u3000{_QUOTES}{_APOSTROPHES}{_INVISIBLE}*_#>.,;:!?()[]{{}}-–—•·|…。、！？：；，（）"

_TYPOGRAPHY = str.maketrans(
    dict.fromkeys(_QUOTES, '"')
    | dict.fromkeys(_APOSTROPHES, "'")
    | dict.fromkeys(_INVISIBLE)
    | {"–": "—", "―": "—", "。": ".", "、": ",", "→": ":", "⇒": ":", "¿": None, "¡": None}
    # Ticks and crosses speak: as words the lexicon can know them.
    | dict.fromkeys("✓✔✅☑", " tickmark ")
    | dict.fromkeys("✗✘❌✖", " crossmark ")
)
_STRUCK = re.compile(r"~~[^~\n]{1,200}~~")
_TAGGED = re.compile(r"<(answer|label|final_answer|result|output|emotion|expression)>(.{0,400}?)</\1>", re.S)
_TAG = re.compile(r"</?[a-z|][^<>\n]{0,40}>")
_BOXED = re.compile(r"\\boxed\s*\{\s*(?:\\text\w*\s*\{)?([^{}]{0,200})\}{1,2}")
_BOLD = re.compile(r"\*\*([^*\n]{1,80})\*\*|__([^_\n]{1,80})__")
_SEPARATORS = re.compile(r"[\s\-_*\"'`]+")
THINKING, THOUGHT = "<think>", "</think>"


_SHORTHANDS = (("vs.", "vs"), ("i.e.", "that is"), ("e.g.", "such as"), ("->", ":"), ("=>", ":"))
_UNUSUAL = re.compile(r"[<~\[\\&>]|un-|vs\.|i\.e|e\.g")


def normalise(text: str) -> str:
    """Case and typography taken off: compatibility forms, quotation marks, dashes, invisible characters."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text).translate(_TYPOGRAPHY)
    elif "`" in text:
        text = text.replace("`", "'")
    return text.casefold()


def unwrap(text: str) -> str:
    """Normalised text without markup that carries no words; an answer in a tag or box becomes an answer in words."""
    if _UNUSUAL.search(text) is None:
        return text
    for short, long in _SHORTHANDS:
        text = text.replace(short, long)
    if "&" in text and ";" in text:
        text = html.unescape(text)
    if "un-" in text:  # "un-happy" is not happy
        text = text.replace("un-", "un")
    if "[x]" in text:
        text = text.replace("[x]", " tickmark ").replace("[ ]", " crossmark ")
    if "~~" in text:
        text = _STRUCK.sub(" ", text)
    if "\\boxed" in text:
        text = _BOXED.sub(r"\nfinal answer: \1.\n", text)
    if "<" in text:
        text = _TAGGED.sub(r"\nfinal answer: \2.\n", text)
        text = _TAG.sub(" ", text)
    return text


def tokenise(text: str) -> list[str]:
    """Words and dividing marks of a normalised text; quotation marks, emphasis and hyphens are dropped."""
    return _TOKEN.findall(text)


def joined(text: str) -> str:
    """A short normalised text as a key: hyphens, underscores, emphasis and spaces in it are one space."""
    return _SEPARATORS.sub(" ", text).strip(EDGES)


def emphasised(text: str) -> Iterable[str]:
    """The bold passages of a normalised text."""
    return (match[1] or match[2] for match in _BOLD.finditer(text))
