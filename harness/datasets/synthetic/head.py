"""Paints what surrounds the face: hair, neck and shoulders, ears and skin, beard, glasses."""

from __future__ import annotations

import numpy as np

from harness.datasets.synthetic.geometry import Array
from harness.datasets.synthetic.sitter import Sitter
from harness.datasets.synthetic.strokes import darker, disc, fill, line, mix, tapered


def paint_hair_behind(sitter: Sitter) -> None:
    """The mass of hair behind the head."""
    drawing, style = sitter.drawing, sitter.who.style
    if style == "none":
        return
    skull = drawing.curve("skull")
    middle = (drawing.point("templeL") + drawing.point("templeR")) / 2
    grow = {"afro": 1.32, "long": 1.14, "bob": 1.17, "bun": 1.06}.get(style, 1.05)
    top = _about(middle, skull, grow)
    dark = darker(sitter.who.hair, 0.72)
    if style in ("long", "bob"):
        jaw = (drawing.point("jaw2L") + drawing.point("jaw2R")) / 2
        length = 1.25 if style == "long" else 0.55
        half = (drawing.point("jaw2R") - drawing.point("jaw2L")) / 2 * 1.42
        down = np.array([0.0, length * sitter.unit])
        fill(sitter.image, np.concatenate([top, [jaw + half + down, jaw - half + down]]), dark)
    else:
        ears = [drawing.point("ear1R"), drawing.point("ear1L")]
        fill(sitter.image, np.concatenate([top, ears]), dark)
    if style == "bun":
        disc(sitter.image, drawing.point("skull0") - [0, 0.2 * sitter.unit], 0.42 * sitter.unit, sitter.who.hair)


def paint_body(sitter: Sitter) -> None:
    """Neck and shoulders."""
    drawing, unit = sitter.drawing, sitter.unit
    left, right, chin = drawing.point("jaw2L"), drawing.point("jaw2R"), drawing.point("chin")
    middle = (left + right) / 2
    neck = 0.62 * unit
    bottom = max(chin[1], middle[1]) + 0.65 * unit
    far = sitter.image.shape[0] + 4 * unit
    x = middle[0]
    shoulders = np.array(
        [
            [x - 2.1 * unit, far], [x - 2.05 * unit, bottom + 0.55 * unit], [x - 1.5 * unit, bottom + 0.2 * unit],
            [x - neck * 1.2, bottom - 0.1 * unit], [x + neck * 1.2, bottom - 0.1 * unit],
            [x + 1.5 * unit, bottom + 0.2 * unit], [x + 2.05 * unit, bottom + 0.55 * unit], [x + 2.1 * unit, far],
        ]
    )  # fmt: skip
    fill(sitter.image, shoulders, sitter.who.clothes)
    y = middle[1] - 0.1 * unit
    collar = [[x + neck * 0.9, bottom], [x, bottom + 0.35 * unit], [x - neck * 0.9, bottom]]
    throat = np.array([[x - neck, y], [x + neck, y], *collar])
    fill(sitter.image, throat, darker(sitter.who.skin, 0.82))
    shadow = drawing.curve("jawline")[6:-6]
    drop = np.array([0.0, 0.16 * unit])
    inside = np.clip(shadow + drop, [x - neck, 0], [x + neck, far])
    fill(sitter.image, inside, darker(sitter.who.skin, 0.62))


def paint_skin(sitter: Sitter) -> None:
    """Ears and the skin of the face."""
    skin = sitter.who.skin
    for side in "LR":
        fill(sitter.image, sitter.drawing.curve(f"ear{side}"), darker(skin, 0.9))
    if sitter.who.style == "none":
        fill(sitter.image, sitter.drawing.curve("skull"), skin)
    fill(sitter.image, sitter.drawing.curve("face"), skin)


def paint_beard(sitter: Sitter) -> None:
    """A beard along the jaw, a moustache above the lip."""
    drawing, who = sitter.drawing, sitter.who
    if who.beard:
        jaw = drawing.curve("jawline")[9:40]
        mouth = drawing.curve("sulcus_line")
        left, right = drawing.point("fold3L"), drawing.point("fold3R")
        inner = np.concatenate([[right], mouth[::-1], [left]])
        for share, strength in ((0.0, 0.4), (0.12, 0.65), (0.22, 0.8)):  # thin at the edge
            edge = inner + (drawing.point("chin") - inner) * share * np.array([0.35, 1.0])
            fill(sitter.image, np.concatenate([jaw, edge]), mix(who.skin, who.hair, who.beard * strength))
    if who.moustache:
        lip = drawing.curve("lip_top")
        lift = 0.015 + 0.10 * np.sin(np.linspace(0, np.pi, len(lip)))
        edge = lip - np.array([0.0, sitter.unit]) * lift[:, None]
        fill(sitter.image, np.concatenate([lip, edge[::-1]]), mix(who.skin, who.hair, who.moustache * 0.8))


