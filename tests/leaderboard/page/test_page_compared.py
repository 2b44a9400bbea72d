"""Two picked rows on the page, against the harness's own numbers."""

import os

import boards
import numpy as np
import pytest

from harness.evaluation.pairs import compare
from harness.evaluation.student import two_sided
from harness.leaderboard.rows import leaderboard


def numbers(text):
    """(low, high, p) of "... [low, high], p = p"."""
    low, high = map(float, text.partition("[")[2].partition("]")[0].split(", "))
    return low, high, 0.0 if "p < 0.001" in text else float(text.partition("p = ")[2].partition(";")[0])


def test_a_comparison_agrees_with_that_of_the_harness(show, file, board):
    page = show(file)
    view = page.view
    rows = board.board("labelers").rows
    for first, second in ((0, 1), (0, 8), (5, 4)):
        for letter, row in (("A", rows[first]), ("B", rows[second])):
            page.picked(letter, f"{row.run}: {row.system}")
        expected = compare(rows[first].sums, rows[second].sums)
        one, f1 = expected["macro_f1"], expected["f1"]
        assert page.difference().startswith(f"A - B = {float(one.difference):+.3f} [")
        low, high, p = numbers(page.difference())
        assert (low, high) == pytest.approx((float(one.low), float(one.high)), abs=0.0006)
        assert p == pytest.approx(two_sided(float(one.difference / one.error), 23), abs=0.001)
        low, high, p = numbers(page.text("drawn").replace("−", "-"))
        # 4,000 and 10,000 resamples: their ends differ by chance, a tenth of a standard error
        assert (low, high) == pytest.approx((float(one.drawn_low), float(one.drawn_high)), abs=0.12 * float(one.error))
        assert p == pytest.approx(float(one.bootstrap), abs=0.03)
        for number, cell in enumerate(view.locator("#class-differences tbody tr td:last-child").all_inner_texts()):
            text = cell.replace("−", "-").strip()
            assert text.startswith(f"{float(f1.difference[number]):+.3f}")
            low, high = map(float, text.partition("[")[2].removesuffix("]").split(", "))
            assert (low, high) == pytest.approx((float(f1.low[number]), float(f1.high[number])), abs=0.0006)
        assert view.locator("#compared .confusion").count() == 2


def test_students_t_is_that_of_scipy(show, file):
    distribution = pytest.importorskip("scipy.stats").t
    page = show(file)
    for freedom in (1, 2, 5, 41, 55, 400):
        assert page.view.evaluate(f"critical({freedom})") == pytest.approx(distribution.ppf(0.975, freedom), rel=1e-9)
        for t in (0.0, 0.3, 1.9, 4.0, 12.0):
            p = page.view.evaluate(f"studentP({t}, {freedom})")
            assert p == pytest.approx(2 * distribution.sf(t, freedom), rel=1e-9, abs=1e-15)


def test_the_same_pair_gives_the_same_numbers_and_takes_less_than_a_tenth_of_a_second(show, file):
    page = show(file)
    once = page.difference()
    page.again()
    assert page.difference() == once
    script = """() => {
      const rng = generator(1), seeds = () => [{hits: new Float64Array(56 * 7), shown: new Float64Array(56 * 7)}];
      const make = () => ({clips: 56, seeds: seeds().map(one => {
        for (let at = 0; at < one.hits.length; at++)
          one.shown[at] = 50 + (one.hits[at] = Math.floor(rng() * 50));
        return one; })});
      const a = make(), b = make(), times = [];
      for (let one = 0; one < 5; one++) {
        const from = performance.now();
        comparePair(a, b, 7);
        times.push(performance.now() - from);
      }
      return times.sort((x, y) => x - y)[2];
    }"""
    slack = 10 if os.environ.get("CI") else 4  # processors are shared here; alone it takes some 20 ms
    assert page.view.evaluate(script) < 100 * slack


