"""Draws a face: flat colours with clean edges at twice the size; soft shading comes from `shading` afterwards."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from harness.datasets.synthetic.geometry import Array, Drawing
from harness.datasets.synthetic.identity import Colour, Identity

Image = NDArray[np.uint8]
_SHIFT = 4  # sub-pixel bits of OpenCV's drawing functions


def _fixed(points: Array) -> NDArray[np.int32]:
    return np.round(points * (1 << _SHIFT)).astype(np.int32)


def fill(image: Image, points: Array, colour: Sequence[float]) -> None:
    """Fill a polygon, (n, 2) pixels, with an antialiased edge."""
    cv2.fillPoly(image, [_fixed(points)], tuple(colour), cv2.LINE_AA, _SHIFT)


def line(image: Image, points: Array, colour: Sequence[float], width: float) -> None:
    """Draw an open line of `width` pixels (at least one)."""
    cv2.polylines(image, [_fixed(points)], False, tuple(colour), max(1, round(width)), cv2.LINE_AA, _SHIFT)


def disc(image: Image, centre: Array, radius: float, colour: Sequence[float]) -> None:
    """Fill a circle."""
    x, y = _fixed(centre)
    cv2.circle(image, (int(x), int(y)), max(1, round(radius * (1 << _SHIFT))), tuple(colour), -1, cv2.LINE_AA, _SHIFT)


def mix(first: Colour, second: Colour, share: float) -> Colour:
    """A colour `share` of the way from the first to the second."""
    red, green, blue = (a + (b - a) * share for a, b in zip(first, second, strict=True))
    return red, green, blue


def darker(colour: Colour, factor: float) -> Colour:
    """The colour times a factor."""
    return colour[0] * factor, colour[1] * factor, colour[2] * factor


def tapered(path: Array, widths: Array, drop: Array | float = 0.0) -> Array:
    """The polygon (2n, 2) of a stroke along `path` (n, 2) whose half widths (n,) lie across the path."""
    along = np.gradient(path, axis=0)
    across = np.stack([-along[:, 1], along[:, 0]], 1)
    across /= np.maximum(np.linalg.norm(across, axis=1, keepdims=True), 1e-6)
    offset = across * widths[:, None]
    shift = np.array([0.0, 1.0]) * np.reshape(drop, (-1, 1))
    polygon: Array = np.concatenate([path + offset + shift, (path - offset + shift)[::-1]])
    return polygon


class Painter:
    """Paints one drawing onto an image (H, W, 3) RGB; `behind` first, then `front`."""

    def __init__(self, image: Image, drawing: Drawing, who: Identity, gaze: tuple[float, float] = (0.0, 0.0)) -> None:
        self.image = image
        self.drawing = drawing
        self.who = who
        self.gaze = gaze
        self.unit = drawing.unit

    def paint(self) -> None:
        """Everything, from back to front."""
        self.hair_behind()
        self.body()
        self.head()
        if self.who.beard or self.who.moustache:
            self.beard()
        self.nose()
        for side in "LR":
            self.eye(side)
            self.brow(side)
        self.mouth()
        self.hair_in_front()
        if self.who.glasses != "none":
            self.glasses()

    def _about(self, centre: Array, points: Array, grow: float) -> Array:
        scaled: Array = centre + (points - centre) * grow
        return scaled

    def hair_behind(self) -> None:
        """The mass of hair behind the head."""
        drawing, style = self.drawing, self.who.style
        if style == "none":
            return
        skull = drawing.curve("skull")
        middle = (drawing.point("templeL") + drawing.point("templeR")) / 2
        grow = {"afro": 1.32, "long": 1.14, "bob": 1.17, "bun": 1.06}.get(style, 1.05)
        top = self._about(middle, skull, grow)
        dark = darker(self.who.hair, 0.72)
        if style in ("long", "bob"):
            jaw = (drawing.point("jaw2L") + drawing.point("jaw2R")) / 2
            length = 1.25 if style == "long" else 0.55
            half = (drawing.point("jaw2R") - drawing.point("jaw2L")) / 2 * 1.42
            down = np.array([0.0, length * self.unit])
            fill(self.image, np.concatenate([top, [jaw + half + down, jaw - half + down]]), dark)
        else:
            ears = [drawing.point("ear1R"), drawing.point("ear1L")]
            fill(self.image, np.concatenate([top, ears]), dark)
        if style == "bun":
            disc(self.image, drawing.point("skull0") - [0, 0.2 * self.unit], 0.42 * self.unit, self.who.hair)

    def body(self) -> None:
        """Neck and shoulders."""
        drawing, unit = self.drawing, self.unit
        left, right, chin = drawing.point("jaw2L"), drawing.point("jaw2R"), drawing.point("chin")
        middle = (left + right) / 2
        neck = 0.62 * unit
        bottom = max(chin[1], middle[1]) + 0.65 * unit
        far = self.image.shape[0] + 4 * unit
        x = middle[0]
        shoulders = np.array(
            [
                [x - 2.1 * unit, far], [x - 2.05 * unit, bottom + 0.55 * unit], [x - 1.5 * unit, bottom + 0.2 * unit],
                [x - neck * 1.2, bottom - 0.1 * unit], [x + neck * 1.2, bottom - 0.1 * unit],
                [x + 1.5 * unit, bottom + 0.2 * unit], [x + 2.05 * unit, bottom + 0.55 * unit], [x + 2.1 * unit, far],
            ]
        )  # fmt: skip
        fill(self.image, shoulders, self.who.clothes)
        y = middle[1] - 0.1 * unit
        collar = [[x + neck * 0.9, bottom], [x, bottom + 0.35 * unit], [x - neck * 0.9, bottom]]
        throat = np.array([[x - neck, y], [x + neck, y], *collar])
        fill(self.image, throat, darker(self.who.skin, 0.82))
        shadow = drawing.curve("jawline")[6:-6]
        drop = np.array([0.0, 0.16 * unit])
        inside = np.clip(shadow + drop, [x - neck, 0], [x + neck, far])
        fill(self.image, inside, darker(self.who.skin, 0.62))

    def head(self) -> None:
        """Ears and the skin of the face."""
        skin = self.who.skin
        for side in "LR":
            fill(self.image, self.drawing.curve(f"ear{side}"), darker(skin, 0.9))
        if self.who.style == "none":
            fill(self.image, self.drawing.curve("skull"), skin)
        fill(self.image, self.drawing.curve("face"), skin)

    def beard(self) -> None:
        """A beard along the jaw, a moustache above the lip."""
        drawing, who = self.drawing, self.who
        if who.beard:
            jaw = drawing.curve("jawline")[9:40]
            mouth = drawing.curve("sulcus_line")
            left, right = drawing.point("fold3L"), drawing.point("fold3R")
            inner = np.concatenate([[right], mouth[::-1], [left]])
            for share, strength in ((0.0, 0.4), (0.12, 0.65), (0.22, 0.8)):  # thin at the edge
                edge = inner + (drawing.point("chin") - inner) * share * np.array([0.35, 1.0])
                fill(self.image, np.concatenate([jaw, edge]), mix(who.skin, who.hair, who.beard * strength))
        if who.moustache:
            lip = drawing.curve("lip_top")
            lift = np.sin(np.linspace(0, np.pi, len(lip)))[:, None] * [0, -0.10 * self.unit]
            edge = lip + lift + [0, -0.015 * self.unit]
            fill(self.image, np.concatenate([lip, edge[::-1]]), mix(who.skin, who.hair, who.moustache * 0.8))

    def nose(self) -> None:
        """Nostrils and wings; the rest of the nose is light and shadow."""
        drawing, unit, skin = self.drawing, self.unit, self.who.skin
        dark = mix(darker(skin, 0.42), (60, 20, 18), 0.3)
        for side in "LR":
            nostril, low = drawing.point(f"nostril{side}"), drawing.point(f"ala_low{side}")
            path = np.linspace(
                nostril + (drawing.point("columella") - nostril) * 0.3, nostril + (low - nostril) * 0.55, 5
            )
            fill(self.image, tapered(path, unit * np.array([0.012, 0.026, 0.032, 0.028, 0.012])), dark)
            wing = drawing.curve(f"ala_line{side}")[3:]
            fill(self.image, tapered(wing, unit * np.linspace(0.004, 0.013, len(wing))), darker(skin, 0.66))

    def eye(self, side: str) -> None:
        """Eyeball between the lids, lashes, lid fold."""
        drawing, unit, who = self.drawing, self.unit, self.who
        upper, lower = drawing.curve(f"lid_up{side}"), drawing.curve(f"lid_low{side}")
        almond = np.concatenate([upper, lower[::-1]])
        x0, y0 = np.maximum(np.floor(almond.min(0)).astype(int) - 3, 0)
        x1, y1 = np.ceil(almond.max(0)).astype(int) + 4
        under = self.image[y0:y1, x0:x1]
        if not under.size:
            return
        corner = np.array([x0, y0], float)
        ball = np.empty_like(under)
        ball[:] = mix((238, 234, 230), who.skin, 0.10)
        iris = drawing.point(f"iris{side}") + np.array(self.gaze) * unit - corner
        disc(ball, iris, 0.108 * unit, darker(who.iris, 0.55))
        disc(ball, iris, 0.092 * unit, who.iris)
        disc(ball, iris, 0.046 * unit, (12, 10, 10))
        disc(ball, iris + np.array([0.03, -0.035]) * unit, 0.020 * unit, (250, 250, 250))
        # the upper lid throws a shadow on the ball
        shadow = np.concatenate([upper, (upper + [0, 0.028 * unit])[::-1]]) - corner
        layer = ball.copy()
        fill(layer, shadow, darker(who.skin, 0.5))
        ball = cv2.addWeighted(ball, 0.55, layer, 0.45, 0)
        mask = np.zeros(under.shape[:2], np.uint8)
        fill(mask, almond - corner, (255,))
        cv2.copyTo(ball, mask, under)
        n = len(upper)
        swell = np.sin(np.linspace(0.12, np.pi * 0.93, n))
        lash = mix(darker(who.skin, 0.3), (24, 16, 14), 0.75)
        fill(self.image, tapered(upper, unit * (0.007 + 0.015 * swell * who.lashes), -0.010 * unit * swell), lash)
        line(self.image, lower, darker(who.skin, 0.62), 0.012 * unit)
        crease = drawing.curve(f"crease{side}")
        weight = np.sin(np.linspace(0.15, np.pi * 0.9, len(crease)))
        fill(self.image, tapered(crease, unit * 0.009 * weight), darker(who.skin, 0.62))

    def brow(self, side: str) -> None:
        """A tapered brow."""
        path = self.drawing.curve(f"brow{side}")
        t = np.linspace(0, 1, len(path))
        width = (
            self.unit
            * 0.052
            * self.who.brow_thickness
            * (0.75 + 0.55 * np.sin(np.pi * (t * 0.75 + 0.12)))
            * (1 - t**3 * 0.75)
        )
        fill(self.image, tapered(path, width * 0.72), mix(self.who.skin, self.who.brow, 0.82))

    def mouth(self) -> None:
        """Lips, and behind them teeth, tongue and dark."""
        drawing, unit, who = self.drawing, self.unit, self.who
        top, low = drawing.curve("lip_top"), drawing.curve("lip_low")
        gap_top, gap_low = drawing.curve("gap_top"), drawing.curve("gap_low")
        gap_low = np.stack([gap_low[:, 0], np.maximum(gap_low[:, 1], gap_top[:, 1])], 1)
        corners = drawing.point("cornerL"), drawing.point("cornerR")
        fill(self.image, np.concatenate([top, [corners[1]], gap_top[::-1], [corners[0]]]), darker(who.lips, 0.86))
        fill(self.image, np.concatenate([low, [corners[1]], gap_low[::-1], [corners[0]]]), who.lips)
        hole = np.concatenate([gap_top, gap_low[::-1]])
        opening = float((gap_low[:, 1] - gap_top[:, 1]).max()) / unit
        if opening > 0.012:
            self._inside(hole, opening)
        seam = np.concatenate([[corners[0]], gap_top, [corners[1]]])
        edge = darker(mix(who.lips, (60, 16, 20), 0.6), 0.6)
        widths = unit * (0.010 if opening < 0.012 else 0.006) * (0.6 + np.sin(np.linspace(0.1, np.pi - 0.1, len(seam))))
        fill(self.image, tapered(seam, widths), edge)
        for point in corners:
            disc(self.image, point, 0.016 * unit, darker(mix(who.lips, who.skin, 0.5), 0.6))

    def _inside(self, hole: Array, opening: float) -> None:
        drawing, unit = self.drawing, self.unit
        x0, y0 = np.maximum(np.floor(hole.min(0)).astype(int) - 2, 0)
        x1, y1 = np.ceil(hole.max(0)).astype(int) + 3
        under = self.image[y0:y1, x0:x1]
        if not under.size:
            return
        corner = np.array([x0, y0], float)
        dark = np.empty_like(under)
        dark[:] = (58, 18, 20)
        columella, tip_low = drawing.point("columella"), drawing.point("gap_low0")
        down = (drawing.point("sulcus") - columella) / max(
            float(np.linalg.norm(drawing.point("sulcus") - columella)), 1e-6
        )
        across = np.array([down[1], -down[0]])
        if opening > 0.14:  # the tongue lies on the floor of an open mouth
            disc(dark, tip_low - corner + down * 0.06 * unit, 0.17 * unit, (150, 66, 66))
        # upper teeth belong to the skull: they hang at a fixed distance from the nose
        edge = columella + down * 0.355 * unit - corner
        teeth = np.array([edge - across * 0.25 * unit, edge + across * 0.25 * unit])
        roof = teeth[::-1] - down * 0.3 * unit
        fill(dark, np.concatenate([teeth, roof]), (232, 226, 214))
        mask = np.zeros(under.shape[:2], np.uint8)
        fill(mask, hole - corner, (255,))
        cv2.copyTo(dark, mask, under)

    def hair_in_front(self) -> None:
        """Hair from the skull's outline down to the hairline."""
        drawing, who = self.drawing, self.who
        if who.style == "none":
            return
        hairline, skull = drawing.curve("hairline").copy(), drawing.curve("skull")
        middle = (drawing.point("templeL") + drawing.point("templeR")) / 2
        top = self._about(middle, skull, 1.3 if who.style == "afro" else 1.04)
        t = np.linspace(-1, 1, len(hairline))
        if who.style in ("side", "long", "bob"):
            part = 0.5 if who.seed % 2 else -0.5
            hairline[:, 1] += (
                self.unit * 0.16 * who.fringe * np.cos(np.clip((t - part) * 1.3, -1.5, 1.5)) * np.abs(t - part)
            )
        fill(self.image, np.concatenate([hairline, top[::-1]]), who.hair)
        self._strands(hairline, top)
        if who.style in ("long", "bob"):
            for side in "LR":
                sign = 1 if side == "R" else -1
                a, b = drawing.point(f"hair3{side}"), drawing.point(f"zygoma{side}")
                c, d = drawing.point(f"jaw2{side}"), drawing.point(f"skull3{side}")
                out = np.array([sign * 0.22 * self.unit, 0.0])
                fill(self.image, np.array([a, b, c + out * 0.3, c + out * 1.2, b + out, d + out * 0.4]), who.hair)

    def _strands(self, hairline: Array, top: Array) -> None:
        roots = hairline[1:-1:2]
        tips = top[np.linspace(1, len(top) - 2, len(roots)).astype(int)]
        for number, (root, tip) in enumerate(zip(roots, tips, strict=True)):
            tone = (0.88, 1.14, 0.94, 1.08)[(number * 7 + self.who.seed) % 4]
            path = root + (tip - root) * np.linspace(0.04, 0.92, 5)[:, None]
            path[:, 0] += 0.05 * self.unit * np.sin(np.linspace(0, np.pi, 5)) * (-1) ** (self.who.seed % 2)
            fill(self.image, tapered(path, self.unit * 0.028 * np.array([0.2, 0.8, 1, 0.8, 0.2])), darker(self.who.hair, tone))

    def glasses(self) -> None:
        """Frames on the bridge of the nose; thin, so that eyes and brows stay visible."""
        drawing, unit, who = self.drawing, self.unit, self.who
        width = 0.028 * unit
        centres = [drawing.point(f"iris{side}") for side in "LR"]
        across = (centres[1] - centres[0]) / 2
        for sign, side, centre in ((-1, "L", centres[0]), (1, "R", centres[1])):
            half = float(np.linalg.norm(drawing.point(f"eye_out{side}") - drawing.point(f"eye_in{side}"))) * 0.66
            angle = np.linspace(0, 2 * np.pi, 33)
            power = 1.0 if who.glasses == "round" else 0.55
            ring = np.stack([np.sign(np.cos(angle)) * np.abs(np.cos(angle)) ** power * half,
                             np.sign(np.sin(angle)) * np.abs(np.sin(angle)) ** power * 0.27 * unit + 0.05 * unit], 1)  # fmt: skip
            direction = across / max(float(np.linalg.norm(across)), 1e-6)
            turn = np.array([direction, [-direction[1], direction[0]]])
            lens = centre + ring @ turn
            line(self.image, lens, who.glasses_colour, width)
            hinge = centre + sign * direction * half
            line(self.image, np.array([hinge, drawing.point(f"ear0{side}")]), who.glasses_colour, width)
            inner = centre - sign * direction * half
            line(self.image, np.array([inner, drawing.point("root") + [0, 0.02 * unit]]), who.glasses_colour, width)
