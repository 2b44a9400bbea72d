"""Colours and figures that all charts share."""

from __future__ import annotations

import colorsys
from pathlib import Path
from typing import Any

from harness.errors import MissingPackage

# Okabe and Ito's palette, told apart under any common colour blindness; yellow comes late, it is faint on white
PALETTE = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#56B4E9", "#CC79A7", "#F0E442", "#7A4B2A")
INK, FAINT, NOTHING = "#222222", "#9A9A9A", "#EDEDED"
ROLES = {"labeler": "#E69F00", "network": "#56B4E9", "ensemble": "#0072B2", "reference": FAINT}
DPI = 150
# the lettering is fixed here: a user's matplotlibrc must not change what a run's folder holds
SETTINGS = {
    "font.size": 9, "axes.titlesize": 10, "axes.titleweight": "bold", "axes.titlelocation": "left",
    "axes.spines.top": False, "axes.spines.right": False, "axes.edgecolor": FAINT, "axes.labelcolor": INK,
    "xtick.color": INK, "ytick.color": INK, "text.color": INK, "text.usetex": False, "text.parse_math": False,
    "savefig.facecolor": "white", "figure.facecolor": "white",
}  # fmt: skip


def matplotlib() -> Any:
    """The package, or MissingPackage with the command that installs it."""
    try:
        import matplotlib as package
    except ImportError as error:
        raise MissingPackage(
            "charts need the package matplotlib, which is not installed; run: pip install 'cer-harness[charts]'"
        ) from error
    return package


def figure(width: float, height: float) -> Any:
    """A figure of its own, in inches, outside of pyplot: nothing is kept, no display is needed."""
    matplotlib()
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), dpi=DPI, layout="constrained")


def settings() -> Any:
    """Context in which figures are made and saved, with matplotlib's defaults and SETTINGS over them."""
    package = matplotlib()
    return package.rc_context({**package.rcParamsDefault, "backend": "agg", **SETTINGS})


def save(drawn: Any, path: Path) -> Path:
    """Write a figure as PNG without a date or version in it: the same data, the same bytes."""
    from matplotlib.backends import backend_agg

    path.parent.mkdir(parents=True, exist_ok=True)
    canvas: Any = backend_agg.FigureCanvasAgg(drawn)
    # Figure.savefig would draw everything twice, for sizes that hang on what was drawn
    canvas.print_png(path, metadata={"Software": None})
    return path


def class_colours(number: int) -> list[str]:
    """A colour a class in id order; beyond the palette, lighter shades of it."""
    return [_lighter(PALETTE[one % len(PALETTE)], one // len(PALETTE)) for one in range(number)]


def _lighter(colour: str, steps: int) -> str:
    if not steps:
        return colour
    red, green, blue = (int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5))
    hue, light, saturation = colorsys.rgb_to_hls(red, green, blue)
    light += (1 - light) * (1 - 0.55**steps)
    return "#" + "".join(f"{round(255 * part):02X}" for part in colorsys.hls_to_rgb(hue, light, saturation))
