"""`harness labels show`: tables on the terminal, and a page of faces."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil

import pytest

from harness.documents import write_atomically
from harness.testing.providers import Answer, Rule

HOSTILE = '<script>alert("x")</script><img src=x onerror=alert(1)> Sadly Angry'


def labels_of(home):
    (folder,) = (home / ".harness" / "store" / "pseudo-label").iterdir()
    return folder


@pytest.fixture
def labelled(label, claude, server, home):
    """Six faces, two voters; one reply is a refusal, one hostile; every face is annotated."""
    rules = (
        Rule("refusal-in-words", numbers=(1,)),
        Rule(Answer(HOSTILE), numbers=(4,)),
        Rule(Answer("Sadly Fearful"), numbers=(3,)),
    )
    server.behave(rules=rules)
    rows = "".join(f"f{number},0,Sadly Angry\n" for number in range(6))
    (home / "truth.csv").write_text(f"clip,frame,label\n{rows}")
    more = ("--set", "data.target.annotations=truth.csv")
    assert label(claude(limits={"connections": 1}, prices="prices.toml"), *more).exit_code == 0
    return labels_of(home)


def page(harness, folder, *more):
    result = harness("labels", "show", folder, "--html", "page.html", *more)
    assert result.exit_code == 0, result.output
    return result


def test_outcomes_agreement_confusion_and_cost_are_told(harness, labelled):
    output = harness("labels", "show", labelled).output
    assert "refused_text" in output
    assert "claude/P1 - claude/P2" in output
    assert "Krippendorff's alpha" in output
    assert "annotated, by label" in output
    assert re.search(r"claude \(a-model\) +12", output)
    assert "0: 12" in output


def test_a_beginning_of_the_fingerprint_will_do(harness, labelled):
    assert harness("labels", "show", labelled.name[:12]).output == harness("labels", "show", labelled).output


def test_votes_alone_can_be_shown(harness, labelled, home):
    (votes,) = (home / ".harness" / "store" / "label").iterdir()
    assert "claude/P1" in harness("labels", "show", votes).output


def test_a_run_is_found_by_its_name_or_folder(harness, labelled, home):
    (home / "runs" / "mine").mkdir(parents=True)
    stands = {"fingerprints": {"pseudo-label": labelled.name}}
    (home / "runs" / "mine" / "run.json").write_text(json.dumps(stands))
    assert harness("labels", "show", "mine").output == harness("labels", "show", labelled).output
    assert harness("labels", "show", "runs/mine").exit_code == 0


def test_what_is_not_there_is_one_line(harness, labelled, home):
    missing = harness("labels", "show", "nothing")
    assert (missing.exit_code, missing.stderr.count("\n")) == (2, 1)
    assert "nothing: no run in 'runs'" in missing.stderr
    (faces,) = (home / ".harness" / "store" / "faces").iterdir()
    assert "labels are in those of pseudo-label and label" in harness("labels", "show", faces).stderr
    shutil.rmtree(home / ".harness" / "store" / "label")
    gone = harness("labels", "show", labelled)
    assert gone.exit_code == 2
    assert "is not in the store" in gone.stderr


def test_the_page_holds_replies_as_data_and_lets_nothing_else_in(harness, labelled, home):
    page(harness, labelled)
    html = (home / "page.html").read_text()
    assert "&lt;script&gt;alert(" in html
    assert html.count("<script>") == 1
    assert "<img" not in html
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', html)[1].replace("&#39;", "'")
    assert policy.startswith("default-src 'none'; img-src data:;")
    for tag in ("style", "script"):
        text = re.search(rf"<{tag}>(.*?)</{tag}>", html, re.S)[1]
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert not re.search(r"(src|href|action)=\"(?!data:)", html)


def test_faces_are_on_the_page_only_where_the_licence_lets_them_or_the_user_says_so(harness, labelled, home):
    said = page(harness, labelled).output
    assert "without faces: the licence (unknown)" in said
    assert "data:image/jpeg" not in (home / "page.html").read_text()
    page(harness, labelled, "--thumbnails")
    assert (home / "page.html").read_text().count("data:image/jpeg") == 6
    assert "Keep it on this machine" in (home / "page.html").read_text()

    (data,) = (home / ".harness" / "store" / "data").iterdir()
    allowed = json.dumps({"licence": "CC0", "faces_may_leave": True})
    write_atomically(data / "summary.json", allowed)
    manifest = json.loads((data / "manifest.json").read_text())
    manifest["files"]["summary.json"]["size"] = len(allowed)
    (data / "manifest.json").write_text(json.dumps(manifest))
    page(harness, labelled)
    assert (home / "page.html").read_text().count("data:image/jpeg") == 6
    page(harness, labelled, "--no-thumbnails")
    assert "data:image/jpeg" not in (home / "page.html").read_text()


def test_an_artifact_from_before_the_licence_was_written_counts_as_restricted(harness, labelled, home):
    (data,) = (home / ".harness" / "store" / "data").iterdir()
    summary = json.loads((data / "summary.json").read_text())
    assert summary.pop("faces_may_leave") is False
    old = json.dumps(summary)
    write_atomically(data / "summary.json", old)
    manifest = json.loads((data / "manifest.json").read_text())
    manifest["files"]["summary.json"]["size"] = len(old)
    (data / "manifest.json").write_text(json.dumps(manifest))
    assert "without faces" in page(harness, labelled).output


def test_where_faces_are_too_many_those_in_doubt_come_first(harness, labelled, home):
    page(harness, labelled, "--faces", "2")
    html = (home / "page.html").read_text()
    assert html.count("<article") == 2
    clips = re.findall(r'<div class="place">(f\d)', html)
    assert clips == ["f0", "f1"]  # on f1 voters disagree, on f0 one refused
    page(harness, labelled, "--faces", "3")
    assert "without a label or with" in (home / "page.html").read_text()
    for number in (0, 1):
        assert f"f{number} " in (home / "page.html").read_text()


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("chromium") is None, reason="needs Chromium on the PATH")
def test_a_browser_filters_the_page_and_finds_nothing_to_object_to(harness, labelled, home):
    playwright = pytest.importorskip("playwright.sync_api")
    page(harness, labelled, "--thumbnails")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        view = browser.new_page(viewport={"width": 390, "height": 800})
        problems, requests = [], []
        view.on("console", lambda message: problems.append(message.text))
        view.on("pageerror", lambda error: problems.append(str(error)))
        view.on("request", lambda request: requests.append(request.url))
        view.goto((home / "page.html").as_uri())
        shown = view.locator("article:visible")
        assert shown.count() == 6
        assert view.evaluate("document.documentElement.scrollWidth") <= 390
        view.select_option("#outcome", "refused_text")
        assert shown.count() == 1
        view.select_option("#outcome", "")
        view.check("#disagree")
        assert shown.count() == 1
        view.uncheck("#disagree")
        view.fill("#text", "ONERROR")
        assert shown.count() == 1
        browser.close()
    assert problems == []
    assert all(url.startswith(("file:", "data:")) for url in requests)