def paint_hair(sitter: Sitter) -> None:
    """Hair from the skull's outline down to the hairline."""
    drawing, who = sitter.drawing, sitter.who
    if who.style == "none":
        return
    hairline, skull = drawing.curve("hairline").copy(), drawing.curve("skull")
    middle = (drawing.point("templeL") + drawing.point("templeR")) / 2
    top = _about(middle, skull, 1.3 if who.style == "afro" else 1.04)
    if who.style in ("side", "long", "bob"):  # a parting, from which a fringe falls to both sides
        away = np.linspace(-1, 1, len(hairline)) - (0.5 if who.seed % 2 else -0.5)
        hairline[:, 1] += 0.16 * sitter.unit * who.fringe * np.cos(np.clip(away * 1.3, -1.5, 1.5)) * np.abs(away)
    fill(sitter.image, np.concatenate([hairline, top[::-1]]), who.hair)
    _strands(sitter, hairline, top)
    if who.style in ("long", "bob"):
        for side, sign in (("L", -1), ("R", 1)):
            cheekbone, jaw = drawing.point(f"zygoma{side}"), drawing.point(f"jaw2{side}")
            out = np.array([sign * 0.22 * sitter.unit, 0.0])
            inner = [drawing.point(f"hair3{side}"), cheekbone, jaw + out * 0.3]
            outer = [jaw + out * 1.2, cheekbone + out, drawing.point(f"skull3{side}") + out * 0.4]
            fill(sitter.image, np.array([*inner, *outer]), who.hair)


def _strands(sitter: Sitter, hairline: Array, top: Array) -> None:
    roots = hairline[1:-1:2]
    tips = top[np.linspace(1, len(top) - 2, len(roots)).astype(int)]
    bend = 0.05 * sitter.unit * np.sin(np.linspace(0, np.pi, 5)) * (-1) ** (sitter.who.seed % 2)
    widths = 0.028 * sitter.unit * np.array([0.2, 0.8, 1.0, 0.8, 0.2])
    for number, (root, tip) in enumerate(zip(roots, tips, strict=True)):
        tone = (0.88, 1.14, 0.94, 1.08)[(number * 7 + sitter.who.seed) % 4]
        path = root + (tip - root) * np.linspace(0.04, 0.92, 5)[:, None]
        path[:, 0] += bend
        fill(sitter.image, tapered(path, widths), darker(sitter.who.hair, tone))


def paint_glasses(sitter: Sitter) -> None:
    """Frames on the bridge of the nose; thin, so that eyes and brows stay visible."""
    drawing, unit, who = sitter.drawing, sitter.unit, sitter.who
    if who.glasses == "none":
        return
    width = 0.028 * unit
    left, right = drawing.point("irisL"), drawing.point("irisR")
    level = (right - left) / max(float(np.linalg.norm(right - left)), 1e-6)
    turn = np.array([level, [-level[1], level[0]]])
    bridge = drawing.point("root") + np.array([0, 0.02 * unit])
    for sign, side, centre in ((-1, "L", left), (1, "R", right)):
        half = 0.66 * float(np.linalg.norm(drawing.point(f"eye_out{side}") - drawing.point(f"eye_in{side}")))
        lens = centre + _RINGS[who.glasses] * (half, 0.27 * unit) @ turn + turn[1] * 0.05 * unit
        line(sitter.image, lens, who.glasses_colour, width)
        hinge = centre + sign * level * half
        line(sitter.image, np.array([hinge, drawing.point(f"ear0{side}")]), who.glasses_colour, width)
        line(sitter.image, np.array([centre - sign * level * half, bridge]), who.glasses_colour, width)


def _ring(power: float) -> Array:
    """A closed superellipse (33, 2) of radius one: round at power 1, squarer below."""
    angle = np.linspace(0, 2 * np.pi, 33)
    circle = np.stack([np.cos(angle), np.sin(angle)], 1)
    ring: Array = np.sign(circle) * np.abs(circle) ** power
    return ring


_RINGS = {"round": _ring(1.0), "square": _ring(0.55)}


def _about(centre: Array, points: Array, grow: float) -> Array:
    scaled: Array = centre + (points - centre) * grow
    return scaled
