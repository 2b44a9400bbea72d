import numpy as np
import pytest
from harness_facs.action_units import UNITS
from harness_facs.prototypes import FLOOR, TABLES, presence, read_prototypes

from harness.errors import ConfigError
from harness.expressions import ABAW_COMPOUND_7, RAF_DB_BASIC_7, Label, LabelSpace


def shown(space, name, table="du-2014", own=None):
    """unit -> share of a class, the floor taken off."""
    row = (presence(space, table, own)[space.id_of(name)] - FLOOR) / (1 - 2 * FLOOR)
    return {unit: round(float(share), 6) for unit, share in zip(UNITS, row, strict=True) if share > 1e-9}


def test_the_published_shares_are_kept():
    assert shown(ABAW_COMPOUND_7, "Fearfully Surprised") == {
        1: 1, 2: 1, 4: 0.47, 5: 1, 10: 0.35, 11: 0.22, 20: 1, 25: 1, 26: 0.51,
    }  # fmt: skip
    assert shown(ABAW_COMPOUND_7, "Sadly Angry") == {4: 1, 6: 0.26, 7: 0.48, 11: 0.2, 15: 1, 17: 0.5}


def test_emotionet_has_other_prototypes_of_two_classes():
    assert shown(ABAW_COMPOUND_7, "Sadly Fearful", "emotionet") == {1: 1, 4: 1, 15: 1, 25: 1}
    assert shown(ABAW_COMPOUND_7, "Sadly Angry", "emotionet") == {4: 1, 7: 1, 15: 1}
    assert shown(ABAW_COMPOUND_7, "Happily Surprised", "emotionet") == shown(ABAW_COMPOUND_7, "Happily Surprised")


@pytest.mark.parametrize("table", sorted(TABLES))
@pytest.mark.parametrize("space", [ABAW_COMPOUND_7, RAF_DB_BASIC_7])
def test_the_built_in_label_spaces_have_prototypes_that_differ(space, table):
    rows = presence(space, table)
    assert rows.shape == (len(space), len(UNITS))
    assert (rows >= FLOOR).all()
    assert (rows <= 1 - FLOOR).all()
    assert len(np.unique(rows, axis=0)) == len(space)


def test_a_prototype_is_found_by_the_basic_emotions_whatever_the_name_and_order():
    space = LabelSpace("own", (Label("Erschrocken", (), ("surprise", "fear")), Label("Froh", (), ("happiness",))))
    assert shown(space, "Erschrocken") == shown(ABAW_COMPOUND_7, "Fearfully Surprised")
    assert shown(space, "Froh") == shown(RAF_DB_BASIC_7, "Happiness")


def test_classes_without_a_prototype_are_named():
    space = LabelSpace("own", (Label("Contempt"), Label("Odd", (), ("fear", "disgust")), Label("F", (), ("fear",))))
    with pytest.raises(ConfigError, match="no prototype for 'Contempt', 'Odd' of label space 'own'; give the basic"):
        presence(space, "du-2014")


def test_own_prototypes_come_before_the_published_ones(tmp_path):
    path = tmp_path / "own.toml"
    path.write_text(
        '[[prototype]]\nbasics = ["fear", "disgust"]\nunits = { 1 = 1, 10 = 0.6 }\n'
        '[[prototype]]\nbasics = ["surprise", "fear"]\nunits = { 26 = 1.0 }\n'
    )
    space = LabelSpace("own", (Label("Odd", (), ("fear", "disgust")), Label("F", (), ("fear", "surprise"))))
    assert shown(space, "Odd", own=path) == {1: 1, 10: 0.6}
    assert shown(space, "F", own=path) == {26: 1}


WRONG = [
    ("units = 1", "holds no"),
    ("[[prototype]]\nbasics = ['fear']", "prototype 1: must have a list 'basics' and a table 'units'"),
    ("[[prototype]]\nbasics = ['fear']\nunits = {}\nmore = 1", "and nothing else"),
    ("[[prototype]]\nbasics = ['dread']\nunits = {1 = 1}", "basics must be a list of anger, disgust"),
    ("[[prototype]]\nbasics = []\nunits = {1 = 1}", "basics must be a list of"),
    ("[[prototype]]\nbasics = ['fear']\nunits = {99 = 1}", "action unit '99' is not measured"),
    ("[[prototype]]\nbasics = ['fear']\nunits = {AU1 = 1}", "action unit 'AU1' is not measured"),
    (
        "[[prototype]]\nbasics = ['fear']\nunits = {1 = 47}",
        "the share of action unit 1 must be between 0 and 1, not 47",
    ),
    ("[[prototype]]\nbasics = ['fear']\nunits = {1 = true}", "between 0 and 1, not True"),
    ("[[prototype", "is not TOML"),
]


@pytest.mark.parametrize(("text", "complaint"), WRONG)
def test_a_file_of_prototypes_that_cannot_be_used_says_where(tmp_path, text, complaint):
    path = tmp_path / "own.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=complaint):
        read_prototypes(path)


def test_a_missing_file_of_prototypes_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"prototypes_file .*own.toml cannot be read: No such file"):
        read_prototypes(tmp_path / "own.toml")
