"""The page in a real browser: what a person sees, picks, hears and is told. Needs Chromium on the PATH."""

import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path

import boards
import numpy as np
import pytest

from harness.evaluation.pairs import compare
from harness.evaluation.student import two_sided
from harness.leaderboard.page import as_html
from harness.leaderboard.rows import leaderboard

CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium on the PATH")
HOSTILE = '<script>alert("x")</script><img src=x onerror=alert(1)>'
READY = "performance.getEntriesByName('interactive').length"


@dataclass
class Shown:
    """A page in a window, the file it is, and what went wrong with it."""

    view: object
    problems: list = field(default_factory=list)

    def cells(self, key):
        """Texts of a column of the table, from the top."""
        heads = self.view.locator("#table thead th").evaluate_all("all => all.map(one => one.dataset.key)")
        return self.view.locator(f"#table tbody tr > :nth-child({heads.index(key) + 1})").all_inner_texts()

    def sort(self, key):
        self.view.locator(f"#table th[data-key={key}] button").click()

    def sorted_by(self, key):
        return self.view.locator(f"#table th[data-key={key}]").get_attribute("aria-sort")

    def text(self, name):
        return self.view.locator(f"#{name}").inner_text()

    def pick(self, letter, title):
        self.view.get_by_label(f"compare as {letter}: {title}", exact=True).click()

    def picked(self, letter, title):
        """Picks unless it is picked already."""
        button = self.view.get_by_label(f"compare as {letter}: {title}", exact=True)
        if button.get_attribute("aria-pressed") == "false":
            button.click()

    def difference(self):
        return self.text("difference").replace("−", "-")


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as driver:
        found = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture(scope="module")
def board():
    return leaderboard(boards.runs(9, clips=24))


