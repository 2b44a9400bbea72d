"""The page of a run in a real browser: headless Chromium, driven by Playwright, looked over by axe-core."""

from __future__ import annotations

import shutil

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from harness.cli import main
from harness.media import write_video

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("chromium") is None, reason="needs Chromium on the PATH"),
]
SCRIPT, IMAGE = '<script>alert("class")</script>', "<img src=x onerror=alert(1)>"
HOSTILE = """
name = "hostile"
benchmark = "tiny"
executor = "inline"
label_space = { name = "mine", labels = [{ name = '<script>alert("class")</script>' }, { name = "b & c" }] }
[data.target]
use = "videos"
root = "clips"
annotations = "truth.csv"
[faces]
detector = "whole-frame"
align = "box"
size = 32
[labeling]
labelers = [{ use = "replay", path = "labels.csv" }]
[fusion]
smoothing = { kind = "box", window = 3 }
[evaluation]
resamples = 100
"""


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def view(browser):
    """view(path, width=1280, scheme="light"): the page, drawn; in the end nothing was objected to or asked for."""
    problems, requests, contexts = [], [], []

    def open_page(path, width=1280, scheme="light"):
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: problems.append(message.text))
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("dialog", lambda dialog: problems.append(f"dialog {dialog.message}"))
        page.on("request", lambda request: requests.append(request.url))
        page.goto(path.as_uri())
        page.wait_for_selector("html[data-ready]")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert problems == []
    assert all(url.startswith(("file:", "data:")) for url in requests)


def written(home, name, out):
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(home)
        result = CliRunner().invoke(main, ["report", name, "--out", str(out)])
    assert result.exit_code == 0, result.output
    return out


@pytest.fixture(scope="module")
def networks(finished, tmp_path_factory):
    return written(finished, "networks", tmp_path_factory.mktemp("page") / "networks.html")


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """A run whose classes and clips are called like markup; a label that stands alone is smoothed away."""
    home = tmp_path_factory.mktemp("hostile")
    (home / "clips").mkdir()
    noise = np.random.default_rng(0)
    rows = []
    for clip in (IMAGE, "plain"):
        pixels = noise.integers(0, 255, (6, 48, 64, 3), dtype=np.uint8)
        write_video(home / "clips" / f"{clip}.mp4", pixels, 25, threads=1)
        rows += [(clip, frame, SCRIPT) for frame in range(6)]
    truth = pd.DataFrame(rows, columns=["clip", "frame", "label"])
    truth.to_csv(home / "truth.csv", index=False)
    truth.assign(label=["b & c" if frame == 2 else SCRIPT for frame in truth["frame"]]).to_csv(
        home / "labels.csv", index=False
    )
    (home / "hostile.toml").write_text(HOSTILE)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(home)
        result = CliRunner().invoke(main, ["run", "hostile.toml", "--name", "hostile"])
    assert result.exit_code == 0, result.output
    return written(home, "hostile", home / "hostile.html")


def answers(page):
    """Row title -> what the table under the timeline says of the chosen frame."""
    rows = page.locator("#answers tbody tr")
    return dict(rows.evaluate_all("rows => rows.map(row => [...row.cells].slice(0, 2).map(cell => cell.textContent))"))


def test_every_section_is_there_and_can_be_reached(networks, view):
    page = view(networks)
    for link in page.locator("nav a").all():
        section = page.locator(link.get_attribute("href"))
        assert section.is_visible()
        assert section.locator("h2").count() == 1


def test_the_clip_picker_shows_what_everybody_said_of_each_frame(finished, networks, view):
    page = view(networks)
    table = pd.read_csv(finished / "runs" / "networks" / "predictions.csv", dtype=str, keep_default_na=False)
    truth = pd.read_csv(finished / "truth.csv", dtype=str).set_index(["clip", "frame"])["label"]
    labels = pd.read_csv(finished / "runs" / "networks" / "labels.csv", dtype=str).set_index(["clip", "frame"])["label"]
    assert page.locator("#clip option").count() == table["clip"].nunique()
    for number, clip in enumerate(table["clip"].unique()):
        page.select_option("#clip", str(number))
        for frame, decided in enumerate(table[table["clip"] == clip]["label"]):
            page.evaluate(
                "frame => { part('frame').value = frame; part('frame').dispatchEvent(new Event('input')); }", frame
            )
            said = answers(page)
            assert said["fused"] == decided
            assert said["truth"] == truth[clip, str(frame)]
            assert said["labeler"] == labels[clip, str(frame)]
        assert f"{clip}, frame {frame}" in page.locator("#said").inner_text()


