"""The page by keyboard, on a phone, in both colour schemes, for a screen reader, with hostile texts."""

import boards
import pytest

from harness.leaderboard.page import as_html
from harness.leaderboard.rows import leaderboard

HOSTILE = '<script>alert("x")</script><img src=x onerror=alert(1)>'


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