def test_the_bootstrap_is_what_it_says_draw_by_draw(show, file, board):
    """The same generator in Python, then numpy: the page's interval and p to the last digit shown."""
    page = show(file)
    rows = [row for row in board.board("systems").rows if row.score.phase == "smoothed"][:2]
    state = 0

    def random():
        nonlocal state
        state = (state + 0x6D2B79F5) & 0xFFFFFFFF
        mixed = (state ^ (state >> 15)) * (state | 1) & 0xFFFFFFFF
        mixed ^= (mixed + ((mixed ^ (mixed >> 7)) * (mixed | 61) & 0xFFFFFFFF)) & 0xFFFFFFFF
        return ((mixed ^ (mixed >> 14)) & 0xFFFFFFFF) / 2**32

    clips = rows[0].sums.shape[1]
    drawn = np.array([[int(random() * clips) for _ in range(clips)] for _ in range(4000)])
    weights = np.stack([np.bincount(one, minlength=clips) for one in drawn])
    f1 = []
    for row in rows:
        hits, support, predicted = (weights @ row.sums[0, :, part, :] for part in range(3))
        f1.append((2 * hits / (support + predicted)).mean(axis=1))
    differences = f1[0] - f1[1]
    low, high = np.percentile(differences, [2.5, 97.5])
    page.view.click("#tab-systems")
    for letter, row in zip("AB", rows, strict=True):
        page.picked(letter, f"{row.run}: {row.system}")
    text = page.text("drawn").replace("−", "-")
    assert f"[{low:.3f}, {high:.3f}]" in text
    p = min(1, 2 * (1 + min((differences <= 0).sum(), (differences >= 0).sum())) / 4001)
    assert (f"p = {p:.3f};" if p >= 0.001 else "p < 0.001;") in text


def test_rows_scored_on_other_items_are_not_compared_and_the_page_says_how_many_differ(show):
    target, other = boards.Target(12), boards.Target(12)
    other.digests = ["changed", "too", *target.digests[2:]]
    records = [boards.record(one, run, [one.system("x", "labeler")]) for run, one in (("a", target), ("b", other))]
    page = show(leaderboard(records))
    page.pick("A", "a: x")
    page.pick("B", "b: x")
    assert "different items (2 of 12 clips differ;" in page.text("compared-body")
    assert page.view.locator("#difference").count() == 0
    page.pick("B", "a: x")
    assert "the same row" in page.text("compared-body")
    page.pick("A", "a: x")  # let go of
    assert "a: x is picked; pick another one" in page.text("compared-body")


def test_rows_scored_by_other_policies_or_without_counts_are_not_compared(show):
    target = boards.Target(12)
    excluded = boards.SETTINGS.model_copy(update={"unanswered": "excluded"})
    bare = target.system("bare", "labeler").model_copy(update={"counts": []})
    records = [
        boards.record(target, "a", [target.system("x", "labeler"), bare]),
        boards.record(target, "b", [target.system("x", "labeler", settings=excluded)], settings=excluded),
    ]
    page = show(leaderboard(records))
    page.pick("A", "a: x")
    page.pick("B", "b: x")
    assert "count as wrong in one row and are left out of the other" in page.text("compared-body")
    page.pick("B", "a: bare")
    assert "a: bare has no counts per clip on record" in page.text("compared-body")


def test_of_one_clip_nothing_is_compared(show):
    target = boards.Target(1)
    page = show(leaderboard([boards.record(target, "a", [target.system(name, "labeler") for name in "xy"])]))
    assert "one clip alone" in page.text("compared-body")
    assert page.cells("low") == ["no interval"] * 2
    assert page.cells("group") == ["–"] * 2


def test_means_over_seeds_are_compared_as_means(show):
    page = show(leaderboard(boards.seeded()))
    found = leaderboard(boards.seeded())
    a, b = found.board("systems").rows[:2]
    assert "± 0.0" in page.cells("macro_f1")[0]
    assert "(3 seeds)" in page.cells("macro_f1")[0]
    expected = compare(a.sums, b.sums)["macro_f1"]
    assert page.difference().startswith(f"A - B = {float(expected.difference):+.3f}")
    low, high, _ = numbers(page.difference())
    assert (low, high) == pytest.approx((float(expected.low), float(expected.high)), abs=0.0006)
    low, high, _ = numbers(page.text("drawn").replace("−", "-"))
    ends = float(expected.drawn_low), float(expected.drawn_high)
    assert (low, high) == pytest.approx(ends, abs=0.12 * float(expected.error))
    assert "of the first seed" in page.text("chosen")
