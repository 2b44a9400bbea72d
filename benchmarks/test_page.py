"""The page of a leaderboard at 20, 200 and 1,000 runs of 13 rows: its size, and how soon it can be used.

    pytest benchmarks/test_page.py --benchmark-enable -m "" -s

A run is a labeler, five networks before and after fine-tuning and two ensembles, on 56 clips and seven classes, their
counts simulated. Interactive is when rows can be sorted and picked and a first comparison stands: the page's own mark,
counted from the start of the navigation; median of several loads, each in a window of its own.
"""

import shutil
import statistics

import boards
import pytest

from harness.leaderboard.page import as_html
from harness.leaderboard.rows import leaderboard

CHROMIUM = shutil.which("chromium")
LOADS = 7
MARK = "performance.getEntriesByName('interactive')"
LATER = pytest.mark.slow
SIZES = [20, pytest.param(200, marks=LATER), pytest.param(1000, marks=LATER)]


@pytest.fixture(scope="module", params=SIZES)
def board(request):
    return leaderboard(boards.runs(request.param, resamples=4))


def test_page(benchmark, board):
    html = benchmark.pedantic(as_html, (board,), rounds=1 if benchmark.disabled else 3)
    size = len(html.encode())
    benchmark.extra_info["bytes"] = size
    print(f"\n{len(board.records)} runs, {len(board.rows)} rows: {size:,} bytes")
    assert len(board.records) > 200 or size < 1_000_000


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium on the PATH")
def test_time_to_interactive(benchmark, board, tmp_path):
    playwright = pytest.importorskip("playwright.sync_api")
    path = tmp_path / "page.html"
    path.write_text(as_html(board), encoding="utf-8")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        times = [loaded(browser, path) for _ in range(LOADS if benchmark.enabled else 1)]
        actions = acted(browser, path)
        benchmark.pedantic(loaded, (browser, path), rounds=1)
        browser.close()
    median = statistics.median(times)
    benchmark.extra_info.update(milliseconds=median, **actions)
    shown = ", ".join(f"{name} {one:.0f} ms" for name, one in actions.items())
    print(f"\n{len(board.records)} runs: interactive after {median:.0f} ms (median of {len(times)}); {shown}")
    if benchmark.enabled and len(board.records) <= 200:
        assert median < 1000


def loaded(browser, path):
    """Milliseconds from the start of the navigation to the page's mark."""
    context = browser.new_context()
    view = context.new_page()
    view.goto(path.as_uri())
    view.wait_for_function(f"{MARK}.length")
    found = view.evaluate(f"{MARK}[0].startTime")
    context.close()
    return found


def acted(browser, path):
    """Milliseconds of script and layout for what a reader does."""
    view = browser.new_page()
    view.goto(path.as_uri())
    view.wait_for_function(f"{MARK}.length")
    others = "document.querySelectorAll('[data-letter=B][aria-pressed=false]')"
    actions = {
        "compare": f"{others}[0].click()",
        "other board": "document.getElementById('tab-systems').click()",
        "sort": "document.querySelector('[data-key=accuracy] button').click()",
    }
    script = (
        "(() => {{ const from = performance.now(); {}; document.body.offsetHeight; "
        "return performance.now() - from; }})()"
    )
    found = {name: view.evaluate(script.format(text)) for name, text in actions.items()}
    view.close()
    return found
