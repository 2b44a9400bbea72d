from collections import Counter

import numpy as np

from harness.datasets.synthetic.options import SyntheticOptions
from harness.datasets.synthetic.prototypes import PROTOTYPES
from harness.datasets.synthetic.scene import Grain
from harness.datasets.synthetic.stills import RAF_DB_COUNTS, plan_stills, render_still, still_labels


def test_balanced_stills_show_every_class_as_often() -> None:
    counts = Counter(still_labels(SyntheticOptions(stills=100)))
    assert set(counts) == set(PROTOTYPES)
    assert max(counts.values()) - min(counts.values()) <= 1
    assert sum(counts.values()) == 100


def test_raf_dbs_imbalance_can_be_had() -> None:
    counts = Counter(still_labels(SyntheticOptions(stills=1562, balance="raf-db")))
    assert counts == RAF_DB_COUNTS


def test_named_classes_only_are_rendered() -> None:
    names = ("Sadly Angry", "Happily Surprised")
    assert set(still_labels(SyntheticOptions(stills=10, classes=names))) == set(names)


def test_a_still_shows_the_units_of_its_class() -> None:
    for still in plan_stills(SyntheticOptions(stills=30)):
        assert set(PROTOTYPES[still.label].always) <= set(still.person.units)


def test_each_subject_has_so_many_stills() -> None:
    plans = list(plan_stills(SyntheticOptions(stills=10, stills_per_subject=4)))
    assert [plan.subject for plan in plans] == [0, 0, 0, 0, 1, 1, 1, 1, 2, 2]
    assert plans[0].person.who is plans[3].person.who
    assert not np.array_equal(plans[3].person.who.shape, plans[4].person.who.shape)


def test_stills_vary_in_size_within_the_bounds() -> None:
    options = SyntheticOptions(stills=30, smallest_still=100, largest_still=120)
    grain = Grain(0)
    sizes = set()
    for still in plan_stills(options):
        image = render_still(still, grain)
        assert image.shape == (still.size, still.size, 3)
        assert image.dtype == np.uint8
        sizes.add(still.size)
    assert min(sizes) >= 100
    assert max(sizes) <= 120
    assert len(sizes) > 5


def test_another_seed_gives_other_people() -> None:
    first, second = (next(plan_stills(SyntheticOptions(seed=seed))) for seed in (0, 1))
    assert not np.array_equal(first.person.who.shape, second.person.who.shape)