@pytest.fixture(scope="module")
def file(board, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "made-up.html"
    path.write_text(as_html(board), encoding="utf-8")
    return path


@pytest.fixture
def show(browser, tmp_path):
    """Opens a page, a file or a leaderboard; at the end nothing may have gone wrong, and nothing have left the page."""
    opened = []

    def show(page, width=1300, height=900, scheme="light"):
        if not isinstance(page, Path):
            path = tmp_path / f"{len(opened)}.html"
            path.write_text(as_html(page), encoding="utf-8")
            page = path
        context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
        shown = Shown(context.new_page())
        opened.append((context, shown))
        shown.view.on("console", lambda message: shown.problems.append(message.text))
        shown.view.on("pageerror", lambda error: shown.problems.append(str(error)))
        address = page.as_uri()

        def let_through(route):
            if route.request.url.partition("#")[0] != address:
                shown.problems.append(route.request.url)
            route.continue_()

        context.route(lambda url: not url.startswith("data:"), let_through)
        shown.view.goto(address)
        shown.view.wait_for_function(READY)
        return shown

    yield show
    for context, shown in opened:
        context.close()
        assert shown.problems == []


def test_rows_come_ranked_and_can_be_sorted_by_every_column(show, file):
    page = show(file)
    view = page.view
    assert page.sorted_by("rank") == "ascending"
    scores = [float(text.split()[0]) for text in page.cells("macro_f1")]
    assert scores == sorted(scores, reverse=True)
    page.sort("macro_f1")
    assert (page.sorted_by("macro_f1"), page.sorted_by("rank")) == ("descending", None)
    page.sort("macro_f1")
    assert page.sorted_by("macro_f1") == "ascending"
    assert [float(text.split()[0]) for text in page.cells("macro_f1")] == scores[::-1]
    page.sort("run")
    assert page.cells("run") == [f"run-{number:04d}" for number in range(9)]
    page.sort("cost")  # what has none comes last, upwards and downwards
    assert page.cells("cost")[-3:] == ["–"] * 3
    page.sort("cost")
    assert page.cells("cost")[-3:] == ["–"] * 3
    for head in view.locator("#table th[data-key]").all():
        head.locator("button").click()
        assert head.get_attribute("aria-sort") in ("ascending", "descending")


def test_ranks_groups_and_differences_are_those_of_the_leaderboard(show, file, board):
    page = show(file)
    rows = board.board("labelers").rows
    expected = [f"{row.ranks[0]}–{row.ranks[1]}" if row.ranks[0] < row.ranks[1] else f"{row.ranks[0]}" for row in rows]
    assert page.cells("rank") == expected
    assert page.cells("group") == [row.group for row in rows]
    assert page.view.locator("#table tr.apart").count() == len({row.group for row in rows}) - 1
    for row, text in zip(rows, page.cells("difference"), strict=True):
        if row.difference is None:
            assert text == "reference"
        else:
            assert f"{row.difference.value:+.3f}".replace("-", "−") in text
            told = row.difference.p_holm < 0.05
            assert ("not told apart" in text) != told
    for row, text in zip(rows, page.cells("low"), strict=True):
        assert text.strip() == f"[{row.score.interval[0]:.3f}, {row.score.interval[1]:.3f}]"


def test_both_boards_name_the_row_that_differences_are_to(show, file, board):
    page = show(file)
    reference = board.board("labelers").reference
    for tab in ("labelers", "systems"):
        page.view.click(f"#tab-{tab}")
        assert f"Differences are to the reference, {reference.run}: {reference.system} (" in page.text("board-facts")


def test_rows_can_be_filtered_by_text_role_and_run(show, file):
    page = show(file)
    view = page.view
    view.fill("#text", "RUN-0004")
    assert page.cells("run") == ["run-0004"]
    assert page.text("shown") == "1 of 9 rows"
    view.fill("#text", "nowhere")
    assert view.locator("#empty").is_visible()
    view.click("#tab-systems")
    assert page.text("shown") == "108 of 108 rows"
    assert page.cells("run")[50:] == []
    view.click("#more")
    assert len(page.cells("run")) == 108
    assert view.locator("#more").is_hidden()
    view.select_option("#role", label="ensemble")
    assert page.text("shown") == "18 of 108 rows"
    view.select_option("#role", label="network, fine-tuned")
    assert page.text("shown") == "45 of 108 rows"
    view.select_option("#run", label="run-0003")
    assert page.text("shown") == "5 of 108 rows"
    view.click("#tab-labelers")
    assert view.input_value("#text") == "nowhere"  # a board keeps its own filters


def test_the_heat_map_follows_the_table(show, file, board):
    page = show(file)
    page.sort("run")
    first = next(row for row in board.board("labelers").rows if row.run == "run-0000")
    row = page.view.locator("#classes tbody tr").first
    assert row.locator("td").all_inner_texts() == [f"{one.f1:.3f}" for one in first.score.per_class]
    strong, weak = (row.locator("td").nth(one).evaluate("cell => getComputedStyle(cell).backgroundColor")
                    for one in (np.argmax([c.f1 for c in first.score.per_class]),
                                np.argmin([c.f1 for c in first.score.per_class])))  # fmt: skip
    assert strong != weak


def test_a_selected_row_shows_its_scores_its_confusion_and_its_calibration(show, file, board):
    page = show(file)
    view = page.view
    view.click("#tab-systems")
    row = next(row for row in board.board("systems").rows if row.score.role == "network")
    view.locator(f"#table tr:has(td:text-is('{row.run}')) button.pick", has_text=row.system).first.click()
    assert view.locator("#chosen .title").inner_text() == f"{row.run}: {row.system}"
    assert view.locator("#table button.pick[aria-pressed=true]").inner_text() == row.system
    frames = view.locator("#chosen .confusion .frames").all_inner_texts()
    assert sum(int(one.replace(",", "")) for one in frames) == row.score.frames
    error = sum(abs(sure - right) for _, sure, right in row.score.calibration.bins) / row.score.calibration.frames
    assert f"expected calibration error\n{error:.3f}" in page.text("chosen")
    filled = sum(bool(count) for count, _, _ in row.score.calibration.bins)
    assert view.locator("#chosen .diagram .seen").count() == filled
    view.locator("#chosen summary").click()
    assert view.locator("#chosen details tbody tr").count() == filled
    view.click("#tab-labelers")
    assert "No calibration" in page.text("chosen")
    assert "none" in view.locator("#chosen .confusion thead").inner_text()  # frames without an answer


def test_the_other_policy_shows_other_scores_and_no_ranks(show, file, board):
    page = show(file)
    page.view.locator("input[value=excluded]").check()
    rows = board.board("labelers").rows
    assert page.cells("macro_f1") == [f"{row.score.by_policy['excluded']:.3f}" for row in rows]
    assert set(page.cells("rank")) == {"–"}
    assert page.view.locator("#policy-note").is_visible()
    assert "none" not in page.view.locator("#chosen .confusion thead").inner_text()
    page.view.locator("input[value=wrong]").check()
    assert page.cells("macro_f1") == [f"{row.macro_f1:.3f}" for row in rows]


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
    page.view.reload()
    page.view.wait_for_function(READY)
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


def test_what_is_not_on_a_small_page_is_said_where_it_is_missed(show, board, tmp_path):
    path = tmp_path / "small.html"
    path.write_text(as_html(board, most=0), encoding="utf-8")
    page = show(path)
    page.view.click("#tab-systems")
    page.view.select_option("#role", label="network, fine-tuned")
    row = page.view.locator("#table tbody tr").first
    row.locator(".pick").click()
    assert "not on the page, to keep it small" in page.text("chosen")
    row.locator("[data-letter=A]").click()
    assert "not on this page, to keep it small: harness compare run-" in page.text("compared-body")


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


def test_everything_can_be_done_without_a_mouse(show, file):
    page = show(file)
    view = page.view
    focused = "document.activeElement"
    view.keyboard.press("Tab")
    assert view.evaluate(f"{focused}.id") == "tab-labelers"
    view.keyboard.press("ArrowRight")
    assert view.evaluate(f"{focused}.id") == "tab-systems"
    assert view.get_attribute("#tab-systems", "aria-selected") == "true"
    assert page.text("board-title").startswith("Systems")
    view.keyboard.press("Home")
    assert page.text("board-title").startswith("Labelers")
    reached = []
    for _ in range(60):
        view.keyboard.press("Tab")
        reached.append(view.evaluate(f"{focused}.closest('[data-key]')?.dataset.key ?? {focused}.id"))
        if reached[-1] == "coverage":
            break
    assert {"panel", "text", "role", "run", "rank", "macro_f1", "system"} <= set(reached)
    view.keyboard.press("Enter")
    assert page.sorted_by("coverage") == "descending"
    assert view.evaluate(f"{focused}.closest('th').dataset.key") == "coverage"  # focus stays
    title = None
    for _ in range(40):
        view.keyboard.press("Tab")
        if view.evaluate(f"{focused}.classList.contains('pick')"):
            title = view.evaluate(f"{focused}.textContent")
            break
    view.keyboard.press("Space")
    assert view.locator("#chosen .title").inner_text().endswith(title)
    assert view.evaluate(f"{focused}.getAttribute('aria-pressed')") == "true"
    view.keyboard.press("Tab")
    view.keyboard.press("Enter")
    assert view.evaluate(f"{focused}.dataset.letter + {focused}.getAttribute('aria-pressed')") == "Atrue"


def test_texts_of_models_and_plugins_stay_text(show):
    target = boards.Target(12, classes=(HOSTILE, "Sadly Angry"))
    systems = [target.system(HOSTILE, "labeler"), target.system(HOSTILE + "2", "labeler"),
               target.system(HOSTILE, "network", HOSTILE)]  # fmt: skip
    page = show(leaderboard([boards.record(target, "one", systems, cost=3.0)]))
    assert HOSTILE in page.cells("system")
    assert HOSTILE in page.view.locator("#classes thead").inner_text()
    page.pick("A", f"one: {HOSTILE}")
    page.pick("B", f"one: {HOSTILE}2")
    page.view.click("#tab-systems")
    assert HOSTILE in page.text("chosen")
    assert page.view.locator("main script, main img[onerror]").count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_shows_it_without_scrolling_sideways(show, file, scheme):
    page = show(file, width=390, height=844, scheme=scheme)
    page.view.click("#tab-systems")
    page.view.locator("#table .pick").first.click()
    assert page.view.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.view.locator("[data-chart=systems]").is_visible()
    assert page.view.locator("[data-chart=labelers]").is_hidden()


def test_both_schemes_have_their_colours_and_chart(show, file):
    seen = {}
    for scheme in ("light", "dark"):
        page = show(file, scheme=scheme)
        ground = page.view.evaluate("getComputedStyle(document.body).backgroundColor")
        image = page.view.locator("[data-chart=labelers] img")
        assert image.evaluate("one => one.decode().then(() => one.naturalWidth)") > 100
        seen[scheme] = (ground, image.evaluate("one => one.currentSrc"))
    assert seen["light"][0] != seen["dark"][0]
    assert seen["light"][1] != seen["dark"][1]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("tab", ["labelers", "systems"])
def test_axe_finds_no_serious_violation(show, file, scheme, tab):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    page = show(file, scheme=scheme)
    page.view.click(f"#tab-{tab}")
    found = axe.Axe().run(page.view).response["violations"]
    serious = [(one["id"], [node["html"] for node in one["nodes"][:3]]) for one in found
               if one["impact"] in ("serious", "critical")]  # fmt: skip
    assert serious == []


def test_an_old_browser_is_told(show, file, browser):
    context = browser.new_context()
    view = context.new_page()
    view.add_init_script("delete window.DecompressionStream")
    view.goto(file.as_uri())
    view.wait_for_selector("#trouble:visible")
    assert "cannot be shown here" in view.inner_text("#trouble")
    context.close()
