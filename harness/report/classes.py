"""How classes are told apart on the page: short names, colours with letters that can be read on them, and textures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from harness.charts.style import class_colours

TEXTURES = 8  # patterns in the page's template
DARK, LIGHT = "#14181f", "#ffffff"


def short_names(names: Sequence[str]) -> list[str]:
    """A short name of each class, no two alike: initials, with more letters of each word where these are the same."""
    found = [_initials(name, 1) for name in names]
    for letters in (2, 3, 4):
        repeated = {name for name, count in Counter(found).items() if count > 1}
        if not repeated:
            return found
        found = [
            _initials(name, letters) if short in repeated else short for name, short in zip(names, found, strict=True)
        ]
    return found if len(set(found)) == len(found) else [str(number) for number in range(len(names))]


def _initials(name: str, letters: int) -> str:
    """ "Sadly Angry" -> "SA", with two letters "SaAn"."""
    return "".join(word[:1].upper() + word[1:letters] for word in name.split())


def texture(class_id: int) -> int:
    """The pattern laid over a class's colour: another one where colours come again, lighter."""
    return (class_id + class_id // TEXTURES) % TEXTURES


def style(number: int) -> str:
    """CSS rules of that many classes: .k3 fills, .n3 writes upon it, .l3 draws a line."""
    colours = class_colours(number)
    return "".join(
        f".k{one}{{fill:{colour}}}.n{one}{{fill:{ink(colour)}}}.l{one}{{stroke:{colour}}}\n"
        for one, colour in enumerate(colours)
    )


def ink(colour: str) -> str:
    """Black or white, whichever can be read better on a colour "#rrggbb" (WCAG 2, relative luminance)."""
    return LIGHT if (luminance(colour) + 0.05) ** 2 < 1.05 * (luminance(DARK) + 0.05) else DARK


def luminance(colour: str) -> float:
    """Relative luminance in [0, 1] of "#rrggbb" (WCAG 2)."""
    parts = (int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5))
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
