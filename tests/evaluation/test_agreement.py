import itertools
import math
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sklearn.metrics import cohen_kappa_score

from harness.errors import DataError
from harness.evaluation.agreement import Pair, cohen_kappa, krippendorff_alpha, pairwise

CLASSES = 4
TABLES = arrays.arrays(
    np.int16, st.tuples(st.integers(2, 5), st.integers(1, 12)), elements=st.integers(-1, CLASSES - 1)
)


def alpha_by_coincidences(labels):
    """Krippendorff's alpha from its coincidence matrix, pair of labels by pair of labels."""
    matrix = np.zeros((CLASSES + 2, CLASSES + 2))
    for item in labels.T:
        values = [int(value) for value in item if value >= 0]
        for one, two in itertools.permutations(range(len(values)), 2):
            matrix[values[one], values[two]] += 1 / (len(values) - 1)
    frequency, total = matrix.sum(0), matrix.sum()
    observed = sum(matrix[c, k] for c, k in itertools.permutations(range(len(matrix)), 2))
    expected = sum(frequency[c] * frequency[k] for c, k in itertools.permutations(range(len(matrix)), 2))
    return 1 - (total - 1) * observed / expected if expected else math.nan


def rows(*texts):
    """One labeler a text: letters or digits are classes, a dot is a missing label."""
    found = [[-1 if sign == "." else int(sign, 16) for sign in text.replace(" ", "")] for text in texts]
    return np.array(found)


@given(TABLES)
def test_kappa_is_that_of_scikit_learn_on_the_shared_items(labels):
    a, b = labels[:2]
    both = (a >= 0) & (b >= 0)
    found = cohen_kappa(a, b, CLASSES)
    if not both.any():
        assert math.isnan(found)
        return
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        expected = cohen_kappa_score(a[both], b[both], labels=range(CLASSES))
    assert found == pytest.approx(expected, abs=1e-12, nan_ok=True)


@given(TABLES)
def test_alpha_is_that_of_the_coincidence_matrix(labels):
    assert krippendorff_alpha(labels) == pytest.approx(alpha_by_coincidences(labels), abs=1e-9, nan_ok=True)


@given(TABLES, st.permutations(range(CLASSES)))
def test_names_of_classes_and_order_of_labelers_do_not_matter(labels, names):
    renamed = np.array([*names, -1])[labels]
    assert krippendorff_alpha(renamed[::-1]) == pytest.approx(krippendorff_alpha(labels), abs=1e-9, nan_ok=True)
    one, two = cohen_kappa(labels[0], labels[1], CLASSES), cohen_kappa(renamed[1], renamed[0], CLASSES)
    assert one == pytest.approx(two, nan_ok=True)


@pytest.mark.parametrize(
    ("labels", "alpha"),
    [
        # Krippendorff 2011, examples A (binary), B (nominal) and C (with missing labels)
        (rows("0100000010", "1110010000"), 0.095),
        (rows("aabbdcccedda", "babbbccceddd"), 0.692),
        (rows("123321412...", "1233224125.3", ".3332342251.", "12332441251."), 0.743),
        # the example of Wikipedia's article
        (rows(".....34121133.3", "1.213343.......", "..21344.21133.4"), 0.691),
    ],
)  # fmt: skip
def test_alpha_of_published_examples(labels, alpha):
    assert krippendorff_alpha(labels) == pytest.approx(alpha, abs=5e-4)


def test_kappa_of_a_published_table():
    # 50 proposals judged by two: both yes 20, both no 15, one of them yes 5 and 10 (Wikipedia, "Cohen's kappa")
    a, b = np.repeat([[0, 0], [0, 1], [1, 0], [1, 1]], [20, 5, 10, 15], axis=0).T
    assert cohen_kappa(a, b, 2) == pytest.approx(0.4)


def test_perfect_agreement_is_one_and_one_class_alone_is_undefined():
    labels = rows("0123", "0123")
    assert cohen_kappa(*labels, 4) == 1
    assert krippendorff_alpha(labels) == 1
    assert math.isnan(cohen_kappa(*rows("11", "11"), 4))
    assert math.isnan(krippendorff_alpha(rows("11", "11")))


def test_labels_that_nobody_shares_have_no_agreement():
    labels = rows("0.", ".1")
    assert math.isnan(cohen_kappa(*labels, 4))
    assert math.isnan(krippendorff_alpha(labels))


def test_every_two_labelers_stand_once_in_the_table():
    pairs = pairwise(["a", "b", "c"], rows("0011.", "00.10", "11..."), 2)
    assert [(pair.first, pair.second, pair.shared) for pair in pairs] == [("a", "b", 3), ("a", "c", 2), ("b", "c", 2)]
    assert pairs[0] == Pair("a", "b", 3, 1.0, 1.0)
    assert pairs[1].same == 0


def test_a_pair_without_a_shared_face_has_no_share():
    (pair,) = pairwise(["a", "b"], rows("0.", ".1"), 2)
    assert pair.shared == 0
    assert math.isnan(pair.same)
    assert math.isnan(pair.kappa)


def test_class_ids_beyond_the_classes_are_refused():
    with pytest.raises(DataError, match="class id 3 is not one of 3, nor -1 for none"):
        cohen_kappa(*rows("03", "00"), 3)
    with pytest.raises(DataError, match="class id -2 is not one of"):
        krippendorff_alpha(np.array([[-2, 0]]))


def test_labels_that_are_no_table_are_refused():
    with pytest.raises(DataError, match=r"labels of shape \(2,\): expected \(labelers, items\)"):
        krippendorff_alpha(np.array([0, 1]))


def test_each_labeler_needs_a_name():
    with pytest.raises(DataError, match="1 names for the labels of 2 labelers"):
        pairwise(["a"], rows("0", "0"), 2)
