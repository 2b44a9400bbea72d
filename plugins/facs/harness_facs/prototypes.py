"""Which action units make up an expression, and how large a share of people shows each.

Compounds: Du, Tao & Martinez, "Compound facial expressions of emotion", PNAS 2014, Table 1. Basic emotions: the usual
combinations of Ekman & Friesen (EMFACS). A prototype is found by the basic emotions that a class blends, not by the
class's name.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.errors import ConfigError, listed
from harness.expressions import BASIC_EMOTIONS, LabelSpace
from harness_facs.action_units import UNITS

Prototype = Mapping[int, float]  # action unit -> share of people who show it with this expression
FLOOR = 0.03  # nobody shows a unit never, nobody always


def _units(always: tuple[int, ...], some: Mapping[int, float] | None = None) -> Prototype:
    return {**dict.fromkeys(always, 1.0), **(some or {})}


_BASIC: Mapping[frozenset[str], Prototype] = {
    frozenset({"happiness"}): _units((6, 12, 25)),
    frozenset({"sadness"}): _units((1, 4, 15), {6: 0.3, 11: 0.2, 17: 0.6}),
    frozenset({"surprise"}): _units((1, 2, 5, 25, 26)),
    frozenset({"fear"}): _units((1, 2, 4, 5, 20, 25), {26: 0.5}),
    frozenset({"anger"}): _units((4, 7), {5: 0.5, 10: 0.25, 17: 0.5, 23: 0.6, 24: 0.6}),
    frozenset({"disgust"}): _units((9, 10), {4: 0.3, 17: 0.6, 24: 0.3}),
    frozenset({"neutral"}): _units(()),
}
_DU: Mapping[frozenset[str], Prototype] = {
    frozenset({"fear", "surprise"}): _units((1, 2, 5, 20, 25), {4: 0.47, 10: 0.35, 11: 0.22, 26: 0.51}),
    frozenset({"happiness", "surprise"}): _units((1, 2, 12, 25), {5: 0.64, 26: 0.67}),
    frozenset({"sadness", "surprise"}): _units((1, 4, 25, 26), {2: 0.27, 6: 0.31}),
    frozenset({"disgust", "surprise"}): _units((1, 2, 5, 10), {4: 0.45, 9: 0.37, 17: 0.66, 24: 0.33}),
    frozenset({"anger", "surprise"}): _units((4, 25, 26), {5: 0.35, 7: 0.50, 10: 0.34}),
    frozenset({"sadness", "fear"}): _units((1, 4, 20, 25), {2: 0.46, 5: 0.24, 6: 0.34, 15: 0.30}),
    frozenset({"sadness", "anger"}): _units((4, 15), {6: 0.26, 7: 0.48, 11: 0.20, 17: 0.50}),
}
_EMOTIONET: Mapping[frozenset[str], Prototype] = {
    frozenset({"sadness", "fear"}): _units((1, 4, 15, 25)),
    frozenset({"sadness", "anger"}): _units((4, 7, 15)),
}
TABLES: Mapping[str, Mapping[frozenset[str], Prototype]] = {
    "du-2014": {**_BASIC, **_DU},
    "emotionet": {**_BASIC, **_DU, **_EMOTIONET},
}


def presence(space: LabelSpace, table: str, own: Path | None = None) -> NDArray[np.float64]:
    """(C, A) share of people who show each of UNITS with each class, between FLOOR and 1 - FLOOR.

    ConfigError names the classes without a prototype, or what is wrong with the file of prototypes.
    """
    prototypes = {**TABLES[table], **(read_prototypes(own) if own is not None else {})}
    missing = [label.name for label in space.labels if frozenset(label.basics) not in prototypes]
    if missing:
        raise ConfigError(
            f"labeler 'facs' has no prototype for {listed(repr(name) for name in missing)} of label space "
            f"{space.name!r}; give the basic emotions these classes blend, or action units in prototypes_file"
        )
    shares = np.zeros((len(space), len(UNITS)))
    for class_id, label in enumerate(space.labels):
        for unit, share in prototypes[frozenset(label.basics)].items():
            shares[class_id, UNITS.index(unit)] = share
    return FLOOR + (1 - 2 * FLOOR) * shares


def read_prototypes(path: Path) -> dict[frozenset[str], Prototype]:
    """Prototypes of a TOML file: [[prototype]] with basics = ["fear", "disgust"], units = {1 = 1.0, 10 = 0.6}."""
    try:
        with path.open("rb") as file:
            rows = tomllib.load(file).get("prototype")
    except OSError as error:
        raise ConfigError(f"prototypes_file {path} cannot be read: {error.strerror or error}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"prototypes_file {path} is not TOML: {error}") from error
    if not isinstance(rows, list) or not rows:
        raise ConfigError(f"prototypes_file {path} holds no [[prototype]] table with basics and units")
    return dict(_row(path, number, row) for number, row in enumerate(rows, start=1))


def _row(path: Path, number: int, row: Any) -> tuple[frozenset[str], Prototype]:
    where = f"prototypes_file {path}, prototype {number}"
    if not isinstance(row, dict) or set(row) != {"basics", "units"} or not isinstance(row["units"], dict):
        raise ConfigError(f"{where}: must have a list 'basics' and a table 'units' of shares, and nothing else")
    basics = row["basics"]
    if not isinstance(basics, list) or not basics or not set(map(str, basics)) <= set(BASIC_EMOTIONS):
        raise ConfigError(f"{where}: basics must be a list of {', '.join(BASIC_EMOTIONS)}")
    units: dict[int, float] = {}
    for unit, share in row["units"].items():
        if not unit.isdecimal() or int(unit) not in UNITS:
            raise ConfigError(f"{where}: action unit {unit!r} is not measured (measured: {', '.join(map(str, UNITS))})")
        if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share <= 1:
            raise ConfigError(f"{where}: the share of action unit {unit} must be between 0 and 1, not {share!r}")
        units[int(unit)] = float(share)
    return frozenset(basics), units
