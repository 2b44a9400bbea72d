"""The page in a real browser, Chromium on the PATH; what needs it is skipped without."""

import shutil
from dataclasses import dataclass, field
from pathlib import Path

import boards
import pytest

from harness.leaderboard.page import as_html
from harness.leaderboard.rows import leaderboard

CHROMIUM = shutil.which("chromium")
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

    def again(self):
        """Loads the page again."""
        self.view.reload()
        self.view.wait_for_function(READY)

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
    if CHROMIUM is None:
        pytest.skip("needs Chromium on the PATH")
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