def test_a_timeline_draws_each_row_from_end_to_end(networks, view):
    page = view(networks)
    names = page.locator("#strip text.name").all_text_contents()
    assert names == ["truth", "labeler", "mobilenet_v2", "resnet18", "fused"]
    widths = page.evaluate(
        "[...document.querySelectorAll('#strip path[class^=k]')].reduce((all, path) => {"
        " for (const [, top, width] of path.getAttribute('d').matchAll(/M[0-9.]+ ([0-9]+)h([0-9.]+)/g))"
        " all[top] = (all[top] || 0) + Number(width); return all; }, {})"
    )
    plot = page.locator("#strip").evaluate("one => one.clientWidth") - 170
    assert list(widths.values()) == pytest.approx([plot] * 5, abs=2)
    first = page.locator("#strip text.short").first
    assert first.text_content() == "FS"  # letters beside the colour


def test_all_of_it_can_be_done_from_the_keyboard(networks, view):
    page = view(networks)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the report"
    page.focus("#clip")
    page.keyboard.press("ArrowDown")
    assert page.locator("#said").inner_text().startswith("02, frame 0")
    page.focus("#frame")
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    assert "02, frame 3, 0.12 s" in page.locator("#said").inner_text()
    assert page.get_attribute("#frame", "aria-valuetext") == "frame 3, 0.12 s"
    page.focus("#before")
    page.keyboard.press("Enter")
    assert page.locator("#said").inner_text().startswith("01, frame 0")
    assert page.locator("#before").is_disabled()
    page.focus("#system")
    page.keyboard.press("Home")
    assert "replay" in page.locator("#matrix caption").text_content()


def test_an_example_leads_to_its_place_in_the_timeline(networks, view):
    page = view(networks)
    link = page.locator("a.place").last
    place = link.inner_text()
    link.click()
    assert page.locator("#said").inner_text().startswith(place)


def test_clips_can_be_ordered_by_how_wrong_they_are(networks, view):
    page = view(networks)
    page.select_option("#order", "wrong")
    shares = [int(text.rsplit(", ", 1)[1].split("%")[0]) for text in page.locator("#clip option").all_text_contents()]
    assert shares == sorted(shares)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_axe_finds_nothing_serious_and_nothing_runs_over_the_edge(networks, view, scheme, width):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    page = view(networks, width, scheme)
    for one in page.locator("details").all():
        one.evaluate("one => { one.open = true; }")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    found = axe.run(page).response["violations"]
    serious = [(one["id"], one["nodes"][0]["html"]) for one in found if one["impact"] in ("serious", "critical")]
    assert serious == []


def test_names_that_look_like_markup_stay_text(hostile, view):
    page = view(hostile)
    assert page.locator("main script, img").count() == 0
    assert page.locator("#clip option").first.text_content().startswith(IMAGE)
    assert answers(page)["truth"] == SCRIPT
    assert page.locator("#matrix thead th", has_text=SCRIPT).count() == 1
    assert page.locator("#classes thead th", has_text=SCRIPT).count() == 1


def test_a_row_before_smoothing_is_shown_where_that_changed_something(hostile, view):
    page = view(hostile)
    names = page.locator("#strip text.name").all_text_contents()
    assert names == ["truth", "labeler", "decision, before smoothing", "decision, smoothed"]
    page.evaluate("part('frame').value = 2; part('frame').dispatchEvent(new Event('input'))")
    said = answers(page)
    assert (said["labeler"], said["decision, before smoothing"], said["decision, smoothed"]) == (
        "b & c",
        "b & c",
        SCRIPT,
    )
